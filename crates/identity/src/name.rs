//! Domain names that stand for a DID: handles of accounts, authorities of lexicons.

mod error;
mod resolve;

use std::fmt;

use loggia_syntax::{Handle, Nsid};

pub use error::{NameError, NameErrorKind};
pub use resolve::{NameResolver, ResolveName};

/// A domain name and what it is asked for. Lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    purpose: Purpose,
    domain: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Purpose {
    Handle,
    Lexicon,
}

impl Name {
    /// The name of an account. Its owner publishes the DID in the DNS or on a web server.
    pub fn handle(handle: &Handle) -> Self {
        Self {
            purpose: Purpose::Handle,
            domain: handle.as_str().to_ascii_lowercase(),
        }
    }

    /// The authority over the namespace in which this NSID stands: `_lexicon.feed.example.com` for
    /// `com.example.feed.get`, and nothing above or below it. Its owner publishes, in the DNS alone,
    /// the DID of the account whose repository holds the lexicons.
    pub fn lexicon(nsid: &Nsid) -> Self {
        Self {
            purpose: Purpose::Lexicon,
            domain: nsid.domain().to_ascii_lowercase(),
        }
    }

    /// The domain name.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Where its TXT record is.
    pub fn txt_name(&self) -> String {
        let label = match self.purpose {
            Purpose::Handle => "_atproto",
            Purpose::Lexicon => "_lexicon",
        };
        format!("{label}.{}", self.domain)
    }

    /// Where a handle's DID is on its web server; lexicons have no such place.
    pub fn well_known(&self) -> Option<String> {
        match self.purpose {
            Purpose::Handle => Some(format!("https://{}/.well-known/atproto-did", self.domain)),
            Purpose::Lexicon => None,
        }
    }

    /// The last label, if names under it are never registered (handle specification; RFC 6761, RFC
    /// 8375, RFC 9476). `.test` is for development.
    fn reserved(&self, development: bool) -> Option<&'static str> {
        const RESERVED: [&str; 9] = [
            "alt",
            "arpa",
            "example",
            "internal",
            "invalid",
            "local",
            "localhost",
            "onion",
            "test",
        ];
        let last = self.domain.rsplit('.').next()?;
        let found = RESERVED.into_iter().find(|reserved| *reserved == last)?;
        (found != "test" || !development).then_some(found)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.purpose {
            Purpose::Handle => write!(f, "handle {}", self.domain),
            Purpose::Lexicon => write!(f, "lexicon authority {}", self.domain),
        }
    }
}
