//! Folding: what a batch of events makes of a projection, written in one transaction.

use jiff::Timestamp;

use crate::column::{Reading, millis};
use crate::sql::{self, Columns, Kind, Rows};
use crate::{Parked, Projection, ProjectionId, Projections, StorageError, Write};

/// A state of a projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptState {
    /// What it is the state of.
    pub key: String,
    /// How far it has come.
    pub version: i64,
    /// The state, JSON.
    pub state: String,
}

/// A notification that a fold makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNotice {
    /// Its number.
    pub sequence: i64,
    /// The envelope, JSON.
    pub body: String,
}

/// What a batch of events makes of a projection.
#[derive(Clone, Debug)]
pub struct Fold {
    /// The position of the last event that is folded by it.
    pub cursor: i64,
    /// States that are new or not what they were.
    pub states: Vec<KeptState>,
    /// The notifications of it, with the numbers after the projection's last one.
    pub notices: Vec<NewNotice>,
    /// The event that cannot be folded, if the batch ends before one.
    pub parked: Option<Parked>,
}

/// What became of a fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Folded {
    /// It is written.
    Done,
    /// Nothing was: meanwhile somebody else has folded, or its owner has changed the projection.
    Lost,
}

const KEYS: Columns = &[
    ("projection", Kind::Blob),
    ("generation", Kind::Integer),
    ("key", Kind::Text),
];

const STATES: Columns = &[
    ("projection", Kind::Blob),
    ("generation", Kind::Integer),
    ("key", Kind::Text),
    ("version", Kind::Integer),
    ("state", Kind::Text),
];

const NOTICES: Columns = &[
    ("projection", Kind::Blob),
    ("sequence", Kind::Integer),
    ("body", Kind::Text),
    ("created_at", Kind::Integer),
];

impl Projections {
    /// The states of a projection under these keys, as far as there are any.
    pub async fn states(
        &self,
        projection: &Projection,
        keys: &[String],
    ) -> Result<Vec<KeptState>, StorageError> {
        let mut rows = Rows::new(KEYS);
        for key in keys {
            rows.push([
                projection.id.as_bytes()[..].into(),
                projection.generation.into(),
                key.into(),
            ]);
        }
        let doing = StorageError::doing("read states");
        let readers = self.storage.engine_readers();
        let mut connection = readers.acquire().await.map_err(doing)?;
        let found = rows
            .fetch_all(
                &mut connection,
                "SELECT s.key, s.version, s.state FROM r JOIN projection_state s
                     ON s.projection = r.projection AND s.generation = r.generation
                         AND s.key = r.key",
            )
            .await
            .map_err(StorageError::doing("read states"))?;
        let read = |row| {
            let reading = Reading::new("projection_state", projection.id, row);
            Ok(KeptState {
                key: reading.get("key")?,
                version: reading.get("version")?,
                state: reading.get("state")?,
            })
        };
        found.iter().map(read).collect()
    }

    /// Writes what a batch makes of a projection as it was read. Whoever enqueues deliveries of it
    /// does that in the same transaction, and undoes it if this is lost.
    pub async fn fold(
        &self,
        tx: &mut Write,
        projection: &Projection,
        fold: &Fold,
        now: Timestamp,
    ) -> Result<Folded, StorageError> {
        if !self.advance(tx, projection, fold).await? {
            return Ok(Folded::Lost);
        }
        let mut states = Rows::new(STATES);
        for kept in &fold.states {
            states.push([
                projection.id.as_bytes()[..].into(),
                projection.generation.into(),
                (&kept.key).into(),
                kept.version.into(),
                (&kept.state).into(),
            ]);
        }
        states
            .execute(
                tx.sql(),
                "INSERT INTO projection_state (projection, generation, key, version, state)
                 SELECT r.projection, r.generation, r.key, r.version, r.state FROM r WHERE true
                 ON CONFLICT (projection, generation, key)
                     DO UPDATE SET version = excluded.version, state = excluded.state",
            )
            .await
            .map_err(StorageError::doing("write states"))?;
        let mut notices = Rows::new(NOTICES);
        for notice in &fold.notices {
            notices.push([
                projection.id.as_bytes()[..].into(),
                notice.sequence.into(),
                (&notice.body).into(),
                millis(now).into(),
            ]);
        }
        notices
            .execute(
                tx.sql(),
                "INSERT INTO projection_notice (projection, sequence, body, created_at)
                 SELECT r.projection, r.sequence, r.body, r.created_at FROM r WHERE true",
            )
            .await
            .map_err(StorageError::doing("write notifications of a projection"))?;
        Ok(Folded::Done)
    }

    /// Moves a projection on, if it is still as it was read; whether it was. From then on, until the
    /// transaction ends, nobody else does.
    async fn advance(
        &self,
        tx: &mut Write,
        projection: &Projection,
        fold: &Fold,
    ) -> Result<bool, StorageError> {
        let parked = fold.parked.as_ref();
        let last = fold.notices.last().map(|notice| notice.sequence);
        let moved = sql::query(
            "UPDATE projection SET cursor = $1, sequence = $2, status = $3, parked_event = $4,
                 parked_error = $5, parked_at = $6
             WHERE id = $7 AND status = 'active' AND revision = $8 AND cursor = $9",
        )
        .bind(fold.cursor)
        .bind(last.unwrap_or(projection.sequence))
        .bind(if parked.is_some() { "parked" } else { "active" })
        .bind(
            parked
                .and_then(|parked| parked.event)
                .map(|event| event.as_bytes().to_vec()),
        )
        .bind(parked.map(|parked| parked.error.as_str()))
        .bind(parked.map(|parked| millis(parked.at)))
        .bind(&projection.id.as_bytes()[..])
        .bind(projection.revision)
        .bind(projection.cursor)
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("move a projection on"))?;
        Ok(moved == 1)
    }

    /// Where a projection stands now: status, cursor and number of its last notification; nothing if
    /// it is deleted.
    pub async fn sequences(
        &self,
        ids: &[ProjectionId],
    ) -> Result<Vec<(ProjectionId, i64)>, StorageError> {
        const IDS: Columns = &[("id", Kind::Blob)];
        let mut rows = Rows::new(IDS);
        for id in ids {
            rows.push([id.as_bytes()[..].into()]);
        }
        let doing = StorageError::doing("read how far projections are");
        let readers = self.storage.engine_readers();
        let mut connection = readers.acquire().await.map_err(doing)?;
        let found = rows
            .fetch_all(
                &mut connection,
                "SELECT p.id, p.sequence FROM r JOIN projection p ON p.id = r.id
                 WHERE p.status <> 'deleted'",
            )
            .await
            .map_err(StorageError::doing("read how far projections are"))?;
        let read = |row| {
            let reading = Reading::new("projection", "(asked for)", row);
            let id = reading.parse("id", ProjectionId::from_slice)?;
            Ok((id, reading.get("sequence")?))
        };
        found.iter().map(read).collect()
    }
}
