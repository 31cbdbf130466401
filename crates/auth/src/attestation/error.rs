//! How an attestation is refused.

use std::sync::Arc;

use super::MetadataError;
use crate::jwk::KeysError;
use crate::jws::JwsError;
use crate::key::BadSignature;
use crate::refusal::{INTERNAL, Refusal};
use crate::replay::ReplayError;

/// Why an app is not proved.
#[derive(Debug, thiserror::Error)]
pub enum AttestationError {
    /// Not a JWS, or without the claims of an attestation.
    #[error("the client attestation is malformed")]
    Malformed(#[source] JwsError),
    /// A token of another type.
    #[error("the token is not of type atproto-client-attestation+jwt")]
    Type,
    /// The header names an algorithm that the protocol does not have.
    #[error("the client attestation's algorithm is neither ES256 nor ES256K")]
    Algorithm,
    /// The header names no key.
    #[error("the client attestation names no key (kid)")]
    KeyId,
    /// `jti` is empty or longer than any that is needed.
    #[error("the client attestation's jti does not have 1 to 256 bytes")]
    TokenId,
    /// `iss` and `sub` differ.
    #[error("the client attestation's iss and sub are not the same client_id")]
    Subject,
    /// They are no `client_id`.
    #[error("the client attestation's issuer is not a client_id")]
    ClientId(#[source] MetadataError),
    /// For another host.
    #[error("the client attestation is for another audience (aud)")]
    Audience,
    /// Past its `exp`.
    #[error("the client attestation has expired (exp): make a new one")]
    Expired,
    /// `iat` or `nbf` lies in the future.
    #[error("the client attestation is not valid yet (iat, nbf): is a clock wrong?")]
    Early,
    /// `iat` does not lie before `exp`.
    #[error("the client attestation expires before it was issued")]
    Backwards,
    /// `exp` is too far from `iat`, or from now.
    #[error("the client attestation lives longer than {0} s")]
    Lifetime(i64),
    /// The client or its key is not known.
    #[error("the client of the attestation is not known")]
    Client(#[source] ClientError),
    /// Not signed by the client.
    #[error("the client attestation is not signed by its client: {0}")]
    Signature(BadSignature),
    /// Used before.
    #[error("the client attestation was used before (jti): make a new one")]
    Replayed,
    /// Whether it was used before is not known.
    #[error("the client attestation cannot be checked now")]
    Replay(#[source] ReplayError),
}

/// Why a client's key is not known.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClientError {
    /// The client does not publish this key.
    #[error("the client publishes no key of that name (kid)")]
    UnknownKey,
    /// Its metadata says something that does not do.
    #[error("{0}")]
    Metadata(#[source] Arc<MetadataError>),
    /// `jwks_uri` is no `https` URL.
    #[error("the client's jwks_uri is not an https URL")]
    KeysUri,
    /// Its metadata or keys could not be fetched.
    #[error("{0}")]
    Keys(#[source] KeysError),
    /// Too many clients are being fetched.
    #[error("too many clients are being fetched")]
    Busy,
}

impl Refusal for AttestationError {
    fn status(&self) -> u16 {
        match self {
            Self::Replay(error) => error.status(),
            Self::Client(ClientError::Busy) => 503,
            _ => 400,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Replay(error) => error.name(),
            Self::Client(ClientError::Busy) => "NotEnoughResources",
            _ => "InvalidClientAttestation",
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Malformed(error) => format!("{self}: {}", error.told()),
            Self::Client(error) => format!("{self}: {error}"),
            Self::Replay(ReplayError::Failed(_)) => INTERNAL.into(),
            _ => self.to_string(),
        }
    }

    fn challenge(&self) -> Option<String> {
        None
    }
}
