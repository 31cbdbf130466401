//! `loggia client`.

use crate::world::World;

#[test]
fn a_client_is_made_listed_and_revoked() {
    let world = World::new();
    let app = [
        "client",
        "create",
        "--name",
        "An app",
        "--origin",
        "https://App.example/",
        "--origin",
        "http://localhost:3000",
        "--requests-per-minute",
        "600",
    ];
    let made = world.run(&app).fine();
    let key = made.out.trim_end();
    assert!(key.starts_with("lgk_") && key.len() == 47, "{key}");
    assert!(made.err.contains("It is shown this once."), "{}", made.err);
    world
        .run(&["client", "create", "--name", "A program"])
        .fine();

    let listed = world.run(&["client", "list"]).fine().out;
    let lines: Vec<_> = listed.lines().collect();
    assert!(
        lines[0].ends_with(
            ", 600 requests a minute, pages of https://app.example http://localhost:3000: An app"
        ),
        "{listed}"
    );
    assert!(lines[1].ends_with(": A program"), "{listed}");
    assert!(!listed.contains(key));
    let id = lines[0].split(' ').next().expect("an id");
    assert!(made.err.contains(id), "{}", made.err);

    world.run(&["client", "revoke", id]).fine();
    let listed = world.run(&["client", "list"]).fine().out;
    assert_eq!(listed.matches(", revoked").count(), 1, "{listed}");
    world
        .run(&["client", "revoke", id])
        .refused(2, &["there is no client", "with a good key"]);
}

#[test]
fn what_makes_no_client_is_refused() {
    let world = World::new();
    let create = |arguments: &[&str]| world.run(&[&["client", "create"], arguments].concat());
    create(&[]).refused(2, &["--name"]);
    create(&["--name", ""]).refused(2, &["1 to 100 characters"]);
    create(&["--name", "a\nb"]).refused(2, &["no control characters"]);
    create(&["--name", "a", "--origin", "app.example"])
        .refused(2, &["`app.example` is not an origin such as"]);
    create(&["--name", "a", "--requests-per-minute", "0"]).refused(2, &["0 is not in"]);
    world
        .run(&["client", "revoke", "x"])
        .refused(2, &["not a UUID"]);
    let listed = world.run(&["client", "list"]).fine();
    assert_eq!(listed.out, "");
}
