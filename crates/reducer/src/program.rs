//! A compiled program, and one run of it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use jaq_core::load::{Arena, File, Loader, import};
use jaq_core::{Compiler, Ctx, Filter, Vars};
use jaq_json::read;

use crate::budget::{self, Spent};
use crate::filters::{self, Counted, Counter, definitions, functions};
use crate::room::Room;
use crate::value::Value;

/// Bytes of source: far more than a reducer needs, and no more than a compiler that goes by the stack
/// can be given.
pub const MOST_SOURCE: usize = 16 * 1024;

/// Bytes of what a program says when it fails that are kept.
const MOST_SAID: usize = 500;

/// The variable that holds the event.
const EVENT: &str = "$event";

/// A program that compiles.
pub struct Program {
    filter: Filter<Counted>,
}

/// What a run gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The value, JSON.
    pub json: String,
    /// Whether it is another value than the state was; the order of an object's keys is no matter.
    pub is_new: bool,
}

/// Why a source is no program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// It is longer than [`MOST_SOURCE`].
    #[error("a program has at most {MOST_SOURCE} bytes, this one has {0}")]
    TooLong(usize),
    /// It cannot be read as jq.
    #[error("the program cannot be read near {0:?}")]
    Syntax(String),
    /// It names something that there is not.
    #[error("the program uses {0}, which there is not")]
    Undefined(String),
}

/// Why a run gave no state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// What it was given is not JSON.
    #[error("the {0} is not JSON")]
    NotJson(&'static str),
    /// It failed, and said so.
    #[error("the program failed: {0}")]
    Failed(String),
    /// It gave more than one value.
    #[error("the program gave more than one value")]
    Several,
    /// What it gave cannot be written as JSON.
    #[error("the program gave what is not JSON: {0}")]
    Unwritable(String),
    /// It made the interpreter panic, which is a mistake of that one.
    #[error("the interpreter cannot run the program")]
    Panicked,
    /// It was stopped.
    #[error("the program was stopped: {0}")]
    Stopped(Spent),
}

impl Program {
    /// Compiles a source. `.` is the state, `$event` the event.
    ///
    /// # Errors
    /// It is too long, or no program.
    pub fn compile(source: &str, _: &Room) -> Result<Self, CompileError> {
        if source.len() > MOST_SOURCE {
            return Err(CompileError::TooLong(source.len()));
        }
        let arena = Arena::default();
        let loader = Loader::new(definitions());
        let file = File {
            code: source,
            path: (),
        };
        let modules = loader.load(&arena, file).map_err(|errors| {
            let mut all = errors.into_iter().map(|(_, error)| unreadable(error));
            all.next()
                .unwrap_or_else(|| CompileError::Syntax(String::new()))
        })?;
        // The loader itself refuses modules, and leaves files of data to its caller.
        let mut files = Vec::new();
        let imported = import(&modules, |file| {
            files.push(file.path.to_owned());
            Ok(())
        });
        if imported.is_err() || !files.is_empty() {
            let files = shorten(files.join("`, `"));
            return Err(CompileError::Undefined(format!("the file `{files}`")));
        }
        let compiler = Compiler::default()
            .with_funs(functions())
            .with_global_vars([EVENT]);
        let filter = compiler.compile(modules).map_err(|errors| {
            let mut all = errors.into_iter().flat_map(|(_, errors)| errors);
            let (name, what) = all.next().expect("who fails says why");
            CompileError::Undefined(shorten(format!("the {} `{name}`", what.as_str())))
        })?;
        Ok(Self { filter })
    }

    /// Runs on a state and an event, both JSON; nothing if the program gives nothing.
    ///
    /// # Errors
    /// It failed or was stopped.
    pub fn run(&self, state: &str, event: &str, room: &Room) -> Result<Option<Given>, Fault> {
        let running = || budget::within(room, || self.run_counted(state, event));
        match catch_unwind(AssertUnwindSafe(running)) {
            Ok(done) => done,
            Err(panic) => match panic.downcast::<Spent>() {
                Ok(spent) => Err(Fault::Stopped(*spent)),
                Err(_) => Err(Fault::Panicked),
            },
        }
    }

    fn run_counted(&self, state: &str, event: &str) -> Result<Option<Given>, Fault> {
        let event = read("event", event)?;
        let state = read("state", state)?;
        let ctx = Ctx::<Counted>::new(Counter(&self.filter.lut), Vars::new([event]));
        let mut given = self.filter.id.run((ctx, state.clone()));
        let Some(first) = given.next() else {
            return Ok(None);
        };
        let first = first.map_err(failed)?;
        match given.next() {
            None => {}
            Some(Ok(_)) => return Err(Fault::Several),
            Some(Err(error)) => return Err(failed(error)),
        }
        let text = first.to_string();
        match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
            Ok(_) => Ok(Some(Given {
                is_new: first != state,
                json: text,
            })),
            Err(error) => Err(Fault::Unwritable(error.to_string())),
        }
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Program")
    }
}

fn failed(exception: jaq_core::Exn<'_, Value>) -> Fault {
    Fault::Failed(shorten(filters::said(exception)))
}

/// Strict JSON, which also limits how deep it is nested.
fn read(what: &'static str, text: &str) -> Result<Value, Fault> {
    serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|_| Fault::NotJson(what))?;
    let value = read::parse_single(text.as_bytes()).map_err(|_| Fault::NotJson(what))?;
    Ok(Value::built(value))
}

fn unreadable(error: jaq_core::load::Error<&str>) -> CompileError {
    use jaq_core::load::Error;
    let near = match error {
        Error::Io(all) => {
            let path = all.first().map_or("", |(path, _)| *path);
            return CompileError::Undefined(format!("the file `{path}`"));
        }
        Error::Lex(all) => all.first().map_or("", |(_, near)| *near),
        Error::Parse(all) => all.first().map_or("", |(_, near)| *near),
    };
    let near: String = near.chars().take(40).collect();
    CompileError::Syntax(near)
}

/// As much of a text as is kept, without the one character that PostgreSQL cannot keep.
fn shorten(text: String) -> String {
    let mut text = text.replace('\0', "\\u0000");
    if text.len() > MOST_SAID {
        let end = text.floor_char_boundary(MOST_SAID);
        text.truncate(end);
        text.push('…');
    }
    text
}
