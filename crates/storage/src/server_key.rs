//! The server's own keys: one current key for each role, and those that it has replaced.
//!
//! What the bytes mean to a curve is not known here.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::column::{Reading, millis};
use crate::seal::Sealer;
use crate::sql::{self, Row};
use crate::{BadRow, Storage, StorageError, Write};

/// Where secrets of keys are sealed.
const SECRET: &str = "server_key.secret";

/// What one of the server's keys is for. A role has one current key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyRole {
    /// Signs service auth that this server mints; published as `#atproto`.
    Atproto,
    /// Signs as space authority; published as `#atproto_space`.
    AtprotoSpace,
    /// Signs access tokens of ours; published as a JWK.
    Tokens,
}

/// A text that names no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a role of a key: the roles are atproto, atproto_space and tokens")]
pub struct UnknownRole;

impl KeyRole {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Atproto, Self::AtprotoSpace, Self::Tokens];

    /// The role's name, as it is stored and typed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Atproto => "atproto",
            Self::AtprotoSpace => "atproto_space",
            Self::Tokens => "tokens",
        }
    }
}

impl FromStr for KeyRole {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        let mut roles = Self::ALL.into_iter();
        roles.find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

impl fmt::Display for KeyRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The 32 secret bytes of a key. Wiped from memory when dropped, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct KeySecret(Zeroizing<[u8; 32]>);

impl KeySecret {
    /// A secret of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret")
    }
}

/// A key on its way in.
#[derive(Clone, Debug)]
pub struct NewServerKey {
    /// What it is for.
    pub role: KeyRole,
    /// Its public half as a multikey (`z…`); no two keys share it.
    pub public: String,
    /// Its secret half.
    pub secret: KeySecret,
}

/// One of the server's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerKey {
    /// What it is for.
    pub role: KeyRole,
    /// Its public half as a multikey (`z…`).
    pub public: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether it signs.
    pub state: KeyState,
}

/// Whether a key signs. A retired key never does again: its secret is erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It signs for its role.
    Current(KeySecret),
    /// Another one has replaced it at this time.
    Retired(Timestamp),
}

/// The keys of a store.
#[derive(Clone, Debug)]
pub struct ServerKeys {
    pub(crate) storage: Storage,
}

impl ServerKeys {
    /// Every key, by role, the current one of each role last.
    pub async fn list(&self) -> Result<Vec<ServerKey>, StorageError> {
        let rows = sql::query(
            "SELECT * FROM server_key ORDER BY role, retired_at IS NULL, retired_at, public",
        )
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list the server's keys"))?;
        let sealer = &self.storage.inner.sealer;
        let keys = rows.iter().map(|row| read(row, sealer));
        Ok(keys.collect::<Result<_, BadRow>>()?)
    }

    /// Adds a key if its role has none; whether it had none. Of several that try at once, one adds.
    pub async fn insert_missing(
        &self,
        tx: &mut Write,
        key: &NewServerKey,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        hold(tx, key.role).await?;
        let row = key.public.as_bytes();
        let sealer = &self.storage.inner.sealer;
        let inserted = sql::query(
            "INSERT INTO server_key (public, role, secret, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (role) WHERE retired_at IS NULL DO NOTHING",
        )
        .bind(&key.public)
        .bind(key.role.as_str())
        .bind(sealer.seal(SECRET, row, key.secret.as_bytes()))
        .bind(millis(now))
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("insert a key of the server"))?;
        Ok(inserted == 1)
    }

    /// Puts a key in the place of its role's current one, whose secret is erased.
    pub async fn rotate(
        &self,
        tx: &mut Write,
        key: &NewServerKey,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        hold(tx, key.role).await?;
        sql::query(
            "UPDATE server_key SET secret = NULL, retired_at = $1
             WHERE role = $2 AND retired_at IS NULL",
        )
        .bind(millis(now))
        .bind(key.role.as_str())
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("retire a key of the server"))?;
        self.insert_missing(tx, key, now).await.map(drop)
    }

    /// Forgets at most `limit` keys that retired before a time; how many those were.
    pub async fn sweep(&self, before: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let sql = "DELETE FROM server_key WHERE public IN
                 (SELECT public FROM server_key WHERE retired_at < $1 LIMIT $2)";
        self.storage
            .forget(sql, before, limit, "forget retired keys")
            .await
    }
}

/// Which key of a role is current stays as it is until the transaction ends.
async fn hold(tx: &mut Write, role: KeyRole) -> Result<(), StorageError> {
    let name = format!("key for {}", role.as_str());
    tx.sql().hold(&name).await
}

fn read(row: &Row, sealer: &Sealer) -> Result<ServerKey, BadRow> {
    let public: String = Reading::new("server_key", "?", row).get("public")?;
    let reading = Reading::new("server_key", &public, row);
    Ok(ServerKey {
        role: reading.parse("role", str::parse::<KeyRole>)?,
        created_at: reading.time("created_at")?,
        state: read_state(&reading, sealer, &public)?,
        public,
    })
}

fn read_state(reading: &Reading<'_>, sealer: &Sealer, public: &str) -> Result<KeyState, BadRow> {
    let sealed = reading.get::<Option<&[u8]>>("secret")?;
    match (sealed, reading.maybe_time("retired_at")?) {
        (Some(sealed), None) => {
            let opened = sealer
                .open(SECRET, public.as_bytes(), sealed)
                .map_err(|error| reading.bad("secret", Some(error.into())))?;
            let bytes = <[u8; 32]>::try_from(&opened[..])
                .map_err(|error| reading.bad("secret", Some(error.into())))?;
            Ok(KeyState::Current(KeySecret::new(bytes)))
        }
        (None, Some(at)) => Ok(KeyState::Retired(at)),
        _ => Err(reading.bad("retired_at", None)),
    }
}
