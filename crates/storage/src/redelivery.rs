//! Replays of many deliveries of an endpoint: durable work with progress, done batch by batch.
//!
//! A batch and the progress that it makes are one transaction, so a replay that was cut off goes on
//! where it was, and of two nodes that work on the same one only one does each batch.

mod step;

use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{EndpointId, sortable_id};
pub use step::Step;

use crate::column::{Reading, millis};
use crate::place::first_id;
use crate::sql::{self, Row};
use crate::{BadRow, Storage, StorageError, Whose, Write};

sortable_id! {
    /// Which replay.
    RedeliveryId
}

/// A replayed delivery has this long: enough for the longest schedule, with room to spare.
pub const REPLAY_LASTS: SignedDuration = SignedDuration::from_hours(3 * 24);

/// How a delivery has ended that may be replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EndedState {
    /// Given up by rule.
    Abandoned,
    /// Its deadline passed.
    Expired,
    /// It was not to be made any more.
    Cancelled,
    /// It arrived.
    Delivered,
}

/// A name that no ended state has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no state in which deliveries end")]
pub struct NotEnded(pub String);

/// The work of replaying many deliveries of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redelivery {
    /// Which replay.
    pub id: RedeliveryId,
    /// Of which endpoint.
    pub endpoint: EndpointId,
    /// Only notifications accepted from then on.
    pub since: Timestamp,
    /// Only deliveries that ended so.
    pub states: Vec<EndedState>,
    /// How many there were when it was asked for.
    pub matched: u64,
    /// How many are on their way again.
    pub replayed: u64,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When and how it ended, if it has.
    pub end: Option<(Timestamp, RedeliveryEnd)>,
}

/// How a replay ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedeliveryEnd {
    /// All of it is done.
    Done,
    /// The endpoint was disabled.
    Disabled,
}

/// A replay on its way in.
#[derive(Clone, Debug)]
pub struct NewRedelivery {
    /// Its id.
    pub id: RedeliveryId,
    /// Of which endpoint.
    pub endpoint: EndpointId,
    /// Only notifications accepted from then on.
    pub since: Timestamp,
    /// Only deliveries that ended so.
    pub states: Vec<EndedState>,
}

/// The replays of a store.
#[derive(Clone, Debug)]
pub struct Redeliveries {
    storage: Storage,
}

/// A replay with where it is.
struct Work {
    redelivery: Redelivery,
    position: Vec<u8>,
    until: Vec<u8>,
}

impl Storage {
    /// Replays of many deliveries.
    pub fn redeliveries(&self) -> Redeliveries {
        Redeliveries {
            storage: self.clone(),
        }
    }
}

impl Redeliveries {
    /// Stores a replay that matches so many deliveries; none if another one of the endpoint has not ended.
    pub async fn start(
        &self,
        tx: &mut Write,
        new: NewRedelivery,
        matched: u64,
        now: Timestamp,
    ) -> Result<Option<Redelivery>, StorageError> {
        let states: Vec<_> = new.states.iter().map(|state| state.as_str()).collect();
        let inserted = sql::query(
            "INSERT INTO redelivery (id, endpoint, since, states, position, until, matched,
                 replayed, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8)
             ON CONFLICT (endpoint) WHERE ended_at IS NULL DO NOTHING",
        )
        .bind(&new.id.as_bytes()[..])
        .bind(&new.endpoint.as_bytes()[..])
        .bind(millis(new.since))
        .bind(serde_json::to_string(&states).expect("a list of texts can always be written"))
        .bind(first_id(new.since).to_vec())
        .bind(until(now).to_vec())
        .bind(i64::try_from(matched).unwrap_or(i64::MAX))
        .bind(millis(now))
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("store a replay"))?;
        let whole = |time| Timestamp::from_millisecond(millis(time)).unwrap_or(time);
        Ok((inserted == 1).then(|| Redelivery {
            id: new.id,
            endpoint: new.endpoint,
            since: whole(new.since),
            states: new.states,
            matched,
            replayed: 0,
            created_at: whole(now),
            end: None,
        }))
    }

    /// The replay, if it is of one of these endpoints.
    pub async fn find(
        &self,
        whose: Whose<'_>,
        id: RedeliveryId,
    ) -> Result<Option<Redelivery>, StorageError> {
        let row = sql::query(
            "SELECT r.* FROM redelivery r JOIN endpoint e ON e.id = r.endpoint
             WHERE r.id = $1 AND ($2 IS NULL OR e.owner = $2)",
        )
        .bind(&id.as_bytes()[..])
        .bind(whose.owner())
        .fetch_optional(self.storage.readers())
        .await
        .map_err(StorageError::doing("find a replay"))?;
        let work = row.as_ref().map(read).transpose()?;
        Ok(work.map(|work| work.redelivery))
    }

    /// At most so many replays that have not ended, oldest first.
    pub async fn running(&self, limit: u32) -> Result<Vec<RedeliveryId>, StorageError> {
        let rows =
            sql::query("SELECT id FROM redelivery WHERE ended_at IS NULL ORDER BY id LIMIT $1")
                .bind(limit)
                .fetch_all(self.storage.readers())
                .await
                .map_err(StorageError::doing("list replays"))?;
        let ids = rows.iter().map(|row| {
            Reading::new("redelivery", "(unreadable)", row).parse("id", RedeliveryId::from_slice)
        });
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// Removes at most `limit` replays that ended before then; how many those were.
    pub async fn sweep(&self, ended_before: Timestamp, limit: u32) -> Result<u64, StorageError> {
        let sql = "DELETE FROM redelivery WHERE id IN
                 (SELECT id FROM redelivery WHERE ended_at IS NOT NULL AND ended_at < $1
                  ORDER BY ended_at LIMIT $2)";
        self.storage
            .forget(sql, ended_before, limit, "sweep replays")
            .await
    }

    /// How many deliveries a replay would be of. Outside of any transaction: there may be many.
    pub async fn count(&self, new: &NewRedelivery, now: Timestamp) -> Result<u64, StorageError> {
        let row = sql::query(count_text(&new.states))
            .bind(&new.endpoint.as_bytes()[..])
            .bind(first_id(new.since).to_vec())
            .bind(until(now).to_vec())
            .bind(name(&new.states, 0))
            .bind(name(&new.states, 1))
            .bind(name(&new.states, 2))
            .bind(name(&new.states, 3))
            .fetch_one(self.storage.readers())
            .await
            .map_err(StorageError::doing("count what is to be replayed"))?;
        let reading = Reading::new("delivery", "(count)", &row);
        Ok(reading.parse("count", |count: i64| u64::try_from(count))?)
    }
}

impl EndedState {
    /// The dead letters.
    pub const DEAD: [Self; 2] = [Self::Abandoned, Self::Expired];

    const ALL: [Self; 4] = [
        Self::Abandoned,
        Self::Expired,
        Self::Cancelled,
        Self::Delivered,
    ];

    /// The name in storage and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Abandoned => "abandoned",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Delivered => "delivered",
        }
    }
}

impl std::str::FromStr for EndedState {
    type Err = NotEnded;

    fn from_str(name: &str) -> Result<Self, NotEnded> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == name);
        found.ok_or_else(|| NotEnded(name.to_owned()))
    }
}

impl RedeliveryEnd {
    fn reason(self) -> Option<&'static str> {
        match self {
            Self::Done => None,
            Self::Disabled => Some("disabled"),
        }
    }
}

/// What is accepted in the millisecond of the question may still be replayed, what comes later not.
fn until(now: Timestamp) -> [u8; 16] {
    first_id(now + SignedDuration::from_millis(1))
}

/// The name of one of up to four states; asking for one twice does no harm.
fn name(states: &[EndedState], at: usize) -> Option<&'static str> {
    states.get(at).map(|state| state.as_str())
}

macro_rules! matching {
    ($what:literal, $state:literal, $rest:literal) => {
        concat!(
            $what,
            " FROM delivery WHERE endpoint = $1 AND notification >= $2 AND notification < $3 AND ",
            $state,
            " AND state IN ($4, $5, $6, $7) ",
            $rest
        )
    };
}

use matching;

/// Dead letters have an index of their own.
fn only_dead(states: &[EndedState]) -> bool {
    states.iter().all(|state| EndedState::DEAD.contains(state))
}

fn count_text(states: &[EndedState]) -> &'static str {
    match only_dead(states) {
        true => matching!(
            "SELECT count(*) AS count FROM (SELECT 1",
            "state IN ('abandoned', 'expired')",
            "LIMIT 100000) AS counted"
        ),
        false => matching!(
            "SELECT count(*) AS count FROM (SELECT 1",
            "ended_at IS NOT NULL",
            "LIMIT 100000) AS counted"
        ),
    }
}

fn read(row: &Row) -> Result<Work, BadRow> {
    let unnamed = Reading::new("redelivery", "(unreadable)", row);
    let id = unnamed.parse("id", RedeliveryId::from_slice)?;
    let reading = Reading::new("redelivery", id, row);
    let states: Vec<String> = reading.parse("states", serde_json::from_str)?;
    let states = states.iter().map(|name| name.parse());
    let end = match (
        reading.maybe_time("ended_at")?,
        reading.get::<Option<&str>>("reason")?,
    ) {
        (None, _) => None,
        (Some(at), None) => Some((at, RedeliveryEnd::Done)),
        (Some(at), Some("disabled")) => Some((at, RedeliveryEnd::Disabled)),
        (Some(_), Some(_)) => return Err(reading.bad("reason", None)),
    };
    let redelivery = Redelivery {
        id,
        endpoint: reading.parse("endpoint", EndpointId::from_slice)?,
        since: reading.time("since")?,
        states: states
            .collect::<Result<_, NotEnded>>()
            .map_err(|error| reading.bad("states", Some(error.into())))?,
        matched: reading.parse("matched", |count: i64| u64::try_from(count))?,
        replayed: reading.parse("replayed", |count: i64| u64::try_from(count))?,
        created_at: reading.time("created_at")?,
        end,
    };
    Ok(Work {
        redelivery,
        position: reading.get("position")?,
        until: reading.get("until")?,
    })
}
