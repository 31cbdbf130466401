//! How a delegation token is refused.

use loggia_identity::{KeyLookupError, ResolveError};
use loggia_syntax::{Did, SyntaxError};

use crate::jws::JwsError;
use crate::key::BadSignature;
use crate::refusal::{INTERNAL, Refusal, challenge};
use crate::replay::ReplayError;
use crate::signer::SignerFault;

/// Why a delegation token delegates nothing.
#[derive(Debug, thiserror::Error)]
pub enum DelegationError {
    /// No `Authorization` header.
    #[error("authentication is required")]
    Absent,
    /// Several `Authorization` headers.
    #[error("there is more than one Authorization header")]
    Repeated,
    /// Another scheme than `Bearer`.
    #[error("unexpected authorization type, expected Bearer")]
    Scheme,
    /// `Bearer` without a token.
    #[error("the token is missing")]
    Empty,
    /// Not a JWS, or without the claims of a delegation token.
    #[error("the delegation token is malformed")]
    Malformed(#[source] JwsError),
    /// A token of another type.
    #[error("the token is not of type atproto-space-delegation+jwt")]
    Type,
    /// The header names an algorithm that the protocol does not have.
    #[error("the delegation token's algorithm is neither ES256K nor ES256")]
    Algorithm,
    /// The header names another key than `#atproto`, or none.
    #[error("the delegation token's key (kid) is not #atproto")]
    KeyId,
    /// `jti` is empty or longer than any that is needed.
    #[error("the delegation token's jti does not have 1 to 256 bytes")]
    TokenId,
    /// Past its `exp`.
    #[error("the delegation token has expired (exp): get a new one")]
    Expired,
    /// `iat` lies in the future.
    #[error("the delegation token is not valid yet (iat, nbf): is a clock wrong?")]
    Early,
    /// `iat` does not lie before `exp`.
    #[error("the delegation token expires before it was issued")]
    Backwards,
    /// `exp` is too far from `iat`, or from now.
    #[error("the delegation token lives longer than {0} s")]
    Lifetime(i64),
    /// `iss` is no bare DID.
    #[error("the delegation token's issuer (iss) is not a bare DID")]
    Issuer(#[source] SyntaxError),
    /// `sub` is no reference to a space.
    #[error("the delegation token's subject (sub) is not a space")]
    Subject(#[source] SyntaxError),
    /// `aud` is not the host of the space.
    #[error("the delegation token is not for the host of its space (aud)")]
    Audience,
    /// The issuer's DID cannot be resolved.
    #[error("the issuer of the delegation token cannot be resolved")]
    Resolve(#[source] ResolveError),
    /// The issuer's document has no usable `#atproto` key.
    #[error("missing or bad key of {did}")]
    Key {
        /// The issuer.
        did: Did,
        /// What is wrong with its key.
        #[source]
        source: KeyLookupError,
    },
    /// Not signed by the issuer.
    #[error("the delegation token is not signed by its issuer: {0}")]
    Signature(BadSignature),
    /// For another space than the request.
    #[error("the delegation token is for another space (sub)")]
    Space,
    /// Used before.
    #[error("the delegation token has already been used (jti): get a new one")]
    Replayed,
    /// Whether it was used before is not known.
    #[error("the delegation token cannot be checked now")]
    Replay(#[source] ReplayError),
}

impl DelegationError {
    pub(super) fn of_signer(did: &Did, fault: SignerFault) -> Self {
        match fault {
            SignerFault::Resolve(error) => Self::Resolve(error),
            SignerFault::Key(source) => Self::Key {
                did: did.clone(),
                source,
            },
            SignerFault::Signature(bad) => Self::Signature(bad),
        }
    }
}

impl Refusal for DelegationError {
    fn status(&self) -> u16 {
        match self {
            Self::Scheme | Self::Space => 400,
            Self::Resolve(error) if error.is_transient() => 502,
            Self::Replay(error) => error.status(),
            _ => 401,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Absent => "AuthMissing",
            Self::Empty => "MissingJwt",
            Self::Scheme => "InvalidToken",
            Self::Repeated
            | Self::Malformed(_)
            | Self::Algorithm
            | Self::KeyId
            | Self::TokenId
            | Self::Early
            | Self::Backwards
            | Self::Lifetime(_) => "BadJwt",
            Self::Type => "BadJwtType",
            Self::Expired => "JwtExpired",
            Self::Audience => "BadJwtAudience",
            Self::Subject(_) => "BadJwtSub",
            Self::Resolve(error) if error.is_transient() => "UpstreamFailure",
            Self::Issuer(_) | Self::Resolve(_) => "BadJwtIss",
            Self::Key { .. } | Self::Signature(_) => "BadJwtSignature",
            Self::Space => "InvalidDelegationToken",
            Self::Replayed => "JwtReplayed",
            Self::Replay(error) => error.name(),
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Malformed(error) => format!("{self}: {}", error.told()),
            Self::Resolve(error) => format!("{self}: {error}: {}", error.kind),
            Self::Key { source, .. } => format!("{self}: {source}"),
            Self::Replay(ReplayError::Failed(_)) => INTERNAL.into(),
            _ => self.to_string(),
        }
    }

    fn challenge(&self) -> Option<String> {
        match self {
            Self::Absent => Some(challenge("Bearer", &[])),
            _ if self.status() == 401 => Some(challenge("Bearer", &[("error", "invalid_token")])),
            _ => None,
        }
    }
}
