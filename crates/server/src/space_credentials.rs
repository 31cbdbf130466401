//! Space credentials as this server takes them: in which forms, and which were revoked.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use loggia_auth::space_credential::{self, Profiles, RevocationError};
use loggia_storage::RevokedCredentials;
use loggia_syntax::SpaceRef;

/// Which forms of space credentials are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpaceForms {
    /// Requests signed as in October 2026.
    October,
    /// DPoP proofs as in August 2026.
    August,
    /// Either.
    Both,
    /// None.
    Off,
}

/// A text that says none of the four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be october, august, both or off")]
pub struct UnknownSpaceForms;

impl SpaceForms {
    const ALL: [Self; 4] = [Self::October, Self::August, Self::Both, Self::Off];

    fn as_str(self) -> &'static str {
        match self {
            Self::October => "october",
            Self::August => "august",
            Self::Both => "both",
            Self::Off => "off",
        }
    }

    /// What a verifier takes; none if there is nothing to verify.
    pub fn profiles(self) -> Option<Profiles> {
        let (october, august) = match self {
            Self::October => (true, false),
            Self::August => (false, true),
            Self::Both => (true, true),
            Self::Off => return None,
        };
        Some(Profiles { october, august })
    }
}

impl FromStr for SpaceForms {
    type Err = UnknownSpaceForms;

    fn from_str(text: &str) -> Result<Self, UnknownSpaceForms> {
        let mut all = Self::ALL.into_iter();
        all.find(|one| one.as_str() == text)
            .ok_or(UnknownSpaceForms)
    }
}

impl fmt::Display for SpaceForms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The credentials that were revoked, in the store that all of this server's processes share.
pub struct Revocations(pub RevokedCredentials);

impl space_credential::Revocations for Revocations {
    async fn is_revoked(
        &self,
        space: &SpaceRef,
        id: &str,
        _: Timestamp,
    ) -> Result<bool, RevocationError> {
        let revoked = self.0.is_revoked(space, id).await;
        revoked.map_err(|error| RevocationError(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use loggia_auth::space_credential::Revocations as _;
    use loggia_storage::{MasterKey, Storage};

    use super::*;

    #[tokio::test]
    async fn a_store_that_cannot_say_lets_nobody_in() {
        let storage = Storage::memory("revocations", &MasterKey::new([7; 32])).await;
        let storage = storage.expect("opens");
        let revocations = Revocations(storage.revoked_credentials());
        let space = SpaceRef::new("at://did:plc:abc123/space/com.example.forum/main");
        let space = space.expect("a space");
        let now = Timestamp::UNIX_EPOCH;
        let revoked = revocations.is_revoked(&space, "a", now).await;
        assert!(!revoked.expect("the store is open"));
        storage.close().await;
        let unknown = revocations.is_revoked(&space, "a", now).await;
        unknown.expect_err("the store is closed");
    }

    #[test]
    fn every_form_is_read_as_it_is_written() {
        for forms in SpaceForms::ALL {
            assert_eq!(forms.to_string().parse(), Ok(forms));
        }
        assert_eq!("none".parse::<SpaceForms>(), Err(UnknownSpaceForms));
        assert_eq!(SpaceForms::October.profiles(), Some(Profiles::default()));
    }
}
