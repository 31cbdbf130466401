//! The server's own keys: made when they are missing, rotated, and held by a running server.

mod keyring;

use jiff::{SignedDuration, Timestamp};
use loggia_auth::key::SigningError;
use loggia_auth::{PublicKey, SigningKey};
use loggia_identity::{KeyError, Multikey};
use loggia_storage::{KeySecret, KeyState, NewServerKey, ServerKey, Storage, StorageError};

pub use keyring::Keyring;
pub use loggia_storage::KeyRole;

use crate::chance;

/// Seconds that an access token of ours lives. Ten minutes: there is no way to take one back.
pub const TOKEN_LIFETIME: i64 = 600;

/// How long a token key verifies after it retired: as long as the last of its tokens lives, and a
/// minute for other nodes to notice and for clocks to differ.
const VERIFIES: SignedDuration = SignedDuration::from_secs(TOKEN_LIFETIME + 60);

/// Why there are no usable keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The store failed.
    #[error("the server's keys cannot be read or written")]
    Storage(#[from] StorageError),
    /// No key could be made.
    #[error("a new key cannot be made")]
    Make(#[source] SigningError),
    /// The public half in the store is no key.
    #[error("the {role} key {public} cannot be read")]
    Public {
        /// Its role.
        role: KeyRole,
        /// Its text.
        public: String,
        /// What is wrong with it.
        #[source]
        source: KeyError,
    },
    /// The two halves in the store are not of one key.
    #[error("the secret of the {role} key {public} is not its own")]
    Secret {
        /// Its role.
        role: KeyRole,
        /// Its public half.
        public: String,
        /// What is wrong with it, if the engine says.
        #[source]
        source: Option<SigningError>,
    },
    /// There is none of this role.
    #[error("there is no {0} key: `loggia keys init` makes it")]
    Missing(KeyRole),
}

/// The keys that sign now, and those whose tokens may still be alive.
#[derive(Debug)]
pub struct Keys {
    /// Signs service auth that this server mints.
    pub atproto: SigningKey,
    /// Signs as space authority.
    pub atproto_space: SigningKey,
    /// Signs access tokens.
    pub tokens: SigningKey,
    /// Token keys of before, and when they retired.
    retired: Vec<(PublicKey, Timestamp)>,
}

impl Keys {
    /// Reads the keys of a store.
    ///
    /// # Errors
    /// The store fails, or does not hold one usable key for each role.
    pub async fn read(storage: &Storage) -> Result<Self, KeysError> {
        let stored = storage.server_keys().list().await?;
        let retired = stored
            .iter()
            .filter(|key| key.role == KeyRole::Tokens)
            .filter_map(|key| match key.state {
                KeyState::Retired(at) => Some((key, at)),
                KeyState::Current(_) => None,
            });
        Ok(Self {
            atproto: current(&stored, KeyRole::Atproto)?,
            atproto_space: current(&stored, KeyRole::AtprotoSpace)?,
            tokens: current(&stored, KeyRole::Tokens)?,
            retired: retired
                .map(|(key, at)| Ok((public(key)?, at)))
                .collect::<Result<_, KeysError>>()?,
        })
    }

    /// The keys that verify access tokens at this time, the one that signs first.
    pub fn verifying_tokens(&self, now: Timestamp) -> impl Iterator<Item = &PublicKey> {
        let alive = move |at: Timestamp| now.duration_since(at) < VERIFIES;
        let retired = self.retired.iter();
        let retired = retired.filter_map(move |(key, at)| alive(*at).then_some(key));
        std::iter::once(self.tokens.public()).chain(retired)
    }
}

/// Makes a key for each role that has none, in one transaction; the roles that had none.
///
/// # Errors
/// The store fails, or the system gives no randomness.
pub async fn make_missing(storage: &Storage, now: Timestamp) -> Result<Vec<KeyRole>, KeysError> {
    // Before the transaction, so that nobody waits for it: at most three keys are made in vain.
    let new = KeyRole::ALL
        .into_iter()
        .map(make)
        .collect::<Result<Vec<_>, _>>()?;
    let keys = storage.server_keys();
    let mut tx = storage.begin().await?;
    let mut made = Vec::new();
    for key in &new {
        if keys.insert_missing(&mut tx, key, now).await? {
            made.push(key.role);
        }
    }
    tx.commit().await?;
    Ok(made)
}

/// Puts a new key in the place of a role's current one; its `did:key`.
///
/// # Errors
/// The store fails, or the system gives no randomness.
pub async fn rotate(storage: &Storage, role: KeyRole, now: Timestamp) -> Result<String, KeysError> {
    let key = make(role)?;
    let mut tx = storage.begin().await?;
    storage.server_keys().rotate(&mut tx, &key, now).await?;
    tx.commit().await?;
    Ok(format!("did:key:{}", key.public))
}

/// A new key. The curve follows from the role: K-256 where the network verifies, as accounts have it,
/// and P-256 for what OAuth libraries verify.
fn make(role: KeyRole) -> Result<NewServerKey, KeysError> {
    let key = match role {
        KeyRole::Atproto | KeyRole::AtprotoSpace => SigningKey::k256(chance::bytes()),
        KeyRole::Tokens => SigningKey::generate_p256(),
    };
    let key = key.map_err(KeysError::Make)?;
    Ok(NewServerKey {
        role,
        public: key.public().multikey().to_multibase(),
        secret: KeySecret::new(**key.secret()),
    })
}

fn current(stored: &[ServerKey], role: KeyRole) -> Result<SigningKey, KeysError> {
    let found = stored.iter().find_map(|key| match &key.state {
        KeyState::Current(secret) if key.role == role => Some((key, secret)),
        KeyState::Current(_) | KeyState::Retired(_) => None,
    });
    let (stored, secret) = found.ok_or(KeysError::Missing(role))?;
    let public = public(stored)?;
    let foreign = |source| KeysError::Secret {
        role,
        public: stored.public.clone(),
        source,
    };
    let secret = *secret.as_bytes();
    let key = match role {
        KeyRole::Atproto | KeyRole::AtprotoSpace => SigningKey::k256(secret),
        KeyRole::Tokens => SigningKey::p256(secret, public.multikey()),
    };
    let key = key.map_err(|error| foreign(Some(error)))?;
    if *key.public() == public {
        Ok(key)
    } else {
        Err(foreign(None))
    }
}

fn public(stored: &ServerKey) -> Result<PublicKey, KeysError> {
    Multikey::from_multibase(&stored.public)
        .and_then(PublicKey::new)
        .map_err(|source| KeysError::Public {
            role: stored.role,
            public: stored.public.clone(),
            source,
        })
}
