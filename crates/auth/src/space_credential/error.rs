//! How a credential is refused.

use loggia_identity::{KeyLookupError, ResolveError};
use loggia_syntax::{Did, SyntaxError};

use super::RevocationError;
use crate::dpop::ProofError;
use crate::http_signature::{SCHEME, SignatureError};
use crate::jws::JwsError;
use crate::key::BadSignature;
use crate::refusal::{INTERNAL, Refusal, challenge};
use crate::signer::SignerFault;

/// Why a reader of a space is not proved. Status and name are those of the reference implementation
/// where it has them.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// No `Authorization` header, or none with a credential in it.
    #[error("the space credential is missing")]
    Absent,
    /// Several `Authorization` headers.
    #[error("there is more than one Authorization header")]
    Repeated,
    /// A scheme that no enabled form of credentials has.
    #[error("Unexpected authorization type")]
    Scheme,
    /// Not a JWS, or without the claims of a credential.
    #[error("the space credential is malformed")]
    Malformed(#[source] JwsError),
    /// A token of another type.
    #[error("the token is not of type atproto-space-credential+jwt")]
    Type,
    /// The header names an algorithm that the protocol does not have.
    #[error("the space credential's algorithm is neither ES256K nor ES256")]
    Algorithm,
    /// The header names a key that does not sign credentials, or none.
    #[error("the space credential's key (kid) is neither #atproto_space nor #atproto")]
    KeyId,
    /// `jti` is empty or longer than any that is needed.
    #[error("the space credential's jti does not have 1 to 256 bytes")]
    TokenId,
    /// Past its `exp`.
    #[error("the space credential has expired (exp): get a new one")]
    Expired,
    /// `iat` lies in the future.
    #[error("the space credential is not valid yet (iat, nbf): is a clock wrong?")]
    Early,
    /// `iat` does not lie before `exp`.
    #[error("the space credential expires before it was issued")]
    Backwards,
    /// `exp` is too far from `iat`, or from now.
    #[error("the space credential lives longer than {0} s")]
    Lifetime(i64),
    /// `iss` is no bare DID.
    #[error("the space credential's issuer (iss) is not a bare DID")]
    IssuerForm(#[source] SyntaxError),
    /// Issued by somebody else than the authority of the space.
    #[error("the space credential's issuer (iss) is not the space authority")]
    Issuer,
    /// `sub` is no reference to a space.
    #[error("the space credential's subject (sub) is not a space")]
    Subject(#[source] SyntaxError),
    /// `cnf` does not name one key, or not in the form that goes with the scheme.
    #[error("the space credential is not bound to a key of this scheme (cnf)")]
    Confirmation,
    /// The issuer's DID cannot be resolved.
    #[error("the issuer of the space credential cannot be resolved")]
    Resolve(#[source] ResolveError),
    /// The issuer's document does not publish the key that the credential names.
    #[error("missing or bad key of {did}")]
    Key {
        /// The issuer.
        did: Did,
        /// What is wrong with its key.
        #[source]
        source: KeyLookupError,
    },
    /// Not signed by the issuer.
    #[error("the space credential is not signed by its issuer: {0}")]
    Signature(BadSignature),
    /// The request is not signed by the holder (October).
    #[error(transparent)]
    Request(SignatureError),
    /// The request is meant for somebody else (October).
    #[error("the request is for another audience (Atproto-Space-Audience)")]
    Audience,
    /// The proof that goes with it proves nothing (August).
    #[error(transparent)]
    Proof(ProofError),
    /// Its authority has revoked it.
    #[error("the space credential has been revoked: get a new one")]
    Revoked,
    /// Whether it was revoked is not known.
    #[error("the space credential cannot be checked now")]
    Revocations(#[source] RevocationError),
    /// For another space than the request.
    #[error("Credential is not scoped to this space")]
    Space,
}

impl CredentialError {
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

impl Refusal for CredentialError {
    fn status(&self) -> u16 {
        match self {
            Self::Scheme | Self::Space => 400,
            Self::Resolve(error) if error.is_transient() => 502,
            Self::Proof(error) => error.resource_status(),
            Self::Revocations(_) => 500,
            _ => 401,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Absent => "MissingJwt",
            Self::Scheme => "InvalidToken",
            Self::Repeated | Self::Request(_) => "BadSpaceSignature",
            Self::Malformed(_)
            | Self::Algorithm
            | Self::KeyId
            | Self::TokenId
            | Self::Early
            | Self::Backwards
            | Self::Lifetime(_) => "BadJwt",
            Self::Type => "BadJwtType",
            Self::Expired => "JwtExpired",
            Self::Subject(_) => "BadJwtSub",
            Self::Confirmation => "BadJwtCnf",
            Self::Resolve(error) if error.is_transient() => "UpstreamFailure",
            Self::IssuerForm(_) | Self::Issuer | Self::Resolve(_) => "BadJwtIss",
            Self::Key { .. } | Self::Signature(_) => "BadJwtSignature",
            Self::Audience => "BadSpaceAudience",
            Self::Proof(error) => error.space_name(),
            Self::Revoked => "CredentialRevoked",
            Self::Revocations(_) => "InternalServerError",
            Self::Space => "InvalidCredential",
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Malformed(error) => format!("{self}: {}", error.told()),
            Self::Resolve(error) => format!("{self}: {error}: {}", error.kind),
            Self::Key { source, .. } => format!("{self}: {source}"),
            Self::Proof(error) => error.told(),
            Self::Revocations(_) => INTERNAL.into(),
            _ => self.to_string(),
        }
    }

    fn challenge(&self) -> Option<String> {
        if self.status() != 401 {
            return None;
        }
        let error = [("error", self.name())];
        Some(match self {
            Self::Absent => challenge(SCHEME, &[]),
            Self::Proof(_) => challenge("DPoP", &[("algs", "ES256"), error[0]]),
            _ => challenge(SCHEME, &error),
        })
    }
}

impl From<ProofError> for CredentialError {
    fn from(error: ProofError) -> Self {
        Self::Proof(error)
    }
}

impl From<SignatureError> for CredentialError {
    fn from(error: SignatureError) -> Self {
        Self::Request(error)
    }
}
