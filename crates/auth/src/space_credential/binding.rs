//! How the holder of a credential proves to be its holder.

use serde::{Deserialize, Serialize};

use crate::key::PublicKey;

/// The key that a credential is bound to, in the two forms of the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyBinding {
    /// October 2026: `cnf.kid` is a P-256 `did:key`, which signs the request (RFC 9421).
    HttpSignature(PublicKey),
    /// August 2026: `cnf.jkt` is the thumbprint of the key that makes a DPoP proof.
    Dpop(String),
}

impl KeyBinding {
    /// The most seconds that a credential of this form lives. October says 3600. August says
    /// nothing; its credentials are made for 7200.
    pub fn most_lifetime(&self) -> i64 {
        match self {
            Self::HttpSignature(_) => 3600,
            Self::Dpop(_) => 7200,
        }
    }

    /// How many seconds a credential of this form is made for: 600 in October, since a request that
    /// somebody has overheard can be sent again for so long, and 7200 in August.
    pub fn usual_lifetime(&self) -> i64 {
        match self {
            Self::HttpSignature(_) => 600,
            Self::Dpop(_) => 7200,
        }
    }

    pub(super) fn write(&self) -> Confirmation {
        match self {
            Self::HttpSignature(key) => Confirmation {
                kid: Some(key.to_did_key()),
                jkt: None,
            },
            Self::Dpop(thumbprint) => Confirmation {
                kid: None,
                jkt: Some(thumbprint.clone()),
            },
        }
    }
}

/// `cnf` (RFC 7800), as far as credentials use it.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Confirmation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jkt: Option<String>,
}

impl Confirmation {
    /// The one key that it names; none if it names two, or one that cannot be read.
    pub(super) fn binding(self) -> Option<KeyBinding> {
        match (self.kid, self.jkt) {
            (Some(kid), None) => PublicKey::from_did_key(&kid)
                .ok()
                .map(KeyBinding::HttpSignature),
            (None, Some(jkt)) => Some(KeyBinding::Dpop(jkt)),
            _ => None,
        }
    }
}

/// Which forms are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profiles {
    /// Requests signed as in October 2026.
    pub october: bool,
    /// DPoP proofs as in August 2026.
    pub august: bool,
}

impl Default for Profiles {
    /// October only.
    fn default() -> Self {
        Self {
            october: true,
            august: false,
        }
    }
}
