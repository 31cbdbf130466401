//! Networks in CIDR notation.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A network such as `10.1.0.0/16` or `fd12::/32`; a bare address is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    bits: u128,
    mask: u128,
    prefix: u8,
    v4: bool,
}

/// A text that is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a network in CIDR notation")]
pub struct NetworkError(String);

impl Network {
    /// The network around `address` whose first `prefix` bits are fixed; `None` if there are not
    /// so many bits.
    pub const fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let (bits, width, v4) = parts(address);
        if prefix > width {
            return None;
        }
        let mask = if prefix == 0 {
            0
        } else {
            u128::MAX << (width - prefix)
        };
        Some(Self {
            bits: bits & mask,
            mask,
            prefix,
            v4,
        })
    }

    /// Whether the address lies in it. IPv4 and IPv6 never meet here; see the forms in the guard.
    pub const fn contains(&self, address: IpAddr) -> bool {
        let (bits, _, v4) = parts(address);
        self.v4 == v4 && bits & self.mask == self.bits
    }
}

const fn parts(address: IpAddr) -> (u128, u8, bool) {
    match address {
        IpAddr::V4(address) => (address.to_bits() as u128, 32, true),
        IpAddr::V6(address) => (address.to_bits(), 128, false),
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || NetworkError(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| error())?;
        let prefix = match prefix {
            Some(prefix) => prefix.trim().parse().map_err(|_| error())?,
            None => parts(address).1,
        };
        Self::new(address, prefix).ok_or_else(error)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = if self.v4 {
            IpAddr::from((self.bits as u32).to_be_bytes())
        } else {
            IpAddr::from(self.bits.to_be_bytes())
        };
        write!(f, "{address}/{}", self.prefix)
    }
}
