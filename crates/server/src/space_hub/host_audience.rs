//! For whom a token is with which the host of a space elsewhere is told of a write.

use std::fmt;
use std::str::FromStr;

use loggia_delivery::Due;
use loggia_identity::DidDocument;
use loggia_syntax::SpaceRef;

/// How the host of a space elsewhere is addressed. Hosts of October take the authority's DID with
/// `#atproto_space_host`, those of August nothing but the bare DID, and no name stands for the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostAudience {
    /// As a service of the authority.
    #[default]
    Fragment,
    /// The same, and after a refusal once more by the bare DID, with a token of its own.
    Auto,
}

/// A text that says no audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be fragment or auto")]
pub struct UnknownAudience;

impl HostAudience {
    /// Whom to address instead, after the host of a space has answered with this status. Services that
    /// are registered are addressed as they registered, and in no other way.
    pub(crate) fn instead(self, due: &Due, status: u16) -> Option<String> {
        if self == Self::Fragment || !matches!(status, 401 | 403) {
            return None;
        }
        let audience = &due.endpoint.parties.as_ref()?.audience;
        let space = SpaceRef::new(due.notification.subject.as_str()).ok()?;
        let authority = space.authority().to_string();
        let is_host = *audience == format!("{authority}{}", DidDocument::SPACE_HOST);
        is_host.then_some(authority)
    }
}

impl FromStr for HostAudience {
    type Err = UnknownAudience;

    fn from_str(text: &str) -> Result<Self, UnknownAudience> {
        match text {
            "fragment" => Ok(Self::Fragment),
            "auto" => Ok(Self::Auto),
            _ => Err(UnknownAudience),
        }
    }
}

impl fmt::Display for HostAudience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fragment => "fragment",
            Self::Auto => "auto",
        })
    }
}
