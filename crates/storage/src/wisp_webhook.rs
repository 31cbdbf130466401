//! Wisp's webhooks: what `place.wisp.v2.wh` records say, as they were last read from the repositories
//! of their owners.
//!
//! Every change has a number, so that whoever keeps them in memory hears of each once, on any node.

mod row;

use jiff::Timestamp;
use loggia_delivery::EndpointId;
use loggia_syntax::{Did, RecordKey};

use crate::column::millis;
use crate::sql::{self, Columns, Connection, Kind, Rows};
use crate::{Storage, StorageError, Write};

/// A webhook as it was last read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WispWebhook {
    /// In whose repository the record is.
    pub owner: Did,
    /// The record's key.
    pub rkey: RecordKey,
    /// Where it is delivered; its own endpoint, or none if it never was to be told. A webhook that was
    /// removed gets another should it come back.
    pub endpoint: Option<EndpointId>,
    /// Whether it is told.
    pub state: WispState,
    /// Whether its owner's account is away for now: nothing is told until it is back.
    pub paused: bool,
    /// What it watches: `at://did[/collection[/rkey]]`. Empty if it never could be read.
    pub scope: String,
    /// Whether it watches what refers to that as well.
    pub backlinks: bool,
    /// The actions that it is told of; empty for all.
    pub actions: Vec<String>,
    /// The name of the secret that it is signed with, if it has one that is kept here.
    pub secret_id: Option<String>,
    /// The record's hash; none if it is gone.
    pub cid: Option<String>,
    /// The revision of the newest change of the record that was seen on a stream; empty if none was.
    pub rev: String,
}

/// Whether a webhook is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WispState {
    /// It is.
    Active,
    /// Its owner has switched it off.
    Disabled,
    /// It is not, for a reason that its owner can read.
    Refused {
        /// What kind of reason.
        kind: WispRefusal,
        /// In words.
        reason: String,
    },
    /// The record is gone; what is left says so until no old news of it can come any more.
    Removed,
}

/// Why a webhook is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WispRefusal {
    /// The record is not one that could be used.
    Invalid,
    /// Its owner, or all owners together, have as many as may be.
    Limit,
    /// The secret that it names does not exist.
    NoSecret,
}

/// How many active webhooks there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WispCaps {
    /// Of one owner.
    pub per_owner: u32,
    /// Of all.
    pub in_all: u32,
}

/// A webhook with the number of its last change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WispChange {
    /// The number.
    pub seq: i64,
    /// The webhook as it is since then; none if its row cannot be read, which is logged.
    pub webhook: Option<WispWebhook>,
}

/// Wisp's webhooks in a store.
#[derive(Clone, Debug)]
pub struct WispWebhooks {
    pub(crate) storage: Storage,
}

/// Accounts, as a table.
const ACCOUNTS: Columns = &[("owner", Kind::Text)];

impl WispWebhooks {
    /// Most webhooks of one owner that are kept, whatever their state: an account may write as many
    /// records as it likes.
    pub const MOST_OF_OWNER: u32 = 1000;
    /// Most that are kept of all owners, whatever their state.
    pub const MOST: u32 = 100_000;

    /// The webhook, if anything is known of it.
    pub async fn find(
        &self,
        tx: &mut Write,
        owner: &Did,
        rkey: &RecordKey,
    ) -> Result<Option<WispWebhook>, StorageError> {
        let row = sql::query("SELECT * FROM wisp_webhook WHERE owner = $1 AND rkey = $2")
            .bind(owner.as_str())
            .bind(rkey.as_str())
            .fetch_optional(tx.sql())
            .await
            .map_err(StorageError::doing("find a Wisp webhook"))?;
        Ok(row.as_ref().map(row::read).transpose()?)
    }

    /// Keeps what is known of a webhook now. The engine's handle is told of its endpoint after the
    /// commit, whoever changed that.
    pub async fn put(
        &self,
        tx: &mut Write,
        webhook: &WispWebhook,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let seq = next_seq(tx.sql()).await?;
        row::put(tx.sql(), webhook, seq, now).await
    }

    /// Why there is no room for one more active webhook, if there is none; not counting this one.
    /// The count stays as it is until the transaction ends.
    pub async fn full(
        &self,
        tx: &mut Write,
        owner: &Did,
        rkey: &RecordKey,
        caps: &WispCaps,
    ) -> Result<Option<String>, StorageError> {
        hold(tx.sql()).await?;
        let row = sql::query(
            "SELECT count(*), count(CASE WHEN owner = $1 THEN 1 END) FROM wisp_webhook
             WHERE state = 'active' AND paused = 0 AND NOT (owner = $1 AND rkey = $2)",
        )
        .bind(owner.as_str())
        .bind(rkey.as_str())
        .fetch_one(tx.sql())
        .await
        .and_then(|row| Ok((row.get(0)?, row.get(1)?)));
        let (all, own): (i64, i64) = row.map_err(StorageError::doing("count Wisp webhooks"))?;
        Ok(if own >= i64::from(caps.per_owner) {
            let most = caps.per_owner;
            Some(format!("this account has {most} active webhooks already"))
        } else if all >= i64::from(caps.in_all) {
            Some("this server has as many active webhooks as it may have".to_owned())
        } else {
            None
        })
    }

    /// Whether there is room for keeping one more webhook, in whatever state.
    pub async fn can_keep(&self, tx: &mut Write, owner: &Did) -> Result<bool, StorageError> {
        hold(tx.sql()).await?;
        let row =
            sql::query("SELECT count(*), count(CASE WHEN owner = $1 THEN 1 END) FROM wisp_webhook")
                .bind(owner.as_str())
                .fetch_one(tx.sql())
                .await
                .and_then(|row| Ok((row.get(0)?, row.get(1)?)));
        let (all, own): (i64, i64) = row.map_err(StorageError::doing("count Wisp webhooks"))?;
        Ok(all < i64::from(Self::MOST) && own < i64::from(Self::MOST_OF_OWNER))
    }

    /// Everything known of an owner's webhooks but for those that are removed.
    pub async fn list(&self, owner: &Did) -> Result<Vec<WispWebhook>, StorageError> {
        let rows = sql::query(
            "SELECT * FROM wisp_webhook WHERE owner = $1 AND state <> 'removed'
             ORDER BY rkey LIMIT $2",
        )
        .bind(owner.as_str())
        .bind(Self::MOST_OF_OWNER)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list Wisp webhooks"))?;
        Ok(rows.iter().filter_map(row::readable).collect())
    }

    /// The same within a transaction.
    pub async fn list_within(
        &self,
        tx: &mut Write,
        owner: &Did,
    ) -> Result<Vec<WispWebhook>, StorageError> {
        let rows = sql::query(
            "SELECT * FROM wisp_webhook WHERE owner = $1 AND state <> 'removed'
             ORDER BY rkey LIMIT $2",
        )
        .bind(owner.as_str())
        .bind(Self::MOST_OF_OWNER)
        .fetch_all(tx.sql())
        .await
        .map_err(StorageError::doing("list Wisp webhooks"))?;
        Ok(rows.iter().filter_map(row::readable).collect())
    }

    /// An owner's webhooks that are signed with the secret of this name, whatever their state.
    pub async fn signed_with(
        &self,
        tx: &mut Write,
        owner: &Did,
        secret_id: &str,
    ) -> Result<Vec<WispWebhook>, StorageError> {
        let rows = sql::query(
            "SELECT * FROM wisp_webhook
             WHERE owner = $1 AND secret_id = $2 AND state <> 'removed' ORDER BY rkey LIMIT $3",
        )
        .bind(owner.as_str())
        .bind(secret_id)
        .bind(Self::MOST_OF_OWNER)
        .fetch_all(tx.sql())
        .await
        .map_err(StorageError::doing("list the webhooks of a secret"))?;
        Ok(rows.iter().filter_map(row::readable).collect())
    }

    /// What has changed after the change of this number, oldest change first and at most so many:
    /// from 0 on, everything that is known. Within a transaction, so that what it writes fits what
    /// is known then.
    pub async fn changed(
        &self,
        tx: &mut Write,
        after: i64,
        limit: u32,
    ) -> Result<Vec<WispChange>, StorageError> {
        let rows = sql::query("SELECT * FROM wisp_webhook WHERE seq > $1 ORDER BY seq LIMIT $2")
            .bind(after)
            .bind(limit)
            .fetch_all(tx.sql())
            .await
            .map_err(StorageError::doing("look for changed Wisp webhooks"))?;
        Ok(rows.iter().map(row::change).collect::<Result<_, _>>()?)
    }

    /// Which of these webhooks have seen this revision of their repository, or a later one.
    pub async fn has_seen(
        &self,
        tx: &mut Write,
        owner: &Did,
        rkey: &RecordKey,
        rev: &str,
    ) -> Result<bool, StorageError> {
        let seen: Option<i64> = sql::query_scalar(
            "SELECT 1 FROM wisp_webhook WHERE owner = $1 AND rkey = $2 AND rev >= $3",
        )
        .bind(owner.as_str())
        .bind(rkey.as_str())
        .bind(rev)
        .fetch_optional(tx.sql())
        .await
        .map_err(StorageError::doing("look at a Wisp webhook"))?;
        Ok(seen.is_some())
    }

    /// The record key of the webhook that this endpoint stands for, if it stands for one.
    pub async fn rkey_of(&self, endpoint: EndpointId) -> Result<Option<String>, StorageError> {
        sql::query_scalar("SELECT rkey FROM wisp_webhook WHERE endpoint = $1")
            .bind(&endpoint.as_bytes()[..])
            .fetch_optional(self.storage.readers())
            .await
            .map_err(StorageError::doing("look whose endpoint it is"))
    }

    /// Which of these accounts have webhooks.
    pub async fn owners_among(
        &self,
        tx: &mut Write,
        accounts: &[&Did],
    ) -> Result<Vec<Did>, StorageError> {
        let mut wanted = Rows::new(ACCOUNTS);
        for account in accounts {
            wanted.push([account.as_str().into()]);
        }
        let rows = wanted
            .fetch_all(
                tx.sql(),
                "SELECT r.owner FROM r WHERE EXISTS
                     (SELECT 1 FROM wisp_webhook w
                      WHERE w.owner = r.owner AND w.state <> 'removed')",
            )
            .await
            .map_err(StorageError::doing("look for accounts' webhooks"))?;
        Ok(rows.iter().map(row::owner).collect::<Result<_, _>>()?)
    }

    /// Accounts that have or may have webhooks: those whose webhooks are known, and those that are
    /// logged in. In order, after the one given, at most so many.
    pub async fn known_owners(
        &self,
        after: Option<&Did>,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Did>, StorageError> {
        let rows = sql::query(
            "SELECT owner FROM
                 (SELECT owner FROM wisp_webhook WHERE owner > $1
                  UNION SELECT did AS owner FROM login_session WHERE did > $1 AND expires_at > $2)
                 known
             ORDER BY owner LIMIT $3",
        )
        .bind(after.map_or("", Did::as_str))
        .bind(millis(now))
        .bind(limit)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list owners of Wisp webhooks"))?;
        Ok(rows.iter().map(row::owner).collect::<Result<_, _>>()?)
    }

    /// Forgets at most `limit` webhooks that were removed long enough ago; how many those were.
    pub async fn sweep(&self, removed_before: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let sql = "DELETE FROM wisp_webhook WHERE (owner, rkey) IN
                 (SELECT owner, rkey FROM wisp_webhook
                  WHERE state = 'removed' AND updated_at <= $1 ORDER BY updated_at LIMIT $2)";
        self.storage
            .forget(sql, removed_before, limit, "forget removed Wisp webhooks")
            .await
    }
}

/// How many there are stays as it is until the transaction ends.
async fn hold(connection: &mut Connection) -> Result<(), StorageError> {
    connection.hold("Wisp webhooks").await
}

/// The number of the next change. Nobody else gets one before the transaction ends, so that whoever
/// sees a number has seen all before it.
async fn next_seq(connection: &mut Connection) -> Result<i64, StorageError> {
    sql::query_scalar("UPDATE wisp_change SET seq = seq + 1 RETURNING seq")
        .fetch_one(connection)
        .await
        .map_err(StorageError::doing("number a change of a Wisp webhook"))
}
