//! Who this server is: its DID and where it is reached.

use loggia_identity::DidDocument;
use loggia_syntax::Did;
use url::Url;

/// The fragment of the service entry in the server's own DID document.
pub const SERVICE: &str = "#loggia";

/// The server's DID and base URL, which say the same thing in two ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// `did:web:HOST`
    pub did: Did,
    /// `https://HOST`, without a slash at the end.
    pub url: String,
}

impl Origin {
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

    /// Whether a published server at this URL can have a DID: its host is a name.
    pub fn has_did(url: &Url) -> bool {
        let host = url.domain().unwrap_or_default();
        !host.is_empty() && !host.ends_with('.') && Did::check(&format!("did:web:{host}")).is_ok()
    }

    /// The audiences that a token for this server may name. A bare DID and the DID with a service
    /// are distinct; a reference PDS can mint only the former.
    pub fn audiences(&self) -> Vec<String> {
        vec![self.did.to_string(), format!("{}{SERVICE}", self.did)]
    }

    /// The document that this server publishes about itself.
    pub fn document(&self) -> DidDocument {
        DidDocument::new(self.did.clone()).with_service(SERVICE, "LoggiaService", &self.url)
    }

    /// The `Host` under which the document is published.
    pub fn host(&self) -> &str {
        self.url.split_once("://").map_or("", |(_, host)| host)
    }
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
