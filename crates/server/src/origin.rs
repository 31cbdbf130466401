//! Who this server is: its DID and where it is reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use loggia_auth::dpop::PublicUrl;
use loggia_auth::scope::RpcScope;
use loggia_auth::service_auth;
use loggia_identity::DidDocument;
use loggia_syntax::Did;
use url::Url;

use crate::config::Config;

use crate::keys::Keys;

/// The fragment of the service entry in the server's own DID document.
pub const SERVICE: &str = "#loggia";

/// The fragment under which a DID document names its space host, and that entry's type.
pub const SPACE_HOST: (&str, &str) = ("#atproto_space_host", "AtprotoSpaceHost");

/// The fragment of the key that signs as space authority.
const SPACE_KEY: &str = "#atproto_space";

/// The server's DID and base URL, which say the same thing in two ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// `did:web:HOST`
    pub did: Did,
    /// `https://HOST`, without a slash at the end.
    pub url: String,
}

impl Origin {
    /// The origin of a server with these settings that listens on this port.
    pub fn of(config: &Config, port: u16) -> Self {
        match &config.public_url {
            Some(url) => Self::public(url),
            None => Self::development(port),
        }
    }

    /// A development server on this port of loopback.
    pub fn development(port: u16) -> Self {
        Self {
            did: did_web(&format!("localhost%3A{port}")),
            url: format!("http://localhost:{port}"),
        }
    }

    /// A published server.
    pub fn public(url: &Url) -> Self {
        let host = url.host_str().unwrap_or_default();
        let did = match url.port() {
            Some(port) => did_web(&format!("{host}%3A{port}")),
            None => did_web(host),
        };
        Self {
            did,
            url: url.as_str().trim_end_matches('/').to_owned(),
        }
    }

    /// The audiences that a token for this server may name. A bare DID and the DID with a service
    /// are distinct; a reference PDS can mint only the former.
    pub fn audiences(&self) -> Vec<String> {
        vec![self.did.to_string(), format!("{}{SERVICE}", self.did)]
    }

    /// The scope that allows to call every method of this server.
    pub fn every_method(&self) -> RpcScope {
        let service = format!("{}{SERVICE}", self.did);
        RpcScope::every_method_of(&service).expect("the DID of an origin is did:web:HOST")
    }

    /// The URL that DPoP proofs are made for.
    pub fn public_url(&self) -> PublicUrl {
        PublicUrl::new(&self.url).expect("an origin has an http or https URL")
    }

    /// The document that this server publishes about itself: where it is, that it hosts its own
    /// spaces, and the keys that sign now.
    pub fn document(&self, keys: &Keys) -> DidDocument {
        let (host, host_type) = SPACE_HOST;
        DidDocument::new(self.did.clone())
            .with_key(service_auth::KEY, *keys.atproto.public().multikey())
            .with_key(SPACE_KEY, *keys.atproto_space.public().multikey())
            .with_service(SERVICE, "LoggiaService", &self.url)
            .with_service(host, host_type, &self.url)
    }

    /// The `Host` under which the document is published.
    pub fn host(&self) -> &str {
        self.url.split_once("://").map_or("", |(_, host)| host)
    }
}

/// Whether `localhost` leads to this address: the only name that a development server goes by.
pub fn is_localhost(address: IpAddr) -> bool {
    address == Ipv4Addr::LOCALHOST || address == Ipv6Addr::LOCALHOST
}

/// Checks the URL of a published server: an https origin whose host makes a DID.
///
/// # Errors
/// What it must be instead.
pub fn check_public(url: &Url) -> Result<(), &'static str> {
    let checks = [
        (
            is_https(url),
            "must be an https origin such as https://hub.example",
        ),
        (
            is_bare(url),
            "must be an origin without a path, query or fragment",
        ),
        (is_anonymous(url), "must not carry a user name or password"),
        (has_did(url), "must have a host name that makes a did:web"),
    ];
    let broken = checks.into_iter().find(|(holds, _)| !holds);
    broken.map_or(Ok(()), |(_, must)| Err(must))
}

/// Checks that a server without a public URL is one for development.
///
/// # Errors
/// Why it cannot be, and what to do.
pub fn check_unpublished(bind: SocketAddr) -> Result<(), String> {
    if is_localhost(bind.ip()) {
        return Ok(());
    }
    let why = match bind.ip().is_loopback() {
        true => "is not where localhost leads, the only name of a server for development",
        false => "can be reached by others",
    };
    Err(format!(
        "{bind} {why}: say where others reach it, for example LOGGIA_PUBLIC_URL=https://hub.example, \
         or bind to 127.0.0.1 or [::1]",
    ))
}

fn is_https(url: &Url) -> bool {
    url.scheme() == "https" && url.host_str().is_some()
}

fn is_bare(url: &Url) -> bool {
    url.path() == "/" && url.query().is_none() && url.fragment().is_none()
}

fn is_anonymous(url: &Url) -> bool {
    url.username().is_empty() && url.password().is_none()
}

fn has_did(url: &Url) -> bool {
    let host = url.domain().unwrap_or_default();
    !host.is_empty() && !host.ends_with('.') && Did::check(&format!("did:web:{host}")).is_ok()
}

fn did_web(host: &str) -> Did {
    Did::new(format!("did:web:{host}")).expect("the host of a checked URL makes a DID")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_did_and_a_url_name_the_same_host() {
        let url = Url::parse("https://hub.example").expect("a URL");
        let origin = Origin::public(&url);
        assert_eq!(
            (origin.did.as_str(), origin.url.as_str()),
            ("did:web:hub.example", "https://hub.example")
        );
        assert_eq!(origin.host(), "hub.example");
    }

    #[test]
    fn a_port_is_part_of_the_did() {
        assert_eq!(
            Origin::development(2510).did.as_str(),
            "did:web:localhost%3A2510"
        );
        let url = Url::parse("https://hub.example:8443").expect("a URL");
        assert_eq!(
            Origin::public(&url).did.as_str(),
            "did:web:hub.example%3A8443"
        );
    }
}
