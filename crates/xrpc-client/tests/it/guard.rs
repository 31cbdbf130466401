//! Which addresses and URLs may be reached.

use std::net::IpAddr;

use loggia_xrpc_client::{AddressGuard, Network, UrlRefusal};
use proptest::prelude::*;

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn network(text: &str) -> Network {
    text.parse().expect("a network")
}

#[test]
fn public_addresses() {
    for text in [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2000::1",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2003::",
        "2606:4700::1111",
        "3ffe::1",
        "3fff:1000::",
        "::ffff:1.1.1.1",
        "64:ff9b::1.1.1.1",
    ] {
        assert_eq!(AddressGuard::new().check(address(text)), Ok(()), "{text}");
    }
}

/// First, middle and last of every range, and every way of writing IPv4 in IPv6.
const SPECIAL: &[(&str, &str)] = &[
    ("0.0.0.0", "this network"),
    ("0.255.255.255", "this network"),
    ("10.0.0.0", "private"),
    ("10.255.255.255", "private"),
    ("100.64.0.0", "shared (carrier-grade NAT)"),
    ("100.127.255.255", "shared (carrier-grade NAT)"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.255", "loopback"),
    ("169.254.0.1", "link-local"),
    ("172.16.0.0", "private"),
    ("172.31.255.255", "private"),
    ("192.0.0.8", "protocol assignments"),
    ("192.0.2.1", "documentation"),
    ("192.88.99.1", "6to4 relay"),
    ("192.168.0.0", "private"),
    ("192.168.255.255", "private"),
    ("198.18.0.0", "benchmarking"),
    ("198.19.255.255", "benchmarking"),
    ("198.51.100.1", "documentation"),
    ("203.0.113.255", "documentation"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.255", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "reserved"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("::2", "IPv4-compatible"),
    ("::127.0.0.1", "IPv4-compatible"),
    ("::8.8.8.8", "IPv4-compatible"),
    ("::ffff:127.0.0.1", "loopback"),
    ("::ffff:10.1.2.3", "private"),
    ("::ffff:0:8.8.8.8", "not global unicast"),
    ("64:ff9b::10.0.0.1", "private"),
    ("64:ff9b::127.0.0.1", "loopback"),
    ("64:ff9b:1::8.8.8.8", "local NAT64"),
    ("100::1", "discard-only"),
    ("1fff:ffff::", "not global unicast"),
    ("2001::1", "Teredo"),
    ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo"),
    ("2001:2::1", "protocol assignments"),
    ("2001:10::1", "protocol assignments"),
    ("2001:20::1", "protocol assignments"),
    ("2001:1ff:ffff::", "protocol assignments"),
    ("2001:db8::1", "documentation"),
    ("2002::", "6to4"),
    ("2002:7f00:1::", "6to4"),
    ("2002:0808:0808::1", "6to4"),
    ("3fff::1", "documentation"),
    ("4000::", "not global unicast"),
    ("5f00::1", "not global unicast"),
    ("fc00::1", "private (unique local)"),
    ("fdff::1", "private (unique local)"),
    ("fe80::1", "link-local"),
    ("febf::1", "link-local"),
    ("fec0::1", "site-local"),
    ("ff02::1", "multicast"),
];

#[test]
fn special_addresses() {
    for (text, reason) in SPECIAL {
        let blocked = AddressGuard::new().check(address(text)).expect_err(text);
        assert_eq!(blocked.reason, *reason, "{text}");
        // Loopback is allowed under its own names only, not for what a name resolves to.
        let development = AddressGuard::new().allow_loopback(true);
        assert!(development.check(address(text)).is_err(), "{text}");
    }
}

#[test]
fn metadata_stays_blocked_whatever_is_allowed() {
    let guard = AddressGuard::new()
        .allow_loopback(true)
        .allow_network(network("0.0.0.0/0"))
        .allow_network(network("::/0"));
    for text in [
        "169.254.169.254",
        "169.254.170.2",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "fd00:42::42",
        "::ffff:169.254.169.254",
        "::169.254.169.254",
        "::ffff:0:169.254.169.254",
        "64:ff9b::169.254.169.254",
        "64:ff9b:1::169.254.169.254",
        "2002:a9fe:a9fe::1",
        "2001:0:a9fe:a9fe::1",
        "2001::5601:5601",
    ] {
        let blocked = guard.check(address(text)).expect_err(text);
        assert_eq!(blocked.reason, "a cloud's metadata service", "{text}");
    }
    for (text, _) in SPECIAL {
        assert_eq!(guard.check(address(text)), Ok(()), "{text}");
    }
}

#[test]
fn an_operator_allows_a_network_and_no_more() {
    let guard = AddressGuard::new()
        .allow_network(network("10.1.0.0/16"))
        .allow_network(network("fd12:3456::/32"))
        .allow_network(network("192.168.7.7"));
    for text in [
        "10.1.0.0",
        "10.1.255.255",
        "::ffff:10.1.2.3",
        "fd12:3456::1",
        "192.168.7.7",
    ] {
        assert_eq!(guard.check(address(text)), Ok(()), "{text}");
    }
    for text in [
        "10.0.255.255",
        "10.2.0.0",
        "fd12:3457::",
        "192.168.7.8",
        "::10.1.2.3",
    ] {
        assert!(guard.check(address(text)).is_err(), "{text}");
    }
}

#[test]
fn networks_as_text() {
    for (text, written) in [
        ("10.1.2.3/16", "10.1.0.0/16"),
        ("10.1.2.3", "10.1.2.3/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("fd12::1/32", "fd12::/32"),
        ("::/0", "::/0"),
    ] {
        assert_eq!(network(text).to_string(), written);
    }
    for text in [
        "",
        "10.0.0.0/33",
        "::/129",
        "10.0.0/8",
        "x/8",
        "10.0.0.0/-1",
        "10.0.0.0/",
    ] {
        assert!(text.parse::<Network>().is_err(), "{text}");
    }
}

#[test]
fn urls() {
    let outside = AddressGuard::new();
    let development = AddressGuard::new().allow_loopback(true);
    for text in [
        "https://example.com",
        "https://example.com:8443/a?b=c",
        "https://1.1.1.1/",
    ] {
        assert!(outside.read_url(text).is_ok(), "{text}");
        assert!(development.read_url(text).is_ok(), "{text}");
    }
    for text in [
        "http://localhost:2510/a",
        "http://alice.localhost",
        "http://localhost./",
        "http://127.0.0.1:1",
        "http://127.9.9.9",
        "http://[::1]:80",
        "http://[::ffff:127.0.0.1]",
        "https://localhost",
        "http://0x7f.1/",
        "http://2130706433/",
    ] {
        assert!(outside.read_url(text).is_err(), "{text}");
        assert!(development.read_url(text).is_ok(), "{text}");
    }
    for text in [
        "",
        "example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "data:,x",
        "http://example.com",
        "http://1.1.1.1",
        "https://user@example.com",
        "https://:secret@example.com",
        "https://example.com/#fragment",
        "https://10.0.0.1",
        "https://0xa.1/",
        "https://167772161/",
        "https://[fe80::1]/",
        "https://[::ffff:a00:1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://metadata.google.internal/computeMetadata/v1/",
        "https://METADATA.google.internal./",
        "http://localhost.example",
        "http://notlocalhost",
        "https://user:secret@localhost",
    ] {
        assert!(outside.read_url(text).is_err(), "{text}");
        assert!(development.read_url(text).is_err(), "{text}");
    }
    assert_eq!(
        outside.read_url("https://localhost"),
        Err(UrlRefusal::Loopback)
    );
    assert_eq!(outside.read_url("http://localhost"), Err(UrlRefusal::Plain));
    assert!(matches!(
        outside.read_url("https://10.0.0.1"),
        Err(UrlRefusal::Blocked(_))
    ));
}

proptest! {
    /// An IPv4 address written as IPv6 is treated as what it is, or worse.
    #[test]
    fn mapped_is_the_same(bits in any::<u32>()) {
        let plain = std::net::Ipv4Addr::from_bits(bits);
        let guard = AddressGuard::new();
        let allowed = guard.check(plain.into()).is_ok();
        prop_assert_eq!(guard.check(plain.to_ipv6_mapped().into()).is_ok(), allowed);
        prop_assert!(guard.check(plain.to_ipv6_compatible().into()).is_err());
    }

    #[test]
    fn only_global_unicast_is_public(bits in any::<u128>()) {
        let address = std::net::Ipv6Addr::from_bits(bits);
        if AddressGuard::new().check(address.into()).is_ok() {
            let global = bits >> 125 == 1;
            let nat64 = bits >> 32 == 0x0064_ff9b_0000_0000_0000_0000;
            prop_assert!(global || nat64 || address.to_ipv4_mapped().is_some());
        }
    }

    #[test]
    fn no_url_panics(text in "\\PC{0,80}") {
        let guard = AddressGuard::new().allow_loopback(true);
        for text in [text.clone(), format!("https://{text}"), format!("http://{text}/")] {
            if let Ok(url) = guard.read_url(&text) {
                prop_assert!(url.scheme() == "https" || url.scheme() == "http");
            }
        }
    }
}

#[test]
fn a_url_that_needs_repair_is_refused() {
    let guard = AddressGuard::new();
    let written = [
        ("https:example.com", "`//`"),
        ("https:/example.com", "`//`"),
        ("https:///example.com", "no host"),
        ("https://", "no host"),
        ("https://:443/", "no host"),
        ("https:\\\\example.com", "backslash"),
        ("https://example.com\\@evil.example", "backslash"),
        ("https://example.com/a\\b", "backslash"),
        (" https://example.com", "space"),
        ("https://example.com/ ", "space"),
        ("https://exam\tple.com/", "control"),
        ("https://example.com/a\nb", "control"),
        ("https://example.com/\u{a0}", "space"),
        ("https://example.com:/", "no port"),
        ("https://ex%61mple.com/", "percent"),
        ("https://10.0.0.1../", "dots"),
        ("https://localhost..:8443", "dots"),
        ("https://a..example/", "dots"),
        ("https://.example/", "dots"),
        ("example.com", "scheme"),
    ];
    for (text, why) in written {
        match guard.read_url(text) {
            Err(UrlRefusal::Written(reason)) => assert!(reason.contains(why), "{text}: {reason}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    for (text, expected) in [
        ("https://@example.com/", UrlRefusal::Credentials),
        ("https://example.com:0/", UrlRefusal::Port),
        ("https://example.com/#", UrlRefusal::Fragment),
        ("ftp://example.com/", UrlRefusal::Scheme),
    ] {
        assert_eq!(guard.read_url(text), Err(expected), "{text}");
    }
}

#[test]
fn spellings_of_one_url_have_one_normal_form() {
    for text in [
        "https://example.com/x",
        "HTTPS://Example.com:443/x",
        "https://EXAMPLE.COM/a/../x",
        "https://example.com:0443/./x",
    ] {
        let url = AddressGuard::new().read_url(text).expect(text);
        assert_eq!(url.as_str(), "https://example.com/x", "{text}");
    }
}
