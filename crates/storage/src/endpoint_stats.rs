//! How an endpoint has been doing, in numbers. Bounded: what is beyond the limits is not counted,
//! and that is said.

use jiff::Timestamp;
use loggia_delivery::{EndpointId, Fault};

use crate::column::{Reading, millis};
use crate::place::first_id;
use crate::sql;
use crate::{BadRow, Endpoints, StorageError};

/// Deliveries that are counted, and attempts: the newest.
const COUNTED: u32 = 100_000;

/// Attempts whose durations are sorted, and among which the last failure is looked for.
const SAMPLE: u32 = 10_000;

/// How an endpoint has been doing since some time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointStats {
    /// How many deliveries are in the state of each name.
    pub deliveries: Vec<(String, u64)>,
    /// How many attempts were made.
    pub attempts: u64,
    /// Whether all of both were counted.
    pub complete: bool,
    /// Within how many milliseconds half of the newest attempts had ended, and all but a hundredth.
    pub latency: Option<(u64, u64)>,
    /// The newest attempt that failed.
    pub last_error: Option<LastError>,
}

/// An attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastError {
    /// When it began.
    pub at: Timestamp,
    /// What came back, if anything did.
    pub status: Option<u16>,
    /// Why nothing came back.
    pub fault: Option<Fault>,
}

impl Endpoints {
    /// How an endpoint has been doing.
    pub async fn stats(
        &self,
        id: EndpointId,
        since: Timestamp,
    ) -> Result<EndpointStats, StorageError> {
        let deliveries = self.count_deliveries(id, since).await?;
        let attempts = self.count_attempts(id, since).await?;
        let counted: u64 = deliveries.iter().map(|(_, count)| count).sum();
        let most = u64::from(COUNTED);
        Ok(EndpointStats {
            complete: counted < most && attempts < most,
            latency: self.latency(id, since).await?,
            last_error: self.last_error(id, since).await?,
            deliveries,
            attempts,
        })
    }

    async fn count_deliveries(
        &self,
        id: EndpointId,
        since: Timestamp,
    ) -> Result<Vec<(String, u64)>, StorageError> {
        let rows = sql::query(
            "SELECT state, count(*) AS count FROM
                 (SELECT state FROM delivery WHERE endpoint = $1 AND notification >= $2
                  ORDER BY notification DESC LIMIT $3) newest
             GROUP BY state ORDER BY state",
        )
        .bind(&id.as_bytes()[..])
        .bind(first_id(since).to_vec())
        .bind(COUNTED)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("count deliveries"))?;
        let counts = rows.iter().map(|row| {
            let reading = Reading::new("delivery", "(count)", row);
            let count = reading.parse("count", |count: i64| u64::try_from(count))?;
            Ok::<_, BadRow>((reading.get("state")?, count))
        });
        Ok(counts.collect::<Result<_, _>>()?)
    }

    async fn count_attempts(&self, id: EndpointId, since: Timestamp) -> Result<u64, StorageError> {
        let row = sql::query(
            "SELECT count(*) AS count FROM
                 (SELECT 1 FROM attempt
                  WHERE endpoint = $1 AND started_at + duration_ms >= $2 LIMIT $3) newest",
        )
        .bind(&id.as_bytes()[..])
        .bind(millis(since))
        .bind(COUNTED)
        .fetch_one(self.storage.readers())
        .await
        .map_err(StorageError::doing("count attempts"))?;
        let reading = Reading::new("attempt", "(count)", &row);
        Ok(reading.parse("count", |count: i64| u64::try_from(count))?)
    }

    async fn latency(
        &self,
        id: EndpointId,
        since: Timestamp,
    ) -> Result<Option<(u64, u64)>, StorageError> {
        let rows = sql::query(
            "SELECT duration_ms FROM
                 (SELECT duration_ms FROM attempt
                  WHERE endpoint = $1 AND started_at + duration_ms >= $2
                  ORDER BY started_at + duration_ms DESC LIMIT $3) newest
             ORDER BY duration_ms",
        )
        .bind(&id.as_bytes()[..])
        .bind(millis(since))
        .bind(SAMPLE)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("read how long attempts took"))?;
        let at = |percent: usize| {
            let rank = (rows.len() * percent).div_ceil(100).checked_sub(1)?;
            rows.get(rank)
        };
        let (Some(half), Some(most)) = (at(50), at(99)) else {
            return Ok(None);
        };
        let read = |row| {
            let reading = Reading::new("attempt", "(latency)", row);
            reading.parse("duration_ms", |millis: i64| u64::try_from(millis))
        };
        Ok(Some((read(half)?, read(most)?)))
    }

    /// What came back with another status than 2xx, or not at all, has failed in every profile; in some
    /// a receiver says so in its answer.
    async fn last_error(
        &self,
        id: EndpointId,
        since: Timestamp,
    ) -> Result<Option<LastError>, StorageError> {
        let row = sql::query(
            "SELECT started_at, status, fault FROM
                 (SELECT started_at, duration_ms, status, fault, refused FROM attempt
                  WHERE endpoint = $1 AND started_at + duration_ms >= $2
                  ORDER BY started_at + duration_ms DESC LIMIT $3) newest
             WHERE fault IS NOT NULL OR status < 200 OR status > 299 OR refused = 1
             ORDER BY started_at + duration_ms DESC LIMIT 1",
        )
        .bind(&id.as_bytes()[..])
        .bind(millis(since))
        .bind(SAMPLE)
        .fetch_optional(self.storage.readers())
        .await
        .map_err(StorageError::doing("look for the last error"))?;
        let Some(row) = row else { return Ok(None) };
        let reading = Reading::new("attempt", id, &row);
        let status = reading.get::<Option<i64>>("status")?.map(u16::try_from);
        let fault = reading.get::<Option<&str>>("fault")?.map(str::parse);
        Ok(Some(LastError {
            at: reading.time("started_at")?,
            status: status
                .transpose()
                .map_err(|error| reading.bad("status", Some(error.into())))?,
            fault: fault
                .transpose()
                .map_err(|error: loggia_delivery::UnknownName| {
                    reading.bad("fault", Some(error.into()))
                })?,
        }))
    }
}
