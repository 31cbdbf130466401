//! How a proof fails.

use crate::jwk::JwkError;
use crate::jws::JwsError;
use crate::refusal::{INTERNAL, Refusal, challenge};
use crate::replay::ReplayError;

use super::TargetError;

/// Why a proof proves nothing.
///
/// As a [`Refusal`] it answers as a token endpoint does (RFC 9449 §5, status 400). A resource
/// server wraps it: see [`AccessError`](crate::AccessError) and
/// [`CredentialError`](crate::CredentialError).
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// There is no `DPoP` header.
    #[error("the DPoP proof is missing")]
    Absent,
    /// There are several.
    #[error("there is more than one DPoP proof")]
    Repeated,
    /// Not a JWS, or without the claims of a proof.
    #[error("the DPoP proof is malformed")]
    Malformed(#[source] JwsError),
    /// A token of another type.
    #[error("the DPoP proof is not of type dpop+jwt")]
    Type,
    /// An algorithm that is not taken, or not that of the key.
    #[error("the DPoP proof's algorithm is not accepted")]
    Algorithm,
    /// The header has no public key that can be used.
    #[error("the DPoP proof's key cannot be used: {0}")]
    Key(#[source] JwkError),
    /// `jti` is empty or longer than any that is needed.
    #[error("the DPoP proof's jti does not have 1 to 256 bytes")]
    TokenId,
    /// For another HTTP method.
    #[error("the DPoP proof is for another HTTP method (htm)")]
    Method,
    /// `htu` is no URL.
    #[error("the DPoP proof's htu is not a URL of this kind: {0}")]
    TargetForm(#[source] TargetError),
    /// For another URL.
    #[error("the DPoP proof is for another URL (htu): it must be {0}")]
    Target(String),
    /// Made too long ago.
    #[error("the DPoP proof has expired (iat): make a new one for each request")]
    Expired,
    /// Made in the future.
    #[error("the DPoP proof is not valid yet (iat): is a clock wrong?")]
    Early,
    /// For another access token, or for none.
    #[error("the DPoP proof is for another token (ath)")]
    TokenHash,
    /// It has an `ath` where there is no token to hash.
    #[error("the DPoP proof has an ath, which does not belong here")]
    NeedlessTokenHash,
    /// Without a nonce, or with one that is not accepted any more.
    #[error("the DPoP proof needs the server's current nonce (DPoP-Nonce)")]
    Nonce,
    /// Not signed with the key that it brings.
    #[error("the DPoP proof is not signed with its key")]
    Signature,
    /// The token is bound to another key.
    #[error("Invalid DPoP key binding")]
    Binding,
    /// Used before.
    #[error("the DPoP proof was used before (jti): make a new one for each request")]
    Replayed,
    /// Whether it was used before is not known.
    #[error("the DPoP proof cannot be checked now")]
    Replay(#[source] ReplayError),
}

impl ProofError {
    /// What a resource server of OAuth calls it.
    pub fn oauth_name(&self) -> &'static str {
        match self {
            Self::Nonce => "use_dpop_nonce",
            Self::Binding => "invalid_token",
            Self::Replay(error) => error.name(),
            _ => "invalid_dpop_proof",
        }
    }

    /// What a space host of August 2026 calls it.
    pub fn space_name(&self) -> &'static str {
        match self {
            Self::Absent => "MissingDpopProof",
            Self::Signature => "BadDpopProofSignature",
            Self::Expired => "DpopProofExpired",
            Self::Binding => "DpopKeyMismatch",
            Self::Replay(error) => error.name(),
            _ => "BadDpopProof",
        }
    }

    /// What a caller is told.
    pub fn told(&self) -> String {
        match self {
            Self::Malformed(error) => format!("{self}: {}", error.told()),
            Self::Replay(ReplayError::Failed(_)) => INTERNAL.into(),
            _ => self.to_string(),
        }
    }

    /// The status where a proof accompanies a token.
    pub(crate) fn resource_status(&self) -> u16 {
        match self {
            Self::Replay(error) => error.status(),
            _ => 401,
        }
    }

    pub(crate) fn oauth_challenge(&self) -> Option<String> {
        (self.resource_status() == 401).then(|| {
            let description = self.told();
            challenge(
                "DPoP",
                &[
                    ("algs", "ES256"),
                    ("error", self.oauth_name()),
                    ("error_description", &description),
                ],
            )
        })
    }
}

impl Refusal for ProofError {
    fn status(&self) -> u16 {
        match self {
            Self::Replay(error) => error.status(),
            _ => 400,
        }
    }

    fn name(&self) -> &'static str {
        self.oauth_name()
    }

    fn message(&self) -> String {
        self.told()
    }

    fn challenge(&self) -> Option<String> {
        None
    }

    fn wants_nonce(&self) -> bool {
        matches!(self, Self::Nonce)
    }
}
