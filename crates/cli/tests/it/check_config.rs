//! `loggia check-config`.

use crate::world::{World, finish};

#[test]
fn says_what_every_setting_is() {
    let run = World::new().run(&["check-config"]).fine();
    let lines: Vec<_> = run.out.lines().collect();
    assert!(
        lines[0].starts_with("bind = \"127.0.0.1:2510\""),
        "{}",
        run.out
    );
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("webhooks_per_account = \"50\""))
    );
    assert_eq!(lines.last(), Some(&"# development: loopback only"));
}

#[test]
fn the_environment_overrides_the_file() {
    let world = World::new();
    world.write(
        "loggia.toml",
        "bind = \"127.0.0.1:1\"\nwebhooks_per_account = 3\n",
    );
    let mut command = world.command(&["check-config", "--config", "loggia.toml"]);
    let run = finish(command.env("LOGGIA_BIND", "127.0.0.1:2")).fine();
    assert!(run.out.contains("bind = \"127.0.0.1:2\""), "{}", run.out);
    assert!(
        run.out.contains("webhooks_per_account = \"3\""),
        "{}",
        run.out
    );
}

#[test]
fn issuers_are_shown_without_their_secrets() {
    let run = World::new().run(&["check-config"]).fine();
    assert!(run.out.contains("# no [[issuers]]"), "{}", run.out);
    let world = World::new();
    let table = "[[issuers]]\nissuer = \"https://login.example\"\nintrospection = \
                 \"https://login.example/ask\"\nintrospection_client = \"hub\"\n\
                 introspection_secret_env = \"HUB_SECRET\"\n";
    world.write("loggia.toml", table);
    let mut command = world.command(&["check-config", "--config", "loggia.toml"]);
    let run = finish(command.env("HUB_SECRET", "s3cret")).fine();
    for line in table.lines() {
        let shown = run.out.lines().any(|shown| shown.starts_with(line));
        assert!(shown, "{line}: {}", run.out);
    }
    assert!(!run.out.contains("s3cret"), "{}", run.out);
    let run = world.run(&["check-config", "--config", "loggia.toml"]);
    run.refused(
        2,
        &[
            "issuers[0].introspection_secret_env (loggia.toml)",
            "HUB_SECRET holds no secret",
        ],
    );
}

#[test]
fn a_public_url_ends_development() {
    let world = World::new();
    let mut command = world.command(&["check-config"]);
    let run = finish(command.env("LOGGIA_PUBLIC_URL", "https://hub.example")).fine();
    assert!(run.out.ends_with("# published\n"), "{}", run.out);
}

#[test]
fn every_mistake_is_told_at_once_with_its_place() {
    let world = World::new();
    world.write(
        "loggia.toml",
        "bind = \"nowhere\"\nwebhook_per_account = 3\n",
    );
    let mut command = world.command(&["--config", "loggia.toml", "check-config"]);
    command.env("LOGGIA_ATTEMPT_TIMEOUT_MS", "5");
    let run = finish(command.env("LOGGIA_PLC_DIRECTORY", "plc"));
    assert_eq!(run.out, "");
    run.refused(
        2,
        &[
            "bind (loggia.toml)",
            "`nowhere`",
            "webhook_per_account (loggia.toml)",
            "is not a setting",
            "plc_directory (environment, LOGGIA_PLC_DIRECTORY)",
            "attempt_timeout_ms (environment, LOGGIA_ATTEMPT_TIMEOUT_MS)",
            "5 is not within 100 to 30000",
        ],
    );
}

#[test]
fn a_file_that_is_not_toml_is_shown_with_its_line() {
    let world = World::new();
    world.write("loggia.toml", "data = \"data\"\nbind = = 1\n");
    let run = world.run(&["check-config", "--config", "loggia.toml"]);
    run.refused(2, &["loggia.toml", "is not TOML", "line 2", "bind = = 1"]);
    world
        .run(&["check-config", "--config", "missing.toml"])
        .refused(2, &["missing.toml", "cannot be read"]);
}

#[test]
fn an_address_that_others_reach_needs_a_public_url() {
    let world = World::new();
    let mut command = world.command(&["check-config"]);
    let run = finish(command.env("LOGGIA_BIND", "0.0.0.0:2510"));
    run.refused(2, &["public_url (not set)", "LOGGIA_PUBLIC_URL="]);
}

#[test]
fn what_no_server_can_run_with_is_told() {
    let world = World::new();
    world.write(
        "loggia.toml",
        "allowed_networks = [\"10.0.0.0/8\", \"x\"]\n",
    );
    let mut command = world.command(&["check-config", "--config", "loggia.toml"]);
    command
        .env("LOGGIA_MASTER_KEY", "c2VjcmV0")
        .env("LOGGIA_PLC_DIRECTORY", "ftp://plc.example")
        .env("LOGGIA_REQUESTS_PER_MINUTE", "0")
        .env("LOGGIA_DATA", "");
    let run = finish(&mut command);
    assert!(!run.err.contains("c2VjcmV0"), "a key is shown: {}", run.err);
    let said = [
        "LOGGIA_MASTER_KEY (environment)",
        "32 bytes in base64",
        "plc_directory (as set)",
        "scheme is not https",
        "requests_per_minute (as set): must be at least 1",
        "data (as set): must name a folder",
        "allowed_networks (loggia.toml)",
        "`x`",
    ];
    run.refused(2, &said);
    let mut serve = world.command(&["serve"]);
    let run = finish(serve.env("LOGGIA_MASTER_KEY", "c2VjcmV0"));
    run.refused(2, &["LOGGIA_MASTER_KEY", "32 bytes in base64"]);
}

#[test]
fn development_accounts_need_a_port_and_localhost() {
    let world = World::new();
    for arguments in [&["dev", "account"][..], &["dev", "token", "--lxm", "a.b.c"]] {
        let mut command = world.command(arguments);
        let run = finish(command.env("LOGGIA_BIND", "127.0.0.1:0"));
        run.refused(2, &["port 0", "LOGGIA_BIND"]);
        assert_eq!(run.out, "");
        let run = finish(command.env("LOGGIA_BIND", "127.0.0.2:2510"));
        run.refused(2, &["127.0.0.2:2510 is not where localhost leads"]);
    }
}

#[test]
fn a_log_filter_that_serve_would_refuse_is_refused() {
    let world = World::new();
    let mut command = world.command(&["check-config"]);
    finish(command.env("LOGGIA_LOG", "!!!")).refused(2, &["LOGGIA_LOG is a filter"]);
}
