//! Tables right and wrong.

use crate::config::{Config, ConfigError};
use crate::issuers::Way;

const VARIABLE: &str = "HUB_SECRET";

/// Reads a file with these lines; `HUB_SECRET` holds a secret.
fn load(text: &str) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("loggia.toml");
    std::fs::write(&file, text).expect("written");
    let environment = [(VARIABLE.to_owned(), "s3cret".to_owned())];
    Config::load(Some(&file), environment)
}

const GOOD: &str = r#"
public_url = "https://hub.example"
[[issuers]]
issuer = "https://pds.example"
jwks = "https://pds.example/oauth/jwks"
[[issuers]]
issuer = "https://entryway.example/tenant"
introspection = "https://entryway.example/introspect"
introspection_client = "hub"
introspection_secret_env = "HUB_SECRET"
audience = "https://hub.example"
scope = "atproto"
"#;

#[test]
fn issuers_are_tables_of_a_file_and_shown_without_secrets() {
    let config = load(GOOD).expect("valid");
    let [first, second] = &config.issuers[..] else {
        panic!("{config:#?}")
    };
    assert!(matches!(&first.way, Way::Keys(url) if url.path() == "/oauth/jwks"));
    assert!(matches!(&second.way, Way::Introspection { secret, .. } if &**secret == "s3cret"));
    let shown = [
        ("issuer", "https://entryway.example/tenant"),
        ("introspection", "https://entryway.example/introspect"),
        ("introspection_client", "hub"),
        ("introspection_secret_env", VARIABLE),
        ("audience", "https://hub.example"),
        ("scope", "atproto"),
    ];
    assert_eq!(second.shown(), shown);
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[test]
fn nobody_is_trusted_unless_named() {
    assert!(Config::defaults().issuers.is_empty());
}

const ISSUER: &str = "issuer = 'https://a.example'";
const KEYS: &str = "jwks = 'https://a.example/jwks'";
const ASK: &str = "introspection = 'https://a.example/ask'";
const CLIENT: &str = "introspection_client = 'hub'";

/// Holds that a table with these lines has one mistake, with this place and reason.
fn is_wrong(lines: &[&str], name: &str, why: &str) {
    let lines = lines.join("\n");
    let text = format!("public_url = 'https://hub.example'\n[[issuers]]\n{lines}\n");
    let error = load(&text).expect_err(&text);
    let [mistake] = &error.0[..] else {
        panic!("{lines}: {error}")
    };
    assert_eq!(mistake.name, name, "{error}");
    assert!(mistake.message.contains(why), "{error}");
    assert!(mistake.source.ends_with("loggia.toml"), "{error}");
}

#[test]
fn an_issuer_is_a_url_that_nobody_else_has() {
    let name = "issuers[0].issuer";
    is_wrong(&[KEYS], name, "is missing");
    for (line, why) in [
        ("issuer = ''", "not empty"),
        ("issuer = 5", "text"),
        ("issuer = 'a.example'", "a.example"),
        ("issuer = 'http://a.example'", "plain http"),
        ("issuer = 'https://a.example/?a'", "query"),
        ("issuer = 'https://hub.example'", "this server"),
    ] {
        is_wrong(&[line, KEYS], name, why);
    }
    let again = "issuer = 'https://a.example/'";
    let twice = [ISSUER, KEYS, "[[issuers]]", again, KEYS];
    is_wrong(&twice, "issuers[1].issuer", "already");
}

#[test]
fn an_issuer_has_keys_that_can_be_fetched_or_is_asked() {
    let table = "issuers[0]";
    is_wrong(&[ISSUER], table, "either `jwks` or `introspection`");
    is_wrong(&[ISSUER, KEYS, ASK], table, "both");
    is_wrong(&[ISSUER, KEYS, CLIENT], table, "needs none");
    for (line, why) in [
        ("jwks = 'http://localhost/jwks'", "plain http"),
        ("jwks = 'https://10.0.0.1/jwks'", "private"),
        ("jwks = 1", "text"),
    ] {
        is_wrong(&[ISSUER, line], "issuers[0].jwks", why);
    }
    let scope = "scope = 'a b'";
    is_wrong(&[ISSUER, KEYS, scope], "issuers[0].scope", "one scope");
    is_wrong(
        &[ISSUER, KEYS, "keys = 1"],
        "issuers[0].keys",
        "not a setting",
    );
}

#[test]
fn who_asks_has_a_name_and_a_secret() {
    let good = "introspection_secret_env = 'HUB_SECRET'";
    let name = "issuers[0].introspection_client";
    is_wrong(&[ISSUER, ASK, good], name, "is missing");
    let name = "issuers[0].introspection_secret_env";
    is_wrong(&[ISSUER, ASK, CLIENT], name, "is missing");
    for (variable, why) in [
        ("NOBODY_SET_THIS", "NOBODY_SET_THIS holds no secret"),
        ("LOGGIA_MASTER_KEY", "own variables"),
    ] {
        let line = format!("introspection_secret_env = '{variable}'");
        is_wrong(&[ISSUER, ASK, CLIENT, &line], name, why);
    }
}

#[test]
fn what_is_no_table_is_told_where_it_belongs() {
    for text in ["issuers = 5", "issuers = ['https://a.example']"] {
        let error = load(text).expect_err(text);
        assert!(error.to_string().contains("[[issuers]]"), "{error}");
    }
    let variable = ("LOGGIA_ISSUERS".to_owned(), "https://a.example".to_owned());
    let error = Config::load(None, [variable]).expect_err("not from the environment");
    assert!(error.to_string().contains("in a file only"), "{error}");
}

#[test]
fn issuers_are_not_without_number() {
    let one =
        |n| format!("[[issuers]]\nissuer = 'https://{n}.example'\njwks = 'https://x.example'\n");
    let file = |count| (0..count).map(one).collect::<String>();
    assert_eq!(load(&file(16)).expect("valid").issuers.len(), 16);
    let error = load(&file(20)).expect_err("too many");
    assert_eq!(error.0.len(), 1, "{error}");
    assert!(error.to_string().contains("one too many"), "{error}");
}

#[test]
fn in_development_an_issuer_may_be_on_this_machine() {
    let text = "[[issuers]]\nissuer = 'http://localhost:1'\njwks = 'http://localhost:1/jwks'\n";
    assert_eq!(load(text).expect("valid").issuers.len(), 1);
}
