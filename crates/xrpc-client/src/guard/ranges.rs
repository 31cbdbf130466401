//! The special-purpose address registries of IANA (RFC 6890 and its updates), as far as they say
//! that an address is not globally reachable.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Network;

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Network {
    match Network::new(IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix) {
        Some(network) => network,
        None => panic!("the prefix is longer than an address"),
    }
}

const fn v6(segments: [u16; 8], prefix: u8) -> Network {
    let [a, b, c, d, e, f, g, h] = segments;
    match Network::new(IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h)), prefix) {
        Some(network) => network,
        None => panic!("the prefix is longer than an address"),
    }
}

/// Where clouds answer questions about a machine, its credentials included.
const METADATA: &[Network] = &[
    v4(169, 254, 169, 254, 32), // AWS, GCP, Azure, DigitalOcean, Hetzner, …
    v4(169, 254, 170, 0, 24),   // credentials of AWS containers
    v4(168, 63, 129, 16, 32),   // Azure's own, in public space
    v4(100, 100, 100, 200, 32), // Alibaba
    v4(192, 0, 0, 192, 32),     // Oracle
    v6([0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0], 32), // AWS: ::254 and ::23
    v6([0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x254], 128), // GCP
    v6([0xfd00, 0x0042, 0, 0, 0, 0, 0, 0x42], 128), // Scaleway
];

const SPECIAL_V4: &[(Network, &str)] = &[
    (v4(0, 0, 0, 0, 8), "this network"),
    (v4(10, 0, 0, 0, 8), "private"),
    (v4(100, 64, 0, 0, 10), "shared (carrier-grade NAT)"),
    (v4(127, 0, 0, 0, 8), "loopback"),
    (v4(169, 254, 0, 0, 16), "link-local"),
    (v4(172, 16, 0, 0, 12), "private"),
    (v4(192, 0, 0, 0, 24), "protocol assignments"),
    (v4(192, 0, 2, 0, 24), "documentation"),
    (v4(192, 88, 99, 0, 24), "6to4 relay"),
    (v4(192, 168, 0, 0, 16), "private"),
    (v4(198, 18, 0, 0, 15), "benchmarking"),
    (v4(198, 51, 100, 0, 24), "documentation"),
    (v4(203, 0, 113, 0, 24), "documentation"),
    (v4(224, 0, 0, 0, 4), "multicast"),
    (v4(240, 0, 0, 0, 4), "reserved"),
];

/// IPv6: what is global unicast, and what in it is not reachable all the same.
const GLOBAL_V6: Network = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
const SPECIAL_V6: &[(Network, &str)] = &[
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), "Teredo"),
    (
        v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
        "protocol assignments",
    ),
    (v6([0x2001, 0x0db8, 0, 0, 0, 0, 0, 0], 32), "documentation"),
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), "6to4"),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "documentation"),
];

/// Outside of global unicast; named only for the sake of a better message.
const OTHER_V6: &[(Network, &str)] = &[
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), "loopback"),
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), "unspecified"),
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 96), "IPv4-compatible"),
    (v6([0x0064, 0xff9b, 1, 0, 0, 0, 0, 0], 48), "local NAT64"),
    (v6([0x0100, 0, 0, 0, 0, 0, 0, 0], 64), "discard-only"),
    (
        v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),
        "private (unique local)",
    ),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "link-local"),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), "site-local"),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "multicast"),
];

const NAT64: Network = v6([0x0064, 0xff9b, 0, 0, 0, 0, 0, 0], 96);
const LOCAL_NAT64: Network = v6([0x0064, 0xff9b, 1, 0, 0, 0, 0, 0], 48);
const COMPATIBLE: Network = v6([0, 0, 0, 0, 0, 0, 0, 0], 96);
const TRANSLATED: Network = v6([0, 0, 0, 0, 0xffff, 0, 0, 0], 96);
const SIX_TO_FOUR: Network = v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16);
const TEREDO: Network = v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32);

/// Whether the address is that of a metadata service.
pub(super) fn is_metadata(address: IpAddr) -> bool {
    METADATA.iter().any(|network| network.contains(address))
}

/// An IPv4 address that is written as an IPv6 one (`::ffff:a.b.c.d`) is the same to a socket.
pub(super) fn unmapped(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// Why an address is not publicly reachable, if it is not. Takes an unmapped one.
pub(super) fn special(address: IpAddr) -> Option<&'static str> {
    let name = |table: &[(Network, &'static str)]| {
        table
            .iter()
            .find(|(network, _)| network.contains(address))
            .map(|(_, name)| *name)
    };
    match address {
        IpAddr::V4(_) => name(SPECIAL_V4),
        // A translator sends it on to the IPv4 address in it.
        IpAddr::V6(v6) if NAT64.contains(address) => special(ipv4(v6.to_bits() as u32)),
        IpAddr::V6(v6) if GLOBAL_V6.contains(address) => {
            // So does a router of that kind, if there is one.
            let tunnelled = isatap(v6.to_bits()).and_then(special);
            name(SPECIAL_V6).or(tunnelled)
        }
        IpAddr::V6(_) => Some(name(OTHER_V6).unwrap_or("not global unicast")),
    }
}

/// The address and every IPv4 address that some mechanism could find in it.
pub(super) fn forms(address: IpAddr) -> impl Iterator<Item = IpAddr> {
    std::iter::once(address).chain(embedded(address).into_iter().flatten())
}

fn embedded(address: IpAddr) -> [Option<IpAddr>; 4] {
    let IpAddr::V6(v6) = address else {
        return [None; 4];
    };
    let bits = v6.to_bits();
    let low = bits as u32;
    if LOCAL_NAT64.contains(address) {
        [
            Some(ipv4(low)),
            Some(translated(bits, 48)),
            Some(translated(bits, 56)),
            Some(translated(bits, 64)),
        ]
    } else if v6.to_ipv4_mapped().is_some()
        || [NAT64, COMPATIBLE, TRANSLATED]
            .iter()
            .any(|form| form.contains(address))
    {
        [Some(ipv4(low)), None, None, None]
    } else if SIX_TO_FOUR.contains(address) {
        [Some(ipv4((bits >> 80) as u32)), isatap(bits), None, None]
    } else if TEREDO.contains(address) {
        // The server, and the client with all bits turned over.
        let (server, client) = (ipv4((bits >> 64) as u32), ipv4(!low));
        [Some(server), Some(client), None, None]
    } else {
        [isatap(bits), None, None, None]
    }
}

/// The IPv4 address in a local NAT64 address whose prefix has so many bits (RFC 6052, section 2.2):
/// it begins after them and steps over bits 64 to 71.
fn translated(bits: u128, prefix: u32) -> IpAddr {
    let closed_up = bits >> 64 << 56 | bits & (u128::MAX >> 72);
    ipv4((closed_up >> (120 - 32 - prefix)) as u32)
}

/// The IPv4 address in the lower half of an ISATAP address (RFC 5214), under whichever prefix.
fn isatap(bits: u128) -> Option<IpAddr> {
    /// All but the two bits that say whether the number is unique and whether it is a group's.
    const SAYING: u32 = !0x0300_0000;
    let mark = (bits >> 32) as u32 & SAYING;
    (mark == 0x0000_5efe).then(|| ipv4(bits as u32))
}

fn ipv4(bits: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(bits))
}
