//! `loggia keys`.

use std::process::Command;

use crate::world::{Run, World, finish};

/// 32 bytes in base64.
const NEW: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const NEWER: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

fn keys(world: &World, arguments: &[&str]) -> Run {
    world.run(&[&["keys"], arguments].concat())
}

fn reseal(world: &World, new: &str) -> Run {
    finish(
        world
            .command(&["keys", "reseal"])
            .env("LOGGIA_NEW_MASTER_KEY", new),
    )
}

/// Role and key of each line.
fn listed(run: &Run) -> Vec<(String, String)> {
    let words = |line: &str| {
        let mut words = line.split_whitespace().map(str::to_owned);
        Some((words.next()?, words.next()?))
    };
    run.out.lines().filter_map(words).collect()
}

#[test]
fn init_makes_what_is_missing_and_says_what_was_there() {
    let world = World::new();
    let first = keys(&world, &["init"]).fine();
    let roles: Vec<_> = listed(&first).into_iter().map(|(role, _)| role).collect();
    assert_eq!(roles, ["atproto", "atproto_space", "tokens"]);
    assert_eq!(first.out.matches(" made\n").count(), 3, "{}", first.out);
    // The first two are K-256, the third is P-256.
    assert_eq!(first.out.matches("did:key:zQ3s").count(), 2);
    assert_eq!(first.out.matches("did:key:zDna").count(), 1);

    let second = keys(&world, &["init"]).fine();
    assert_eq!(listed(&second), listed(&first));
    assert_eq!(second.out.matches(" was there\n").count(), 3);
}

#[test]
fn two_at_once_end_with_one_set() {
    let world = World::new();
    let start = |_| {
        let mut command: Command = world.command(&["keys", "init"]);
        command.stdout(std::process::Stdio::piped());
        command.spawn().expect("it starts")
    };
    let children: Vec<_> = (0..4).map(start).collect();
    for child in children {
        // One that meets the making of the database is told so, and nothing is half done.
        child.wait_with_output().expect("it ends");
    }
    let listed = keys(&world, &["list"]).fine();
    assert_eq!(listed.out.lines().count(), 3, "{}", listed.out);
}

#[test]
fn rotate_replaces_one_key_and_list_shows_both() {
    let world = World::new();
    let before = listed(&keys(&world, &["init"]).fine());
    let rotated = keys(&world, &["rotate", "tokens"]).fine();
    let new = &listed(&rotated)[0];
    let run = keys(&world, &["list"]).fine();
    let after = listed(&run);
    assert_eq!(after[..3], before[..]);
    assert_eq!(&after[3], new);
    assert_eq!(run.out.matches(", retired\n").count(), 1, "{}", run.out);
    assert_eq!(run.out.matches(" current\n").count(), 3, "{}", run.out);
    keys(&world, &["rotate", "other"]).refused(2, &["the roles are atproto, atproto_space"]);
    let login = keys(&world, &["rotate", "login"]).fine();
    assert_eq!(login.out, "login         made at the next start\n");
}

#[test]
fn reseal_replaces_the_key_file() {
    let world = World::new();
    let before = keys(&world, &["init"]).fine().out;
    let resealed = reseal(&world, NEW).fine();
    assert_eq!(
        resealed.out,
        "4 values are sealed under the new master key\n"
    );
    assert!(resealed.err.contains("log in again"), "{}", resealed.err);
    assert_eq!(world.read("data/master.key"), NEW);
    assert!(!world.path("data/master.key.new").exists());
    let after = keys(&world, &["init"]).fine().out;
    assert_eq!(after, before.replace(" made", " was there"));
    // Run again, it has nothing to do.
    let again = reseal(&world, NEW).fine();
    assert_eq!(again.out, "0 values are sealed under the new master key\n");
}

#[test]
fn reseal_finishes_what_was_interrupted() {
    let world = World::new();
    keys(&world, &["init"]).fine();
    let old = world.read("data/master.key");
    // The key was laid out, and the database was not changed yet.
    world.write("data/master.key.new", NEWER);
    reseal(&world, NEW).fine();
    assert_eq!(world.read("data/master.key"), NEW);
    // The database was changed, and the key file was not yet.
    world.write("data/master.key", &old);
    world.write("data/master.key.new", NEW);
    keys(&world, &["list"]).refused(2, &["the master key is not the one"]);
    reseal(&world, NEWER).fine();
    assert_eq!(world.read("data/master.key"), NEWER);
    keys(&world, &["list"]).fine();
}

#[test]
fn reseal_leaves_the_file_alone_if_the_key_is_in_the_environment() {
    let world = World::new();
    let run = |arguments: &[&str], present: &str| {
        let mut command = world.command(arguments);
        command.env("LOGGIA_NEW_MASTER_KEY", NEWER);
        finish(command.env("LOGGIA_MASTER_KEY", present))
    };
    run(&["keys", "init"], NEW).fine();
    let resealed = run(&["keys", "reseal"], NEW).fine();
    assert!(
        resealed.err.contains("LOGGIA_MASTER_KEY must be the new"),
        "{}",
        resealed.err
    );
    assert!(!world.path("data/master.key").exists());
    run(&["keys", "list"], NEWER).fine();
    run(&["keys", "list"], NEW).refused(2, &["the master key is not the one"]);
}

#[test]
fn reseal_wants_a_key_a_database_and_no_server() {
    let world = World::new();
    keys(&world, &["reseal"]).refused(2, &["set LOGGIA_NEW_MASTER_KEY"]);
    reseal(&world, NEW).refused(2, &["there is no database"]);
    keys(&world, &["init"]).fine();
    reseal(&world, "short").refused(2, &["LOGGIA_NEW_MASTER_KEY", "32 bytes in base64"]);
    let lock = std::fs::File::open(world.path("data/lock")).expect("the folder has a lock");
    lock.lock().expect("nobody holds it");
    reseal(&world, NEW).refused(2, &["another loggia process uses the folder"]);
    // What is short is done beside a server.
    keys(&world, &["list"]).fine();
}
