//! What is kept, sealed, of a login that is under way and of an OAuth session.

use jiff::{SignedDuration, Timestamp};
use loggia_auth::SigningKey;
use loggia_auth::key::SigningError;
use loggia_syntax::{Did, Handle};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::LoginError;
use super::oauth::{AuthorizationServer, StoredKey, Tokens};
use super::secret_text::SecretText;

/// So long before it is over an access token is refreshed, so that none ends on its way.
const MARGIN: SignedDuration = SignedDuration::from_secs(30);

/// What the callback needs to know of the login that it ends.
#[derive(Deserialize, Serialize)]
pub struct Pending {
    /// Who the person said they are.
    pub did: Did,
    /// Their handle, if they gave it.
    pub handle: Option<Handle>,
    /// Their PDS.
    pub pds: String,
    /// Its authorization server.
    pub server: AuthorizationServer,
    /// The PKCE verifier.
    pub verifier: SecretText,
    /// The key that the tokens will be bound to.
    pub key: StoredKey,
    /// Where the person goes afterwards.
    pub return_to: String,
}

/// An OAuth session at a person's PDS.
#[derive(Deserialize, Serialize)]
pub struct Grant {
    /// The authorization server.
    pub issuer: String,
    /// The PDS.
    pub pds: String,
    /// What is allowed.
    pub scope: String,
    /// Goes with every call.
    pub access: SecretText,
    /// Brings the next pair.
    pub refresh: Option<SecretText>,
    /// When the access token is over.
    pub expires_at: Timestamp,
    key: StoredKey,
}

impl Grant {
    /// The session that tokens and their key make.
    pub fn new(tokens: Tokens, issuer: &str, pds: &str, key: StoredKey) -> Self {
        Self {
            issuer: issuer.to_owned(),
            pds: pds.to_owned(),
            scope: tokens.scope,
            access: tokens.access,
            refresh: tokens.refresh,
            expires_at: tokens.expires_at,
            key,
        }
    }

    /// The session after a refresh. A server that gives no new refresh token means the old one.
    #[must_use]
    pub fn renewed(self, tokens: Tokens) -> Self {
        Self {
            scope: tokens.scope,
            access: tokens.access,
            refresh: tokens.refresh.or(self.refresh),
            expires_at: tokens.expires_at,
            ..self
        }
    }

    /// The key that the tokens are bound to.
    ///
    /// # Errors
    /// It was damaged.
    pub fn key(&self) -> Result<SigningKey, SigningError> {
        self.key.read()
    }

    /// Whether the access token may still be used.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.expires_at
            .saturating_sub(MARGIN)
            .is_ok_and(|until| now < until)
    }

    /// What gives the whole session back.
    pub fn to_revoke(&self) -> &str {
        self.refresh.as_ref().unwrap_or(&self.access)
    }
}

/// The bytes that are sealed.
pub fn write(value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, LoginError> {
    serde_json::to_vec(value)
        .map(Zeroizing::new)
        .map_err(|_| LoginError::Stored)
}

/// Reads them back.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, LoginError> {
    serde_json::from_slice(bytes).map_err(|_| LoginError::Stored)
}
