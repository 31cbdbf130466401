//! The guard against IANA's registries of special-purpose addresses, row by row.
//!
//! What is right is worked out here in another way than in the guard: the longest row that covers an
//! address decides, and where none does, IPv4 is public and IPv6 is in 2000::/3 only.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use loggia_xrpc_client::AddressGuard;

/// What a row means to the guard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    /// Not globally reachable.
    Special,
    /// Globally reachable, and reached.
    Public,
    /// Globally reachable, but only for what nobody receives a delivery at: an anycast service of a
    /// protocol, a tunnel, identifiers that are no locations. Refused with what is around it.
    Refused,
    /// Reachable if the IPv4 address in the last 32 bits is.
    Embedding,
}
use Row::{Embedding, Public, Refused, Special};

/// Both registries, and below them what is special without standing there.
const ROWS: &[(&str, u32, Row)] = &[
    // IPv4
    ("0.0.0.0", 8, Special),
    ("0.0.0.0", 32, Special),
    ("10.0.0.0", 8, Special),
    ("100.64.0.0", 10, Special),
    ("127.0.0.0", 8, Special),
    ("169.254.0.0", 16, Special),
    ("172.16.0.0", 12, Special),
    ("192.0.0.0", 24, Special),
    ("192.0.0.0", 29, Special),
    ("192.0.0.8", 32, Special),
    ("192.0.0.9", 32, Refused),  // Port Control Protocol anycast
    ("192.0.0.10", 32, Refused), // TURN anycast
    ("192.0.0.170", 32, Special),
    ("192.0.0.171", 32, Special),
    ("192.0.2.0", 24, Special),
    ("192.31.196.0", 24, Public), // AS112
    ("192.52.193.0", 24, Public), // AMT
    ("192.88.99.0", 24, Special),
    ("192.88.99.2", 32, Special),
    ("192.168.0.0", 16, Special),
    ("192.175.48.0", 24, Public), // AS112
    ("198.18.0.0", 15, Special),
    ("198.51.100.0", 24, Special),
    ("203.0.113.0", 24, Special),
    ("240.0.0.0", 4, Special),
    ("255.255.255.255", 32, Special),
    // IPv6
    ("::1", 128, Special),
    ("::", 128, Special),
    ("::ffff:0:0", 96, Embedding), // the same to a socket as the IPv4 address
    ("64:ff9b::", 96, Embedding),
    ("64:ff9b:1::", 48, Special),
    ("100::", 64, Special),
    ("100:0:0:1::", 64, Special),
    ("2001::", 23, Special),
    ("2001::", 32, Special),
    ("2001:1::1", 128, Refused), // Port Control Protocol anycast
    ("2001:1::2", 128, Refused), // TURN anycast
    ("2001:1::3", 128, Refused), // DNS-SD registration anycast
    ("2001:2::", 48, Special),
    ("2001:3::", 32, Refused),     // AMT
    ("2001:4:112::", 48, Refused), // AS112
    ("2001:10::", 28, Special),
    ("2001:20::", 28, Refused), // ORCHIDv2
    ("2001:30::", 28, Refused), // drones' identifiers
    ("2001:db8::", 32, Special),
    ("2002::", 16, Special),
    ("2620:4f:8000::", 48, Public), // AS112
    ("3fff::", 20, Special),
    ("5f00::", 16, Special),
    ("fc00::", 7, Special),
    ("fe80::", 10, Special),
    // Multicast has registries of its own; site-local and IPv4-compatible addresses are withdrawn.
    ("224.0.0.0", 4, Special),
    ("ff00::", 8, Special),
    ("fec0::", 10, Special),
    ("::", 96, Special),
];

/// First and last address of a row, as numbers of its family.
fn span(first: IpAddr, prefix: u32) -> (u128, u128) {
    let (first, width) = match first {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let hosts = u128::MAX.checked_shr(128 - (width - prefix)).unwrap_or(0);
    assert_eq!(first & hosts, 0, "a row begins where its block does");
    (first, first | hosts)
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn same_family(number: u128, like: IpAddr) -> Option<IpAddr> {
    match like {
        IpAddr::V4(_) => u32::try_from(number)
            .ok()
            .map(|bits| Ipv4Addr::from_bits(bits).into()),
        IpAddr::V6(_) => Some(Ipv6Addr::from_bits(number).into()),
    }
}

fn is_public(address: IpAddr) -> bool {
    let covering = ROWS.iter().filter(|(first, prefix, _)| {
        let row: IpAddr = first.parse().expect("an address");
        let (from, to) = span(row, *prefix);
        row.is_ipv4() == address.is_ipv4() && (from..=to).contains(&number(address))
    });
    match covering.max_by_key(|(_, prefix, _)| *prefix) {
        Some((.., Special | Refused)) => false,
        Some((.., Public)) => true,
        Some((.., Embedding)) => is_public(Ipv4Addr::from_bits(number(address) as u32).into()),
        None => address.is_ipv4() || number(address) >> 125 == 0b001,
    }
}

#[track_caller]
fn agrees(address: IpAddr) {
    let found = AddressGuard::new().check(address);
    assert_eq!(found.is_ok(), is_public(address), "{address}: {found:?}");
}

#[test]
fn the_edges_of_every_row() {
    for (first, prefix, _) in ROWS {
        let row: IpAddr = first.parse().expect("an address");
        let (from, to) = span(row, *prefix);
        let edges = [from.checked_sub(1), Some(from), to.checked_add(1), Some(to)];
        let middle = Some(from + (to - from) / 2);
        for at in edges.into_iter().chain([middle]).flatten() {
            let Some(address) = same_family(at, row) else {
                continue;
            };
            agrees(address);
            if let IpAddr::V4(plain) = address {
                agrees(plain.to_ipv6_mapped().into());
                agrees(Ipv6Addr::from_bits(0x64_ff9b << 96 | at).into());
            }
        }
    }
}

#[test]
fn rows_stand_for_something() {
    for (first, prefix, row) in ROWS {
        let address: IpAddr = first.parse().expect("an address");
        let ok = AddressGuard::new().check(address).is_ok();
        match row {
            Public => assert!(ok, "{first}/{prefix}"),
            Special | Refused => assert!(!ok, "{first}/{prefix}"),
            Embedding => {}
        }
    }
}

/// A tunnel's router would send these on to the IPv4 address in them.
#[test]
fn tunnelled_addresses_are_refused_for_what_is_in_them() {
    for inside in ["10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1"] {
        let inside: Ipv4Addr = inside.parse().expect("an address");
        let bits = u128::from(inside.to_bits());
        for prefix in [0x2606_4700_u128 << 96, 0x2a00_1450_4001_0800 << 64] {
            for mark in [0x0000_5efe_u128, 0x0200_5efe, 0x0100_5efe, 0x0300_5efe] {
                let address = Ipv6Addr::from_bits(prefix | mark << 32 | bits);
                let found = AddressGuard::new().check(address.into());
                found.expect_err(&address.to_string());
                let public = Ipv6Addr::from_bits(prefix | mark << 32 | 0x0101_0101);
                assert_eq!(AddressGuard::new().check(public.into()), Ok(()), "{public}");
            }
        }
        for first in [
            0x2002_u128 << 112 | bits << 80,
            0x2001_u128 << 112 | bits << 64,
        ] {
            let address = Ipv6Addr::from_bits(first);
            let found = AddressGuard::new().check(address.into());
            found.expect_err(&address.to_string());
        }
    }
    let near = "2606:4700::4:5efe:10.0.0.1".parse().expect("an address");
    assert_eq!(
        AddressGuard::new().check(near),
        Ok(()),
        "another number of a host"
    );
}

/// An operator who allows the network of a translator does not allow metadata through it, whatever
/// the length of the translator's prefix (RFC 6052).
#[test]
fn metadata_behind_a_local_translator_stays_blocked() {
    let network = "64:ff9b:1::/48".parse().expect("a network");
    let guard = AddressGuard::new().allow_network(network);
    for text in [
        "64:ff9b:1:a9fe:a9:fe00::",
        "64:ff9b:1:aba9:fe:a9fe::",
        "64:ff9b:1:abcd:a9:fea9:fe00::",
        "64:ff9b:1:abcd::a9fe:a9fe",
    ] {
        let address: IpAddr = text.parse().expect("an address");
        let blocked = guard.check(address).expect_err(text);
        assert_eq!(blocked.reason, "a cloud's metadata service", "{text}");
    }
    let other = "64:ff9b:1::10.0.0.1".parse().expect("an address");
    assert_eq!(guard.check(other), Ok(()));
}
