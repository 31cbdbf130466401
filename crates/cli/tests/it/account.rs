//! `loggia account`.

use crate::world::{Run, World, finish};

const ALICE: &str = "did:web:alice.example.com";
const BOB: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";

fn account(world: &World, arguments: &[&str]) -> Run {
    world.run(&[&["account"], arguments].concat())
}

#[test]
fn an_account_is_made_once_and_listed() {
    let world = World::new();
    let alice = account(&world, &["create", ALICE]).fine();
    let line = alice.out.trim_end();
    // K-256, as accounts have it.
    assert!(line.starts_with(&format!("{ALICE} did:key:zQ3s")), "{line}");
    assert!(alice.err.contains("#atproto_space_host"), "{}", alice.err);
    let bob = account(&world, &["create", BOB]).fine();
    assert_ne!(
        bob.out.split(' ').next_back(),
        alice.out.split(' ').next_back()
    );

    let listed = account(&world, &["list"]).fine();
    assert_eq!(listed.out, format!("{}{}", bob.out, alice.out), "by DID");
    account(&world, &["create", ALICE]).refused(2, &["there is an account", ALICE]);
    assert_eq!(account(&world, &["list"]).fine().out, listed.out);
}

#[test]
fn what_is_no_did_is_no_account() {
    let world = World::new();
    account(&world, &["create", "alice"]).refused(2, &["alice"]);
    // Listing makes nothing.
    account(&world, &["list"]);
    assert_eq!(world.files(), []);
}

/// Of one DID there is one key, whoever was first.
#[test]
fn a_development_account_is_no_other_account() {
    let world = World::new();
    let dev = |name: &str| world.run(&["dev", "account", name]);
    let did = |name: &str| format!("did:web:{name}.localhost%3A2510");
    // Before there is a database, and again.
    assert_eq!(dev("alice").fine().out.trim_end(), did("alice"));
    let key = world.read("data/dev/alice-2510.json");
    account(&world, &["create", &did("alice")]).refused(2, &["development account", &did("alice")]);
    dev("alice").fine();
    assert_eq!(world.read("data/dev/alice-2510.json"), key);

    account(&world, &["create", &did("bob")]).fine();
    let listed = account(&world, &["list"]).fine();
    dev("bob").refused(2, &["there is an account", &did("bob")]);
    assert_eq!(account(&world, &["list"]).fine().out, listed.out);
    assert!(!world.path("data/dev/bob-2510.json").exists());
}

#[test]
fn the_server_is_no_account() {
    let world = World::new();
    let own = "did:web:localhost%3A2510";
    account(&world, &["create", own]).refused(2, &["the server itself", own]);
    assert_eq!(account(&world, &["list"]).fine().out, "");

    let mut command = world.command(&["account", "create", "did:web:loggia.example"]);
    let command = command.env("LOGGIA_PUBLIC_URL", "https://loggia.example");
    finish(command).refused(2, &["the server itself"]);
}
