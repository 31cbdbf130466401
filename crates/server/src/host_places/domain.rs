//! Whose host it is.

use std::net::Ipv6Addr;

use loggia_syntax::Did;
use url::{Host, Url};

/// Who has a host, as far as its name says: the last two labels of it, since whoever has those can make any
/// number below. Strangers under one public suffix such as `co.uk` count as one. Of addresses, one of the
/// fourth version as it is, and of the sixth the network that a customer has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Domain(String);

impl Domain {
    /// That of a URL. On this machine, which is asked in development alone, each port is another's.
    pub(crate) fn of(url: &Url) -> Self {
        if is_here(url) {
            return Self(host_of(url));
        }
        Self(match url.host() {
            Some(Host::Domain(name)) => last_two(name).to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => network(address),
            None => String::new(),
        })
    }

    /// It as a text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A host by its name. Anybody can listen on many ports, which are one host; but on this machine each port
/// is another's.
pub(super) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) if is_here(url) => format!("{host}:{port}"),
        _ => host.trim_end_matches('.').to_owned(),
    }
}

/// Where the document of an account is, if that is a host of its own.
pub(crate) fn own_host(did: &Did) -> Option<Url> {
    let rest = did.as_str().strip_prefix("did:web:")?;
    let host = rest.split(':').next()?;
    let host = host.replace("%3A", ":").replace("%3a", ":");
    Url::parse(&format!("https://{host}")).ok()
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn last_two(name: &str) -> &str {
    let name = name.trim_end_matches('.');
    let second = name.rmatch_indices('.').nth(1);
    second.map_or(name, |(dot, _)| &name[dot + 1..])
}

fn network(address: Ipv6Addr) -> String {
    let [a, b, c, d, ..] = address.segments();
    format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_count_on_this_machine_alone() {
        for (url, known) in [
            ("https://a.test:8443/", "a.test"),
            ("https://a.test./", "a.test"),
            ("http://localhost:2583/", "localhost:2583"),
            ("http://127.0.0.1:2583/", "127.0.0.1:2583"),
            ("https://192.0.2.1:8443/", "192.0.2.1"),
        ] {
            assert_eq!(host_of(&url.parse().expect("a URL")), known);
        }
    }

    #[test]
    fn hosts_below_one_name_are_one_owners() {
        for (url, known) in [
            ("https://a.b.example.com/", "example.com"),
            ("https://example.com./", "example.com"),
            ("http://alice.localhost:2583/", "alice.localhost:2583"),
            ("https://192.0.2.1:8443/", "192.0.2.1"),
            ("https://[2001:db8::7:1]/", "2001:db8:0:0::/64"),
        ] {
            assert_eq!(Domain::of(&url.parse().expect("a URL")).as_str(), known);
        }
    }
}
