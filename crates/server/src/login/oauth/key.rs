//! P-256 keys of the client: kept beside tokens, named by their thumbprint.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use loggia_auth::key::SigningError;
use loggia_auth::{Jwk, SigningKey};
use loggia_identity::Multikey;
use serde::{Deserialize, Serialize};

use crate::login::secret_text::SecretText;

/// A P-256 key as it is written beside what it belongs to; sealed with it.
#[derive(Clone, Deserialize, Serialize)]
pub struct StoredKey {
    /// The secret, 32 bytes in base64url.
    secret: SecretText,
    /// The public half as a multikey.
    public: String,
}

impl StoredKey {
    /// Writes a key down.
    pub fn of(key: &SigningKey) -> Self {
        Self {
            secret: SecretText::new(URL_SAFE_NO_PAD.encode(&key.secret()[..])),
            public: key.public().multikey().to_multibase(),
        }
    }

    /// Reads it back.
    ///
    /// # Errors
    /// [`SigningError::Mismatch`] if what is written is no key.
    pub fn read(&self) -> Result<SigningKey, SigningError> {
        let public = Multikey::from_multibase(&self.public).map_err(|_| SigningError::Mismatch)?;
        let secret = URL_SAFE_NO_PAD.decode(&*self.secret).ok();
        let secret = secret.and_then(|bytes| bytes.try_into().ok());
        SigningKey::p256(secret.ok_or(SigningError::Mismatch)?, &public)
    }
}

/// The name of a key of ours: SHA-256 over its JWK, in base64url (RFC 7638).
pub fn thumbprint(key: &SigningKey) -> String {
    Jwk::new(*key.public().multikey()).thumbprint()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_written_and_read_back() {
        let key = SigningKey::generate_p256().expect("a key");
        let text = serde_json::to_string(&StoredKey::of(&key)).expect("written");
        let stored: StoredKey = serde_json::from_str(&text).expect("read");
        let again = stored.read().expect("a key");
        assert_eq!(again.public(), key.public());
        assert_eq!(thumbprint(&again), thumbprint(&key));
        let damaged = StoredKey {
            secret: stored.secret,
            public: "zNothing".to_owned(),
        };
        assert!(damaged.read().is_err());
    }
}
