//! What every command has in common.

use crate::world::World;

#[test]
fn a_mistake_on_the_command_line_ends_with_2() {
    let world = World::new();
    world
        .run(&["serv"])
        .refused(2, &["unrecognized subcommand"]);
    world.run(&["validate"]).refused(2, &["--lexicons"]);
    world
        .run(&["codegen", "--lexicons", "lexicons"])
        .refused(2, &["--out"]);
    world.run(&["lexicon", "diff", "one"]).refused(2, &["NEW"]);
    let outside = ["listen", "--status", "99"];
    world.run(&outside).refused(2, &["99", "200..=599"]);
}

#[test]
fn help_names_every_command() {
    let help = World::new().run(&["--help"]).fine().out;
    for command in [
        "serve",
        "codegen",
        "validate",
        "lexicon",
        "listen",
        "check-config",
    ] {
        assert!(help.contains(command), "{help}");
    }
}
