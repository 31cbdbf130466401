//! Settings as they are given, right and wrong.

use super::*;

fn load(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let pairs = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(None, pairs)
}

#[test]
fn nothing_set_is_development_on_loopback() {
    let config = load(&[("PATH", "/bin")]).expect("the defaults are valid");
    assert_eq!(config.bind.to_string(), "127.0.0.1:2510");
    assert!(config.is_development());
}

#[test]
fn every_setting_is_shown_and_read_back() {
    let config = load(&[("LOGGIA_ALLOWED_NETWORKS", "10.0.0.0/8, fd00::/8")]).expect("valid");
    let shown = config.shown();
    let names: Vec<_> = shown.iter().map(|(name, _)| *name).collect();
    let known: Vec<_> = SETTINGS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(names, known);
    let variables = shown
        .iter()
        .map(|(name, value)| (format!("LOGGIA_{}", name.to_uppercase()), value.clone()));
    let again = Config::load(None, variables).expect("what is shown can be set");
    assert_eq!(again.shown(), shown);
}

#[test]
fn a_public_url_ends_development() {
    let config = load(&[("LOGGIA_PUBLIC_URL", "https://hub.example")]).expect("valid");
    assert!(!config.is_development());
}

#[test]
fn every_mistake_is_reported_with_its_source() {
    let error = load(&[
        ("LOGGIA_BIND", "nowhere"),
        ("LOGGIA_PLC_DIRECTORY", "plc"),
        ("LOGGIA_TYPO", "1"),
        ("LOGGIA_ATTEMPT_TIMEOUT_MS", "5"),
    ])
    .expect_err("four mistakes");
    let names: Vec<_> = error
        .0
        .iter()
        .map(|mistake| mistake.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["bind", "plc_directory", "attempt_timeout_ms", "typo"]
    );
    assert!(
        error.to_string().contains("environment, LOGGIA_TYPO"),
        "{error}"
    );
}

#[test]
fn an_address_that_others_reach_needs_a_public_url() {
    let error = load(&[("LOGGIA_BIND", "0.0.0.0:80")]).expect_err("no public URL");
    assert_eq!(error.0[0].name, "public_url");
    let error = load(&[("LOGGIA_PUBLIC_URL", "http://hub.example")]).expect_err("not https");
    assert!(error.0[0].message.contains("https"));
    let unusable = [
        "https://[::1]:8443",
        "https://a,b.example",
        "https://me:pw@hub.example",
        "https://hub.example.",
    ];
    for url in unusable {
        let error = load(&[("LOGGIA_PUBLIC_URL", url)]).expect_err(url);
        assert_eq!(error.0[0].name, "public_url", "{url}");
    }
}

#[test]
fn only_a_development_server_reaches_loopback() {
    let mut config = Config::defaults();
    let urls = [
        "http://localhost:9000/",
        "http://127.0.0.1:9000/",
        "https://[::1]/",
    ];
    for url in urls {
        assert!(config.guard().read_url(url).is_ok(), "{url} in development");
    }
    config.public_url = Some(Url::parse("https://hub.example").expect("a URL"));
    for url in urls {
        assert!(
            config.guard().read_url(url).is_err(),
            "{url} when published"
        );
    }
}

#[test]
fn a_handle_service_is_one_that_can_be_reached() {
    assert!(load(&[("LOGGIA_HANDLE_SERVICE", "http://localhost:3000")]).is_ok());
    assert!(load(&[("LOGGIA_HANDLE_SERVICE", "https://api.example")]).is_ok());
    for bad in [
        "http://api.example",
        "ftp://api.example",
        "https://10.0.0.1",
    ] {
        let error = load(&[("LOGGIA_HANDLE_SERVICE", bad)]).expect_err(bad);
        assert_eq!(error.0[0].name, "handle_service", "{error}");
    }
}

#[test]
fn development_is_where_localhost_leads() {
    for bind in ["127.0.0.1:1", "[::1]:1"] {
        let config = load(&[("LOGGIA_BIND", bind)]).expect("valid");
        assert!(config.is_development(), "{bind}");
    }
    // Loopback, but nobody who asks for `localhost` gets there.
    let bind = ("LOGGIA_BIND", "127.0.0.2:1");
    let error = load(&[bind]).expect_err("nobody reaches it");
    assert_eq!(error.0[0].name, "public_url");
    assert!(error.to_string().contains("localhost"), "{error}");
    let published = load(&[bind, ("LOGGIA_PUBLIC_URL", "https://hub.example")]);
    assert!(!published.expect("valid").is_development());
}

#[test]
fn values_that_no_server_can_run_with_are_mistakes() {
    let wrong = [
        ("LOGGIA_MASTER_KEY", "c2hvcnQ=", "32 bytes"),
        ("LOGGIA_MASTER_KEY", "", "32 bytes"),
        ("LOGGIA_PLC_DIRECTORY", "ftp://plc.example", "https"),
        ("LOGGIA_PLC_DIRECTORY", "http://plc.example", "plain http"),
        ("LOGGIA_PLC_DIRECTORY", "https://plc.example/?a", "query"),
        ("LOGGIA_REQUESTS_PER_MINUTE", "0", "at least 1"),
        ("LOGGIA_DATA", "", "folder"),
        ("LOGGIA_DATA", "a\0b", "NUL"),
        ("LOGGIA_USED_TOKENS_KEPT", "0", "at least 1"),
        ("LOGGIA_USED_TOKENS_KEPT", "-1", "invalid digit"),
        (
            "LOGGIA_SPACE_CREDENTIALS",
            "on",
            "october, august, both or off",
        ),
    ];
    for (name, value, why) in wrong {
        let error = load(&[(name, value)]).expect_err(name);
        assert_eq!(error.0.len(), 1, "{error}");
        assert!(error.to_string().contains(why), "{error}");
        assert!(
            !error.to_string().contains("c2hvcnQ"),
            "a key is not shown: {error}"
        );
    }
    let local = load(&[("LOGGIA_PLC_DIRECTORY", "http://localhost:2582")]);
    local.expect("a directory on this machine, in development");
}

#[test]
fn networks_are_a_list_or_a_text() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("loggia.toml");
    let read = |text: &str| {
        std::fs::write(&file, text).expect("written");
        Config::load(Some(&file), [])
    };
    for text in ["['10.0.0.0/8', 'fd00::/8']", "'10.0.0.0/8, fd00::/8'"] {
        let config = read(&format!("allowed_networks = {text}")).expect(text);
        assert_eq!(config.allowed_networks.len(), 2, "{text}");
    }
    let error = read("allowed_networks = ['10.0.0.0/8', 5]").expect_err("5 is no network");
    assert!(error.to_string().contains("`5`"), "{error}");
    let error = read("bind = ['127.0.0.1:1']").expect_err("a list is no address");
    assert_eq!(error.0[0].name, "bind");
}

#[test]
fn a_file_is_read_and_the_environment_overrides_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("loggia.toml");
    std::fs::write(&file, "bind = \"127.0.0.1:1\"\nwebhooks_per_account = 3\n").expect("written");
    let environment = [("LOGGIA_BIND".to_owned(), "127.0.0.1:2".to_owned())];
    let config = Config::load(Some(&file), environment).expect("valid");
    assert_eq!(config.bind.port(), 2);
    assert_eq!(config.webhooks_per_account, 3);
}
