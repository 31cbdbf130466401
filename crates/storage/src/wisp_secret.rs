//! Signing secrets that Wisp's webhooks name in the place of one in a public record.

use jiff::Timestamp;
use loggia_delivery::{Secret, sortable_id};
use loggia_syntax::Did;

use crate::column::{Reading, millis};
use crate::sql::{self, Row};
use crate::{BadRow, Storage, StorageError, Write};

const TOKEN: &str = "wisp_secret.token";

sortable_id! {
    /// Which secret.
    WispSecretId
}

/// A secret on its way in.
#[derive(Clone, Debug)]
pub struct NewWispSecret {
    /// Which secret.
    pub id: WispSecretId,
    /// Whose it is.
    pub owner: Did,
    /// What their webhooks call it.
    pub name: String,
    /// The secret itself.
    pub token: Secret,
}

/// What may be known of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WispSecret {
    /// What its owner's webhooks call it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last replaced, if ever.
    pub rotated_at: Option<Timestamp>,
}

/// What became of a new secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WispSecretInserted {
    /// It is kept.
    Done,
    /// Its owner has one of this name.
    Duplicate,
    /// Its owner has as many as may be.
    TooMany,
}

/// The secrets of a store.
#[derive(Clone, Debug)]
pub struct WispSecrets {
    pub(crate) storage: Storage,
}

impl WispSecrets {
    /// Keeps a secret, unless its owner has one of its name or `most` of them.
    pub async fn insert(
        &self,
        tx: &mut Write,
        new: &NewWispSecret,
        most: u32,
        now: Timestamp,
    ) -> Result<WispSecretInserted, StorageError> {
        self.hold(tx, &new.owner).await?;
        let kept: i64 = sql::query_scalar("SELECT count(*) FROM wisp_secret WHERE owner = $1")
            .bind(new.owner.as_str())
            .fetch_one(tx.sql())
            .await
            .map_err(StorageError::doing("count secrets"))?;
        if self.find(tx, &new.owner, &new.name).await?.is_some() {
            return Ok(WispSecretInserted::Duplicate);
        }
        if kept >= i64::from(most) {
            return Ok(WispSecretInserted::TooMany);
        }
        sql::query(
            "INSERT INTO wisp_secret (id, owner, name, token, created_at)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&new.id.as_bytes()[..])
        .bind(new.owner.as_str())
        .bind(&new.name)
        .bind(self.seal(new.id, &new.token))
        .bind(millis(now))
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("insert a secret"))?;
        Ok(WispSecretInserted::Done)
    }

    /// The secret of this name, to sign with. One that cannot be read is an error: nothing goes out
    /// unsigned because of it.
    pub async fn find_within(
        &self,
        tx: &mut Write,
        owner: &Did,
        name: &str,
    ) -> Result<Option<Secret>, StorageError> {
        self.hold(tx, owner).await?;
        let row = sql::query("SELECT id, token FROM wisp_secret WHERE owner = $1 AND name = $2")
            .bind(owner.as_str())
            .bind(name)
            .fetch_optional(tx.sql())
            .await
            .map_err(StorageError::doing("find a secret"))?;
        Ok(row.map(|row| self.read_token(&row)).transpose()?)
    }

    /// All of an owner's, by name.
    pub async fn list(&self, owner: &Did) -> Result<Vec<WispSecret>, StorageError> {
        let rows = sql::query(
            "SELECT name, created_at, rotated_at FROM wisp_secret WHERE owner = $1 ORDER BY name",
        )
        .bind(owner.as_str())
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list secrets"))?;
        let read = |row| {
            let reading = Reading::new("wisp_secret", "(listed)", row);
            Ok::<_, BadRow>(WispSecret {
                name: reading.get("name")?,
                created_at: reading.time("created_at")?,
                rotated_at: reading.maybe_time("rotated_at")?,
            })
        };
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// Puts another token in the place of the one of this name; whether there was one.
    pub async fn rotate(
        &self,
        tx: &mut Write,
        owner: &Did,
        name: &str,
        token: &Secret,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        self.hold(tx, owner).await?;
        let Some(id) = self.find(tx, owner, name).await? else {
            return Ok(false);
        };
        sql::query("UPDATE wisp_secret SET token = $1, rotated_at = $2 WHERE id = $3")
            .bind(self.seal(id, token))
            .bind(millis(now))
            .bind(&id.as_bytes()[..])
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("rotate a secret"))?;
        Ok(true)
    }

    /// Forgets the secret of this name; whether there was one.
    pub async fn delete(
        &self,
        tx: &mut Write,
        owner: &Did,
        name: &str,
    ) -> Result<bool, StorageError> {
        self.hold(tx, owner).await?;
        let deleted = sql::query("DELETE FROM wisp_secret WHERE owner = $1 AND name = $2")
            .bind(owner.as_str())
            .bind(name)
            .execute(tx.sql())
            .await
            .map_err(StorageError::doing("delete a secret"))?;
        Ok(deleted == 1)
    }

    async fn find(
        &self,
        tx: &mut Write,
        owner: &Did,
        name: &str,
    ) -> Result<Option<WispSecretId>, StorageError> {
        let row = sql::query("SELECT id FROM wisp_secret WHERE owner = $1 AND name = $2")
            .bind(owner.as_str())
            .bind(name)
            .fetch_optional(tx.sql())
            .await
            .map_err(StorageError::doing("find a secret"))?;
        Ok(row.as_ref().map(id).transpose()?)
    }

    fn seal(&self, id: WispSecretId, token: &Secret) -> Vec<u8> {
        let sealer = &self.storage.inner.sealer;
        sealer.seal(TOKEN, id.as_bytes(), token.to_stored().as_bytes())
    }

    fn read_token(&self, row: &Row) -> Result<Secret, BadRow> {
        let id = id(row)?;
        let reading = Reading::new("wisp_secret", id, row);
        let sealed: &[u8] = reading.get("token")?;
        let opened = self.storage.inner.sealer.open(TOKEN, id.as_bytes(), sealed);
        let opened = opened.map_err(|error| reading.bad("token", Some(error.into())))?;
        Secret::from_stored(&opened).map_err(|error| reading.bad("token", Some(error.into())))
    }

    /// Which secrets an owner has, and what they are, stays as it is until the transaction ends: a
    /// webhook is given the one that holds when both are committed.
    async fn hold(&self, tx: &mut Write, owner: &Did) -> Result<(), StorageError> {
        tx.sql().hold(&format!("Wisp secrets of {owner}")).await
    }
}

fn id(row: &Row) -> Result<WispSecretId, BadRow> {
    Reading::new("wisp_secret", "(unreadable)", row).parse("id", WispSecretId::from_slice)
}
