//! Streams as they are given, right and wrong.

use loggia_firehose::SourceKind;

use crate::config::{Config, ConfigError};

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("loggia.toml");
    std::fs::write(&file, text).expect("written");
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::load(Some(&file), variables)
}

fn mistakes(text: &str) -> Vec<String> {
    let error = read(text, &[]).expect_err(text);
    error.0.into_iter().map(|mistake| mistake.name).collect()
}

#[test]
fn there_is_none_unless_one_is_set() {
    assert!(read("", &[]).expect("valid").streams.is_empty());
}

#[test]
fn a_table_is_a_stream() {
    let text = "
        [[streams]]
        name = 'network'
        urls = ['wss://one.example.com/subscribe', 'https://two.example.com']
        collections = ['app.bsky.feed.post', 'place.wisp.*']
        [[streams]]
        kind = 'repos'
        urls = 'wss://pds.example.com'
        verify = true
        from = 'start'";
    let streams = read(text, &[]).expect("valid").streams;
    let [network, own] = &streams[..] else {
        panic!("two: {streams:?}");
    };
    let hosts: Vec<_> = network.hosts.iter().map(|host| host.identity()).collect();
    assert_eq!(
        hosts,
        [
            "wss://one.example.com/subscribe",
            "wss://two.example.com/subscribe"
        ]
    );
    assert_eq!(network.kind, SourceKind::Jetstream);
    assert_eq!(network.collections.len(), 2);
    assert!(!network.verify && !network.from_start);
    assert_eq!((&*own.name, own.kind), ("stream1", SourceKind::Repos));
    assert!(own.verify && own.from_start);
}

#[test]
fn the_variable_of_wisps_service_is_a_stream() {
    let url = "wss://jetstream.example.com/subscribe";
    let config = read("", &[("JETSTREAM_URL", url)]).expect("valid");
    let stream = &config.streams[0];
    assert_eq!(
        (&*stream.name, stream.hosts[0].identity()),
        ("jetstream", url)
    );
    assert!(
        stream
            .shown()
            .contains(&("name", "\"jetstream\"".to_owned()))
    );
    let error = read("", &[("LOGGIA_STREAMS", "x")]).expect_err("a file only");
    assert!(error.to_string().contains("[[streams]]"), "{error}");
}

#[test]
fn every_mistake_is_told_of_with_its_place() {
    for (text, names) in [
        ("streams = 5", vec!["streams[0]"]),
        ("[[streams]]", vec!["streams[0].urls"]),
        (
            "[[streams]]\nurls = ['ftp://a.example.com']\nkind = 'other'",
            vec!["streams[0].kind"],
        ),
        (
            "[[streams]]\nurls = ['ftp://a.example.com']",
            vec!["streams[0].urls"],
        ),
        (
            "[[streams]]\nurls = ['wss://a.example.com', 'wss://a.example.com/subscribe']",
            vec!["streams[0].urls"],
        ),
        (
            "[[streams]]\nurls = ['wss://10.0.0.1']",
            vec!["streams[0].urls"],
        ),
        (
            "[[streams]]\nurls = ['wss://a.example.com/xrpc/com.atproto.sync.subscribeRepos']",
            vec!["streams[0].urls"],
        ),
        (
            "[[streams]]\nurls = ['wss://a.example.com']\nverify = true",
            vec!["streams[0].verify"],
        ),
        (
            "[[streams]]\nurls = ['wss://a.example.com']\nfrom = 'then'\ntypo = 1",
            vec!["streams[0].from", "streams[0].typo"],
        ),
        (
            "[[streams]]\nurls = ['wss://a.example.com']\ncollections = ['a b']",
            vec!["streams[0].collections"],
        ),
        (
            "[[streams]]\nname = 'a'\nurls = 'wss://a.example.com'
             [[streams]]\nname = 'a'\nurls = 'wss://b.example.com'",
            vec!["streams[1].name"],
        ),
    ] {
        assert_eq!(mistakes(text), names, "{text}");
    }
}

#[test]
fn only_a_development_server_reads_in_the_clear() {
    let text = "[[streams]]\nurls = ['ws://127.0.0.1:2583']\nkind = 'repos'";
    assert!(read(text, &[]).is_ok());
    let published = [("LOGGIA_PUBLIC_URL", "https://hub.example")];
    let error = read(text, &published).expect_err("not wss");
    assert_eq!(error.0[0].name, "streams[0].urls");
}

#[test]
fn a_stream_is_compressed_with_a_dictionary_only() {
    let text = |more: &str| format!("[[streams]]\nurls = 'wss://one.example.com'\n{more}");
    assert_eq!(mistakes(&text("compress = true")), ["streams[0].compress"]);
    assert_eq!(
        mistakes(&text("compress = 'zstd'")),
        ["streams[0].compress"]
    );
    let streams = |more: &str| read(&text(more), &[]).expect("valid").streams;
    assert_eq!(streams("compress = false")[0].dictionary, None);

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dictionary");
    let named = format!("dictionary = {:?}", path.display().to_string());
    assert_eq!(
        mistakes(&text(&named)),
        ["streams[0].dictionary"],
        "no file"
    );
    std::fs::write(&path, "").expect("writes");
    assert_eq!(mistakes(&text(&named)), ["streams[0].dictionary"], "empty");
    // It begins as a trained one does.
    std::fs::write(&path, b"\x37\xa4\x30\xecand no more").expect("writes");
    assert_eq!(
        mistakes(&text(&named)),
        ["streams[0].dictionary"],
        "damaged"
    );
    std::fs::write(&path, "what frames are like").expect("writes");
    let repos = format!("{named}\nkind = 'repos'");
    assert_eq!(mistakes(&text(&repos)), ["streams[0].dictionary"]);
    let compressed = streams(&format!("{named}\ncompress = true"));
    let file = compressed[0].dictionary.as_ref().expect("a dictionary");
    assert_eq!(file.path, path.display().to_string());
}
