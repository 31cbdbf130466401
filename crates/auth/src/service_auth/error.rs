//! How service auth says no.

use loggia_identity::{KeyLookupError, ResolveError};
use loggia_syntax::{Did, SyntaxError};

use crate::jws::JwsError;
use crate::key::BadSignature;
use crate::refusal::{INTERNAL, Refusal, challenge};
use crate::replay::ReplayError;

/// Why a caller is not proved. Status and name are those of the reference implementation where it
/// has them.
#[derive(Debug, thiserror::Error)]
pub enum ServiceAuthError {
    /// No `Authorization` header.
    #[error("authentication is required")]
    Absent,
    /// Another scheme than `Bearer`.
    #[error("unexpected authorization type, expected Bearer")]
    Scheme,
    /// `Bearer` without a token.
    #[error("the token is missing")]
    Empty,
    /// Not a token, or without the claims of service auth.
    #[error("the token is malformed")]
    Malformed(#[source] JwsError),
    /// The header names an algorithm that the protocol does not have.
    #[error("the token's algorithm is neither ES256K nor ES256")]
    Algorithm,
    /// The header names a key that does not sign service auth.
    #[error("the token's key (kid) is not #atproto")]
    KeyId,
    /// `jti` is empty or longer than any that is needed.
    #[error("the token's jti does not have 1 to 256 bytes")]
    TokenId,
    /// A token of another type.
    #[error("the token is not of type JWT")]
    Type,
    /// Past its `exp`.
    #[error("the token has expired (exp): get a new one")]
    Expired,
    /// `iat` or `nbf` lies in the future.
    #[error("the token is not valid yet (iat, nbf): is a clock wrong?")]
    Early,
    /// `exp` is too far from `iat`, or from now.
    #[error("the token lives longer than {0} s")]
    Lifetime(i64),
    /// For somebody else.
    #[error("the token is for another audience (aud)")]
    Audience,
    /// For another method, or none.
    #[error("the token is for another method (lxm)")]
    Method,
    /// `iss` is no bare DID.
    #[error("the token's issuer is not a bare DID")]
    Issuer(#[source] SyntaxError),
    /// The issuer's DID cannot be resolved.
    #[error("the issuer of the token cannot be resolved")]
    Resolve(#[source] ResolveError),
    /// The issuer's document has no usable `#atproto` key.
    #[error("{did} has no usable key for service auth")]
    Key {
        /// The issuer.
        did: Did,
        /// What is wrong with its key.
        #[source]
        source: KeyLookupError,
    },
    /// Not signed by the issuer.
    #[error("the token is not signed by its issuer: {0}")]
    Signature(BadSignature),
    /// Used before.
    #[error("the token was used before (jti): get a new one for each call")]
    Replayed,
    /// Whether it was used before is not known.
    #[error("the token cannot be checked now")]
    Replay(#[source] ReplayError),
}

impl ServiceAuthError {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Scheme => 400,
            Self::Resolve(error) if error.is_transient() => 502,
            Self::Replay(error) => error.status(),
            _ => 401,
        }
    }

    /// The error name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Absent => "AuthMissing",
            Self::Empty => "MissingJwt",
            Self::Scheme => "InvalidToken",
            Self::Malformed(_)
            | Self::Algorithm
            | Self::KeyId
            | Self::TokenId
            | Self::Early
            | Self::Lifetime(_) => "BadJwt",
            Self::Type => "BadJwtType",
            Self::Expired => "JwtExpired",
            Self::Audience => "BadJwtAudience",
            Self::Method => "BadJwtLexiconMethod",
            Self::Resolve(error) if error.is_transient() => "UpstreamFailure",
            Self::Issuer(_) | Self::Resolve(_) => "BadJwtIss",
            Self::Key { .. } | Self::Signature(_) => "BadJwtSignature",
            Self::Replayed => "JwtReplayed",
            Self::Replay(error) => error.name(),
        }
    }

    /// What a caller is told. Causes inside this server are left out; what is wrong with the
    /// caller's own identity is told, since nobody else can mend it.
    pub fn message(&self) -> String {
        match self {
            Self::Malformed(error) => format!("{self}: {}", error.told()),
            Self::Resolve(error) => format!("{self}: {error}: {}", error.kind),
            Self::Key { source, .. } => format!("{self}: {source}"),
            Self::Replay(ReplayError::Failed(_)) => INTERNAL.into(),
            _ => self.to_string(),
        }
    }

    /// Status, name and message together.
    pub fn answer(&self) -> (u16, &'static str, String) {
        (self.status(), self.name(), self.message())
    }
}

impl Refusal for ServiceAuthError {
    fn status(&self) -> u16 {
        self.status()
    }

    fn name(&self) -> &'static str {
        self.name()
    }

    fn message(&self) -> String {
        self.message()
    }

    fn challenge(&self) -> Option<String> {
        match self {
            Self::Absent => Some(challenge("Bearer", &[])),
            _ if self.status() == 401 => Some(challenge("Bearer", &[("error", "invalid_token")])),
            _ => None,
        }
    }
}
