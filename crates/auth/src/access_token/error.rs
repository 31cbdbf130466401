//! How an access token is refused.

use loggia_identity::FetchError;
use loggia_syntax::SyntaxError;

use crate::dpop::ProofError;
use crate::jwk::KeysError;
use crate::jws::JwsError;
use crate::refusal::{Refusal, challenge};

/// Why a caller with an access token is not proved. Names are those of OAuth (RFC 6750, RFC 9449)
/// where it has one, and else those of the reference PDS.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// No `Authorization` header.
    #[error("authentication is required")]
    Absent,
    /// Several `Authorization` headers.
    #[error("there is more than one Authorization header")]
    Repeated,
    /// Another scheme than `DPoP`.
    #[error("Unexpected authorization type, expected DPoP")]
    Scheme,
    /// No token, or not a JWS where only those are taken.
    #[error("Malformed token")]
    Malformed(#[source] Option<JwsError>),
    /// A JWS without the claims of an access token.
    #[error("the access token lacks a claim, or has one of another type")]
    Claims(#[source] JwsError),
    /// A token of another type.
    #[error("the token is not of type at+jwt")]
    Type,
    /// No verifier is configured for whoever issued it.
    #[error("no verifier is configured for the issuer of the access token")]
    UntrustedIssuer,
    /// The verifier of one issuer was given the token of another.
    #[error("the access token is from another issuer")]
    Issuer,
    /// For somebody else.
    #[error("the access token is for another audience (aud)")]
    Audience,
    /// `sub` is no DID.
    #[error("the access token's subject is not a DID")]
    Subject(#[source] SyntaxError),
    /// Without the scope that all tokens of its issuer must have.
    #[error("the access token lacks the scope that is needed for any use")]
    Scope,
    /// `jti` is missing, empty or longer than any that is needed.
    #[error("the access token's jti does not have 1 to 256 bytes")]
    TokenId,
    /// Past its `exp`.
    #[error("the access token has expired (exp): get a new one")]
    Expired,
    /// `iat` or `nbf` lies in the future.
    #[error("the access token is not valid yet (iat, nbf): is a clock wrong?")]
    Early,
    /// `iat` does not lie before `exp`.
    #[error("the access token expires before it was issued")]
    Backwards,
    /// `exp` is too far from `iat`, or from now.
    #[error("the access token lives longer than {0} s")]
    Lifetime(i64),
    /// It names no key of its issuer.
    #[error("the access token's key (kid) is not one of its issuer")]
    KeyId,
    /// The issuer's keys are not known.
    #[error("the keys of the access token's issuer are not known")]
    Keys(#[source] KeysError),
    /// Not signed by its issuer.
    #[error("the access token is not signed by its issuer")]
    Signature,
    /// The issuer says that it is not valid.
    #[error("the access token is not active")]
    Inactive,
    /// The issuer says that it is valid and not what it is good for.
    #[error("the issuer of the access token does not tell its {0}")]
    Unsaid(&'static str),
    /// The issuer was asked and did not answer.
    #[error("the issuer of the access token could not be asked")]
    Ask(#[source] FetchError),
    /// The issuer answered with something else.
    #[error("the issuer of the access token gave no readable answer")]
    Answer(#[source] AnswerError),
    /// The proof that goes with it proves nothing.
    #[error(transparent)]
    Proof(ProofError),
}

/// What was wrong with an answer about a token.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// Another status than 200.
    #[error("HTTP status {0}")]
    Status(u16),
    /// Not the JSON of RFC 7662.
    #[error("not the JSON of an introspection response")]
    Json(#[source] JwsError),
}

impl AccessError {
    /// Whether the fault is the issuer's, or on the way to it.
    fn is_upstream(&self) -> bool {
        matches!(self, Self::Keys(_) | Self::Ask(_) | Self::Answer(_))
    }
}

impl Refusal for AccessError {
    fn status(&self) -> u16 {
        match self {
            Self::Scheme | Self::Malformed(_) => 400,
            Self::Proof(error) => error.resource_status(),
            _ if self.is_upstream() => 502,
            _ => 401,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Absent => "AuthMissing",
            Self::Scheme | Self::Malformed(_) => "InvalidToken",
            Self::Proof(error) => error.oauth_name(),
            _ if self.is_upstream() => "UpstreamFailure",
            _ => "invalid_token",
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Claims(error) => format!("{self}: {}", error.told()),
            Self::Proof(error) => error.told(),
            _ => self.to_string(),
        }
    }

    fn challenge(&self) -> Option<String> {
        match self {
            Self::Absent => Some(challenge("DPoP", &[("algs", "ES256")])),
            Self::Proof(error) => error.oauth_challenge(),
            _ if self.status() == 401 => {
                let description = self.message();
                let parameters = [
                    ("algs", "ES256"),
                    ("error", "invalid_token"),
                    ("error_description", &description),
                ];
                Some(challenge("DPoP", &parameters))
            }
            _ => None,
        }
    }

    fn wants_nonce(&self) -> bool {
        matches!(self, Self::Proof(error) if error.wants_nonce())
    }
}

impl From<ProofError> for AccessError {
    fn from(error: ProofError) -> Self {
        Self::Proof(error)
    }
}
