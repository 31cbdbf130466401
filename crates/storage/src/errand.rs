//! Errands: what an event causes and cannot be finished without asking others.
//!
//! Written in the transaction of the cause, removed in the transaction of the effect. Each kind has at
//! most one errand for a subject: a newer one takes the place of the older. Whoever runs errands on
//! several nodes claims the kind first (see [`Claims`](crate::Claims)), or bears doing one twice.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use crate::column::{Reading, millis, millis_up};
use crate::sql::{self, Columns, Kind, Row, Rows};
use crate::{BadRow, Storage, StorageError, Write};

/// Bytes of an error that are kept.
const MOST_ERROR: usize = 500;

/// Something that is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// What kind of errand.
    pub kind: String,
    /// What it is about: the only errand of its kind about that.
    pub subject: String,
    /// What is needed for it: JSON.
    pub payload: String,
    /// Failed attempts since the newest payload.
    pub attempts: u32,
    /// When it was first wanted.
    pub created_at: Timestamp,
    /// Which payload this is.
    version: i64,
}

/// The errands of a store.
#[derive(Clone, Debug)]
pub struct Errands {
    pub(crate) storage: Storage,
}

const NEW: Columns = &[
    ("kind", Kind::Text),
    ("subject", Kind::Text),
    ("payload", Kind::Text),
    ("at", Kind::Integer),
];

impl Errands {
    /// Most errands of a kind that are open at a time. Whoever puts them looks at [`Errands::open`]
    /// now and then, and waits while there are so many.
    pub const MOST: u32 = 100_000;

    /// Wants something done, at once. What was wanted about the same subject before is replaced, and
    /// its failures are forgotten.
    pub async fn put(
        &self,
        tx: &mut Write,
        kind: &str,
        subject: &str,
        payload: &str,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        self.put_all(tx, kind, &[(subject, payload)], now).await
    }

    /// The same for several subjects with their payloads; of those named twice the last counts.
    pub async fn put_all(
        &self,
        tx: &mut Write,
        kind: &str,
        errands: &[(&str, &str)],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let last = errands.iter().copied().collect();
        self.write(tx, kind, last, "true", now).await
    }

    /// The same where of two payloads about one subject the greater text stays, in whatever order they
    /// come. What is less than what is wanted already changes nothing.
    pub async fn raise_all(
        &self,
        tx: &mut Write,
        kind: &str,
        errands: &[(&str, &str)],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let mut greatest: BTreeMap<&str, &str> = BTreeMap::new();
        for (subject, payload) in errands {
            let known = greatest.entry(subject).or_insert(payload);
            *known = (*known).max(payload);
        }
        let is_greater = "errand.payload <= excluded.payload";
        self.write(tx, kind, greatest, is_greater, now).await
    }

    /// Puts errands in one order, so that no two who put the same ones wait for each other; in the place
    /// of those that there are where the condition holds.
    async fn write(
        &self,
        tx: &mut Write,
        kind: &str,
        errands: BTreeMap<&str, &str>,
        condition: &'static str,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let mut rows = Rows::new(NEW);
        for (subject, payload) in errands {
            rows.push([
                kind.into(),
                subject.into(),
                payload.into(),
                millis(now).into(),
            ]);
        }
        let text = format!(
            "INSERT INTO errand (kind, subject, payload, version, due_at, attempts, created_at)
             SELECT r.kind, r.subject, r.payload, 1, r.at, 0, r.at FROM r WHERE true
             ON CONFLICT (kind, subject) DO UPDATE
             SET payload = excluded.payload, version = errand.version + 1,
                 due_at = excluded.due_at, attempts = 0, last_error = NULL
             WHERE {condition}"
        );
        rows.execute(tx.sql(), &text)
            .await
            .map(drop)
            .map_err(StorageError::doing("put errands"))
    }

    /// Errands of a kind that are due, those due first first and at most so many.
    pub async fn due(
        &self,
        kind: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Errand>, StorageError> {
        self.due_besides(kind, &[], now, limit).await
    }

    /// The same without those whose subjects end with one of a few texts.
    pub async fn due_besides(
        &self,
        kind: &str,
        ends: &[String],
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Errand>, StorageError> {
        let mut text = "SELECT * FROM errand WHERE kind = $1 AND due_at <= $2".to_owned();
        for number in 4..4 + ends.len() {
            // From before its beginning, a subject that is too short has no end that is as long.
            text.push_str(&format!(
                " AND substr(subject, length(subject) - length(${number}) + 1) <> ${number}"
            ));
        }
        text.push_str(" ORDER BY due_at LIMIT $3");
        let mut query = sql::query(AssertSqlSafe(text))
            .bind(kind)
            .bind(millis(now))
            .bind(limit);
        for end in ends {
            query = query.bind(end.as_str());
        }
        let rows = query
            .fetch_all(self.storage.readers())
            .await
            .map_err(StorageError::doing("look for errands"))?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// When the next errand of a kind is due, if there is one.
    pub async fn next_due(&self, kind: &str) -> Result<Option<Timestamp>, StorageError> {
        let row = sql::query("SELECT min(due_at) AS due_at FROM errand WHERE kind = $1")
            .bind(kind)
            .fetch_one(self.storage.readers())
            .await
            .map_err(StorageError::doing("look for the next errand"))?;
        Ok(Reading::new("errand", kind, &row).maybe_time("due_at")?)
    }

    /// How many errands of a kind are open, up to [`Errands::MOST`].
    pub async fn open(&self, kind: &str) -> Result<u32, StorageError> {
        let row = sql::query(
            "SELECT count(*) AS open FROM
                 (SELECT 1 AS one FROM errand WHERE kind = $1 LIMIT $2) counted",
        )
        .bind(kind)
        .bind(Self::MOST)
        .fetch_one(self.storage.readers())
        .await
        .map_err(StorageError::doing("count errands"))?;
        Ok(Reading::new("errand", kind, &row).count("open")?)
    }

    /// An attempt has failed: the next one is due at the given time. Unless a newer payload has come
    /// meanwhile, which is due already.
    pub async fn postpone(
        &self,
        errand: &Errand,
        until: Timestamp,
        error: &str,
    ) -> Result<(), StorageError> {
        let mut tx = self.storage.begin().await?;
        sql::query(
            "UPDATE errand SET due_at = $1, attempts = attempts + 1, last_error = $2
             WHERE kind = $3 AND subject = $4 AND version = $5",
        )
        .bind(millis_up(until))
        .bind(shortened(error))
        .bind(&errand.kind)
        .bind(&errand.subject)
        .bind(errand.version)
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("postpone an errand"))?;
        tx.commit().await
    }

    /// It was not attempted, for it is not its turn: that comes at the given time, unless a newer payload
    /// has come meanwhile.
    pub async fn defer(&self, errand: &Errand, until: Timestamp) -> Result<(), StorageError> {
        let mut tx = self.storage.begin().await?;
        sql::query(
            "UPDATE errand SET due_at = $1 WHERE kind = $2 AND subject = $3 AND version = $4",
        )
        .bind(millis_up(until))
        .bind(&errand.kind)
        .bind(&errand.subject)
        .bind(errand.version)
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("defer an errand"))?;
        tx.commit().await
    }

    /// It is done: whether it still was what is wanted. If not, a newer payload has come or another
    /// was quicker, and the transaction is better undone.
    pub async fn done(&self, tx: &mut Write, errand: &Errand) -> Result<bool, StorageError> {
        let done =
            sql::query("DELETE FROM errand WHERE kind = $1 AND subject = $2 AND version = $3")
                .bind(&errand.kind)
                .bind(&errand.subject)
                .bind(errand.version)
                .execute(tx.sql())
                .await
                .map_err(StorageError::doing("finish an errand"))?;
        Ok(done == 1)
    }

    /// Why an errand about this failed last, if it did.
    pub async fn last_error(
        &self,
        kind: &str,
        subject: &str,
    ) -> Result<Option<String>, StorageError> {
        let row = sql::query("SELECT last_error FROM errand WHERE kind = $1 AND subject = $2")
            .bind(kind)
            .bind(subject)
            .fetch_optional(self.storage.readers())
            .await
            .map_err(StorageError::doing("look at an errand"))?;
        let Some(row) = row else { return Ok(None) };
        Ok(Reading::new("errand", subject, &row).get("last_error")?)
    }
}

fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(MOST_ERROR)]
}

fn read(row: &Row) -> Result<Errand, BadRow> {
    let unnamed = Reading::new("errand", "(unreadable)", row);
    let subject: String = unnamed.get("subject")?;
    let reading = Reading::new("errand", &subject, row);
    Ok(Errand {
        kind: reading.get("kind")?,
        payload: reading.get("payload")?,
        attempts: reading.count("attempts")?,
        created_at: reading.time("created_at")?,
        version: reading.get("version")?,
        subject,
    })
}
