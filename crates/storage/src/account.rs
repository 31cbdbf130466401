//! Accounts whose signing keys this server holds. What the bytes mean to a curve is not known here.

use jiff::Timestamp;
use loggia_syntax::Did;

use crate::column::{Reading, millis};
use crate::seal::Sealer;
use crate::sql::{self, Row};
use crate::{BadRow, KeySecret, Storage, StorageError, Write};

/// Where secrets of accounts are sealed.
const SECRET: &str = "account.secret";

/// An account whose signing key this server holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Who it is.
    pub did: Did,
    /// The public half of its key as a multikey (`z…`).
    pub public: String,
    /// The secret half.
    pub secret: KeySecret,
    /// Since when it is here.
    pub created_at: Timestamp,
}

/// The accounts of a store.
#[derive(Clone, Debug)]
pub struct Accounts {
    pub(crate) storage: Storage,
}

impl Accounts {
    /// Takes an account in; whether it was not here yet. Nothing changes if it was.
    pub async fn insert(&self, tx: &mut Write, account: &Account) -> Result<bool, StorageError> {
        let did = account.did.as_str();
        let sealer = &self.storage.inner.sealer;
        let secret = sealer.seal(SECRET, did.as_bytes(), account.secret.as_bytes());
        let inserted = sql::query(
            "INSERT INTO account (did, public, secret, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (did) DO NOTHING",
        )
        .bind(did)
        .bind(&account.public)
        .bind(secret)
        .bind(millis(account.created_at))
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("insert an account"))?;
        Ok(inserted == 1)
    }

    /// The account of this DID.
    pub async fn find(&self, did: &Did) -> Result<Option<Account>, StorageError> {
        let row = sql::query("SELECT * FROM account WHERE did = $1")
            .bind(did.as_str())
            .fetch_optional(self.storage.readers())
            .await
            .map_err(StorageError::doing("find an account"))?;
        let read = |row| self.read(row);
        Ok(row.as_ref().map(read).transpose()?)
    }

    /// At most `limit` accounts, by DID, from after this one on.
    pub async fn list(
        &self,
        after: Option<&Did>,
        limit: u32,
    ) -> Result<Vec<Account>, StorageError> {
        let rows = sql::query("SELECT * FROM account WHERE did > $1 ORDER BY did LIMIT $2")
            .bind(after.map_or("", Did::as_str))
            .bind(limit)
            .fetch_all(self.storage.readers())
            .await
            .map_err(StorageError::doing("list accounts"))?;
        Ok(rows
            .iter()
            .map(|row| self.read(row))
            .collect::<Result<_, _>>()?)
    }

    fn read(&self, row: &Row) -> Result<Account, BadRow> {
        let unnamed = Reading::new("account", "(unreadable)", row);
        let did = unnamed.parse("did", |text: &str| Did::new(text))?;
        let reading = Reading::new("account", &did, row);
        Ok(Account {
            public: reading.get("public")?,
            secret: open(&reading, &self.storage.inner.sealer, &did)?,
            created_at: reading.time("created_at")?,
            did,
        })
    }
}

fn open(reading: &Reading<'_>, sealer: &Sealer, did: &Did) -> Result<KeySecret, BadRow> {
    let sealed: &[u8] = reading.get("secret")?;
    let opened = sealer
        .open(SECRET, did.as_str().as_bytes(), sealed)
        .map_err(|error| reading.bad("secret", Some(error.into())))?;
    let bytes = <[u8; 32]>::try_from(&opened[..])
        .map_err(|error| reading.bad("secret", Some(error.into())))?;
    Ok(KeySecret::new(bytes))
}
