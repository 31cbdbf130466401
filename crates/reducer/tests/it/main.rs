//! Programs: what they can do, and what stops them.

mod limits;
mod programs;

use loggia_reducer::{CompileError, Fault, Program, Room};

/// Compiles and runs a program.
#[track_caller]
pub fn run(source: &str, state: &str, event: &str) -> Result<Option<String>, Fault> {
    let work = |room: &Room| {
        let program = Program::compile(source, room);
        let program = program.unwrap_or_else(|error| panic!("{source}: {error}"));
        let given = program.run(state, event, room)?;
        Ok(given.map(|given| given.json))
    };
    Room::with(work).expect("there are threads")
}

/// What a program gives, as text.
#[track_caller]
pub fn gives(source: &str, state: &str, event: &str, expected: &str) {
    let given = run(source, state, event);
    assert_eq!(given, Ok(Some(expected.to_owned())), "{source}");
}

/// Why a source is no program.
pub fn refused(source: &str) -> CompileError {
    let compiled = Room::with(|room| Program::compile(source, room).map(drop));
    let compiled = compiled.expect("there are threads");
    compiled
        .err()
        .unwrap_or_else(|| panic!("{source}: it is a program"))
}
