//! Odd ways of writing an address inside, through everything that a client does with a URL.

use std::net::Ipv4Addr;

use loggia_xrpc_client::{AddressGuard, ClientSettings, Found, GuardedClient, Lookup, Names, Url};

/// Every name leads inside.
struct Inside;

impl Lookup for Inside {
    fn lookup<'a>(&'a self, _: &'a str) -> Found<'a> {
        Box::pin(async { Ok(vec![Ipv4Addr::new(10, 0, 0, 1).into()]) })
    }
}

/// `10.0.0.1`, `127.0.0.1` or `169.254.169.254`, each in disguise.
const HOSTS: &[&str] = &[
    // one number, or fewer than four
    "167772161",
    "0xa000001",
    "0XA000001",
    "0x0a000001",
    "01200000001",
    "0001200000001",
    "10.1",
    "10.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "017700000001",
    "2852039166",
    "0xa9fea9fe",
    "169.16689662",
    // numbers of other bases, mixed
    "0xa.0.0.1",
    "0xa.0x0.0x0.0x1",
    "012.0.0.01",
    "0012.0x0.0.1",
    "0x7f.1",
    "0177.0.0.1",
    "0xa9.0376.43518",
    // dots at the end
    "10.0.0.1.",
    "127.0.0.1.",
    "0x7f.1.",
    "localhost.",
    "a.localhost.",
    // escapes, which the URL standard takes back
    "%31%30.0.0.1",
    "10%2e0%2e0%2e1",
    "10%E3%80%820%E3%80%820%E3%80%821",
    "%6cocalhost",
    "127.0.0.1%2eexample",
    "127.0.0.1%00.example",
    // characters that become others
    "１０.０.０.１",
    "①②⑦.0.0.1",
    "10。0。0。1",
    "10．0．0．1",
    "10｡0｡0｡1",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "ｌｏｃａｌｈｏｓｔ",
    "local\u{ad}host",
    "LOCALHOST",
    "LocalHost.",
    // IPv6
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::]",
    "[::ffff:10.0.0.1]",
    "[::FFFF:A00:1]",
    "[0:0:0:0:0:ffff:10.0.0.1]",
    "[::ffff:0:10.0.0.1]",
    "[::10.0.0.1]",
    "[64:ff9b::10.0.0.1]",
    "[64:FF9B::A00:1]",
    "[64:ff9b:1::10.0.0.1]",
    "[2002:a00:1::]",
    "[2002:7f00:1::1]",
    "[2001:0:a00:1::]",
    "[2001::f5ff:fffe]",
    "[2606:4700::5efe:10.0.0.1]",
    "[2606:4700::200:5efe:a00:1]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fe80::1%eth0]",
    "[fd00:ec2::254]",
    "[::ffff:169.254.169.254]",
    // what is no address at all
    "10.0.0.256",
    "4294967296",
    "0x1000000000a000001",
    "10.0.0.0x",
    "[10.0.0.1]",
    "[::1",
    "::1",
];

#[tokio::test]
async fn lead_nowhere() {
    for loopback in [false, true] {
        let settings = ClientSettings {
            guard: AddressGuard::new().allow_loopback(loopback),
            names: Names::by(Inside),
            ..ClientSettings::default()
        };
        let client = GuardedClient::new(settings).expect("a client");
        for host in HOSTS {
            let around = [
                format!("https://{host}/"),
                format!("https://{host}:8443/a?b=c"),
                format!("HTTPS://{host}"),
                format!("http://{host}/"),
                format!("https://example.com@{host}/"),
                format!("https:\\\\{host}\\@example.com/"),
            ];
            for text in around {
                refused(&client, loopback, &text).await;
            }
        }
    }
}

/// Neither as an endpoint that somebody gives, nor as a URL that was read in some other way.
async fn refused(client: &GuardedClient, loopback: bool, text: &str) {
    let guard = &client.settings().guard;
    let Ok(url) = Url::parse(text) else {
        assert!(guard.read_url(text).is_err(), "{text}");
        return;
    };
    // In development a URL may name this machine; then there is nothing to refuse.
    if loopback && guard.check_url(&url).is_ok() && this_machine(&url) {
        return;
    }
    // Nothing is to leave this machine, not even where this test fails.
    let bare = guard.check_url(&url).is_ok() && url.domain().is_none();
    assert!(!bare, "{text} became {url}, which is let through");
    let error = client.get(&url, 1).await.expect_err(text);
    assert!(error.is_refused(), "{text} became {url}: {error:?}");
}

fn this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let plain = host.trim_end_matches('.').to_ascii_lowercase();
    plain == "localhost"
        || plain.ends_with(".localhost")
        || plain.starts_with("127.")
        || plain == "[::1]"
}
