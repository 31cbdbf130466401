//! What it takes to register a service to be told.
//!
//! Its DID document, or the URL, says where a service is, and not that it wants to hear. Whoever reads a
//! space could have a stranger told of it. Two policies are offered.
//!
//! `anyone` is the default: services of the protocol read spaces with the credentials of their users,
//! who are never the service, so that a stricter rule would shut all of them out. What a stranger would
//! get is bounded: one endpoint for each space and author, whoever registers, of which only the newest
//! state of each repository waits; limits for each space, authority and caller; an end after a day; and
//! the first 410 ends it until the service itself or the authority of the space says otherwise.
//!
//! `service` is for hosts that know their services: whoever registers is the service.

use std::fmt;
use std::str::FromStr;

use loggia_syntax::Did;
use url::Url;

/// Who may register a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consent {
    /// Whoever may read the space.
    #[default]
    Anyone,
    /// The service itself. For a webhook it is enough that its URL is at the host that the service's
    /// `did:web` names.
    Service,
}

/// A text that names no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be anyone or service")]
pub struct UnknownConsent;

impl Consent {
    /// Whether this service may be registered by this caller, if that is known, to be told at this URL.
    pub(super) fn is_given(self, service: &Did, caller: Option<&Did>, url: Option<&Url>) -> bool {
        match self {
            Self::Anyone => true,
            Self::Service => caller == Some(service) || url.is_some_and(|url| is_at(service, url)),
        }
    }
}

/// Whether a URL is at the host of a `did:web`.
fn is_at(service: &Did, url: &Url) -> bool {
    let host = service.as_str().strip_prefix("did:web:");
    let host = host.and_then(|host| host.split(':').next());
    let named = host.map(|host| host.replace("%3A", ":").replace("%3a", ":"));
    let reached = url.host_str().map(|host| match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    });
    named.is_some() && named == reached
}

impl FromStr for Consent {
    type Err = UnknownConsent;

    fn from_str(text: &str) -> Result<Self, UnknownConsent> {
        match text {
            "anyone" => Ok(Self::Anyone),
            "service" => Ok(Self::Service),
            _ => Err(UnknownConsent),
        }
    }
}

impl fmt::Display for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anyone => "anyone",
            Self::Service => "service",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_consents_by_calling_or_by_where_it_is() {
        let did = |text: &str| Did::new(text).expect("a DID");
        let service = did("did:web:feed.example.com");
        let (same, other) = (did("did:web:feed.example.com"), did("did:plc:abc123"));
        let at = |text: &str| Url::parse(text).expect("a URL");
        let (here, there) = (
            at("https://feed.example.com/webhooks/x"),
            at("https://feed.example.com:8443/webhooks/x"),
        );
        for (caller, url, given) in [
            (Some(&same), None, true),
            (Some(&other), None, false),
            (None, None, false),
            (None, Some(&here), true),
            (Some(&other), Some(&there), false),
        ] {
            assert_eq!(Consent::Service.is_given(&service, caller, url), given);
            assert!(Consent::Anyone.is_given(&service, caller, url));
        }
        let with_port = did("did:web:feed.example.com%3A8443:path");
        assert!(Consent::Service.is_given(&with_port, None, Some(&there)));
        assert!(!Consent::Service.is_given(&with_port, None, Some(&here)));
    }

    #[test]
    fn every_policy_is_read_as_it_is_written() {
        for consent in [Consent::Anyone, Consent::Service] {
            assert_eq!(consent.to_string().parse(), Ok(consent));
        }
        assert_eq!("both".parse::<Consent>(), Err(UnknownConsent));
    }
}
