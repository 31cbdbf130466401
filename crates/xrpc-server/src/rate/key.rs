//! Who is counted as one caller.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use http::request::Parts;

/// What callers are told apart by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CallerKey {
    /// A network address; of an IPv6 address the first 64 bits, because those are one subscriber.
    Address(IpAddr),
    /// Something else, e.g. a DID.
    Name(Box<str>),
}

impl CallerKey {
    fn address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX)).into(),
            v4 => v4,
        })
    }
}

/// Tells who calls; `None` is not limited.
pub type KeyFunction = Arc<dyn Fn(&Parts) -> Option<CallerKey> + Send + Sync>;

/// The address at the other end of the connection; not limited where there is none, as in tests
/// without a socket.
pub fn by_peer_address(parts: &Parts) -> Option<CallerKey> {
    let ConnectInfo(peer) = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(CallerKey::address(peer.ip()))
}

/// The address that the outermost of `proxies` trusted reverse proxies saw.
///
/// Each proxy appends to `X-Forwarded-For` whom it got the request from, so the last `proxies`
/// entries are true and whatever stands before them is the caller's invention. A request that has
/// fewer did not come through the proxies and counts by its peer.
pub fn by_forwarded_address(proxies: usize) -> KeyFunction {
    Arc::new(move |parts| {
        let forwarded = parts.headers.get_all("x-forwarded-for");
        let entries = forwarded.iter().filter_map(|value| value.to_str().ok());
        let mut last: Vec<&str> = entries.flat_map(|value| value.split(',')).collect();
        let entry = last.len().checked_sub(proxies).filter(|_| proxies > 0);
        let seen = entry.and_then(|index| last.swap_remove(index).trim().parse().ok());
        seen.map(CallerKey::address)
            .or_else(|| by_peer_address(parts))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(forwarded: &[&str]) -> Parts {
        let mut request = http::Request::builder();
        for value in forwarded {
            request = request.header("x-forwarded-for", *value);
        }
        let (mut parts, ()) = request.body(()).expect("a plain request").into_parts();
        parts
            .extensions
            .insert(ConnectInfo(SocketAddr::from(([10, 0, 0, 1], 80))));
        parts
    }

    fn address(text: &str) -> Option<CallerKey> {
        Some(CallerKey::Address(text.parse().expect("an address")))
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let one = by_forwarded_address(1);
        assert_eq!(one(&parts(&["6.6.6.6, 1.2.3.4"])), address("1.2.3.4"));
        assert_eq!(one(&parts(&["6.6.6.6", "1.2.3.4"])), address("1.2.3.4"));
        assert_eq!(one(&parts(&[])), address("10.0.0.1"));
        assert_eq!(one(&parts(&["nonsense"])), address("10.0.0.1"));
        assert_eq!(
            by_forwarded_address(2)(&parts(&["1.2.3.4, 10.0.0.9"])),
            address("1.2.3.4")
        );
        assert_eq!(
            by_forwarded_address(0)(&parts(&["1.2.3.4"])),
            address("10.0.0.1")
        );
    }

    #[test]
    fn a_subscriber_of_ipv6_is_one_caller() {
        let one = by_forwarded_address(1);
        assert_eq!(one(&parts(&["2001:db8::1:2:3:4"])), address("2001:db8::"));
        assert_eq!(one(&parts(&["::ffff:1.2.3.4"])), address("1.2.3.4"));
    }
}
