//! Which addresses and URLs may be reached. Pure: it resolves nothing and connects to nothing.

mod form;
mod network;
mod ranges;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

pub use network::{Network, NetworkError};

/// Decides which addresses may be reached.
///
/// Public addresses may; addresses that are special (private, link-local, reserved, …) may not,
/// in whatever form they are written. An operator may allow networks; the metadata services of
/// clouds may never be reached, since they give away credentials.
#[derive(Clone, Debug, Default)]
pub struct AddressGuard {
    networks: Vec<Network>,
    loopback: bool,
}

/// An address that may not be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the address {address} may not be reached: {reason}")]
pub struct Blocked {
    /// The address as it was found.
    pub address: IpAddr,
    /// Which kind of address it is.
    pub reason: &'static str,
}

/// A URL that may not be reached, whatever its name resolves to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlRefusal {
    /// Not a URL.
    #[error("not a URL")]
    Syntax(#[source] url::ParseError),
    /// It reads as a URL only after repairs, which not everybody makes in the same way.
    #[error("the URL is not written plainly: {0}")]
    Written(&'static str),
    /// Neither HTTPS nor HTTP.
    #[error("the URL's scheme is not https")]
    Scheme,
    /// HTTP to another host than this machine, or while that is not allowed.
    #[error("plain http is allowed only to this machine, in development")]
    Plain,
    /// The URL holds a user name or a password.
    #[error("the URL holds credentials")]
    Credentials,
    /// The URL names port 0, where nobody can listen.
    #[error("the URL names port 0")]
    Port,
    /// The URL holds a fragment, which is never sent.
    #[error("the URL holds a fragment")]
    Fragment,
    /// The URL names this machine while that is not allowed.
    #[error("the URL names this machine")]
    Loopback,
    /// The URL names a cloud's metadata service.
    #[error("the URL names a cloud's metadata service")]
    Metadata,
    /// The URL's host is an address that may not be reached.
    #[error(transparent)]
    Blocked(#[from] Blocked),
}

impl AddressGuard {
    /// Public addresses only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Allows an operator's network, of whatever kind; only metadata addresses in it stay blocked.
    #[must_use]
    pub fn allow_network(mut self, network: Network) -> Self {
        self.networks.push(network);
        self
    }

    /// Allows, for development, what names this machine: `localhost`, names under it, and loopback
    /// addresses in URLs. Other names that resolve to loopback stay blocked.
    #[must_use]
    pub fn allow_loopback(mut self, allowed: bool) -> Self {
        self.loopback = allowed;
        self
    }

    /// Whether loopback may be reached under its own names.
    pub fn allows_loopback(&self) -> bool {
        self.loopback
    }

    /// Checks an address that a name has resolved to.
    pub fn check(&self, address: IpAddr) -> Result<(), Blocked> {
        let blocked = |reason| Err(Blocked { address, reason });
        if ranges::forms(address).any(ranges::is_metadata) {
            return blocked("a cloud's metadata service");
        }
        let plain = ranges::unmapped(address);
        if self.networks.iter().any(|network| network.contains(plain)) {
            return Ok(());
        }
        ranges::special(plain).map_or(Ok(()), blocked)
    }

    /// Checks everything about a URL that is known before its name is resolved.
    pub fn check_url(&self, url: &Url) -> Result<(), UrlRefusal> {
        let loopback = url.host().is_some_and(|host| names_loopback(&host));
        match url.scheme() {
            "https" => {}
            "http" if loopback && self.loopback => {}
            "http" => return Err(UrlRefusal::Plain),
            _ => return Err(UrlRefusal::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlRefusal::Credentials);
        }
        if url.fragment().is_some() {
            return Err(UrlRefusal::Fragment);
        }
        if url.port() == Some(0) {
            return Err(UrlRefusal::Port);
        }
        match url.host() {
            _ if loopback && self.loopback => Ok(()),
            Some(Host::Ipv4(address)) => Ok(self.check(address.into())?),
            Some(Host::Ipv6(address)) => Ok(self.check(address.into())?),
            _ if loopback => Err(UrlRefusal::Loopback),
            Some(Host::Domain(name)) if is_metadata_name(name) => Err(UrlRefusal::Metadata),
            _ => Ok(()),
        }
    }

    /// Reads a URL that must need no repair (whitespace, backslashes, a missing `//`, a
    /// percent-encoded host, an empty port), and checks it. What comes back is its normal form: of
    /// two spellings of one URL that differ in case, default port or dots, one text remains.
    pub fn read_url(&self, text: &str) -> Result<Url, UrlRefusal> {
        form::check(text)?;
        let url = Url::parse(text).map_err(UrlRefusal::Syntax)?;
        self.check_url(&url)?;
        Ok(url)
    }
}

/// The loopback addresses, IPv4 first, since most development servers listen there alone.
pub(crate) const LOOPBACK: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

/// Whether a host name means this machine: `localhost` or under it (RFC 6761), with or without the
/// dot at the end.
pub(crate) fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// Whether a host name is one that only resolves within a cloud, to what gives away its credentials.
/// What it resolves to is blocked as well: this only says so before anything is sent.
fn is_metadata_name(name: &str) -> bool {
    const NAMES: [&str; 2] = ["metadata.google.internal", "metadata.goog"];
    let name = name.strip_suffix('.').unwrap_or(name);
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn names_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => is_localhost(name),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => ranges::unmapped((*address).into()).is_loopback(),
    }
}
