//! Endpoints: where deliveries go, with their secrets sealed.

use jiff::Timestamp;
use loggia_delivery::{
    DisableReason, Endpoint, EndpointId, EndpointState, Health, Profile, Secret, Secrets, Target,
};
use loggia_syntax::Did;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::column::{Reading, millis};
use crate::seal::Sealer;
use crate::{BadRow, Storage, StorageError, Write};

const CURRENT: &str = "endpoint.secret";
const PREVIOUS: &str = "endpoint.previous_secret";

/// The endpoints of a store.
#[derive(Clone, Debug)]
pub struct Endpoints {
    pub(crate) storage: Storage,
}

impl Endpoints {
    /// The endpoint, if there is one of this id.
    pub async fn find(&self, id: EndpointId) -> Result<Option<Endpoint>, StorageError> {
        let doing = StorageError::doing("find an endpoint");
        let mut connection = self.storage.readers().acquire().await.map_err(doing)?;
        find(&mut connection, &self.storage.inner.sealer, id).await
    }

    /// Adds an endpoint.
    pub async fn insert(&self, tx: &mut Write, endpoint: &Endpoint) -> Result<(), StorageError> {
        let sealer = &self.storage.inner.sealer;
        let row = endpoint.id.as_bytes();
        let seal = |column, secret: &Secret| sealer.seal(column, row, secret.as_bytes());
        let secrets = &endpoint.secrets;
        let (reason, at) = disabled(&endpoint.state);
        sqlx::query(
            "INSERT INTO endpoint (id, owner, url, profile, secret, previous_secret, previous_until,
                 disabled_reason, disabled_at, consecutive_failures, failing_since, last_success,
                 created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&row[..])
        .bind(endpoint.owner.as_str())
        .bind(endpoint.target.as_str())
        .bind(endpoint.profile.as_str())
        .bind(secrets.current.as_ref().map(|secret| seal(CURRENT, secret)))
        .bind(secrets.previous.as_ref().map(|(secret, _)| seal(PREVIOUS, secret)))
        .bind(secrets.previous.as_ref().map(|&(_, until)| millis(until)))
        .bind(reason)
        .bind(at)
        .bind(endpoint.health.consecutive_failures)
        .bind(endpoint.health.failing_since.map(millis))
        .bind(endpoint.health.last_success.map(millis))
        .bind(millis(endpoint.created_at))
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("insert an endpoint"))?;
        Ok(())
    }

    /// Stops telling an endpoint; what is pending for it is cancelled. Does nothing if it is
    /// disabled already. After the commit, tell the engine's handle.
    pub async fn disable(
        &self,
        tx: &mut Write,
        id: EndpointId,
        reason: DisableReason,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        disable(tx.sql(), id, reason, now).await.map(drop)
    }

    /// Tells an endpoint again, with its failures forgiven. What was cancelled stays cancelled.
    pub async fn enable(&self, tx: &mut Write, id: EndpointId) -> Result<(), StorageError> {
        sqlx::query(
            "UPDATE endpoint SET disabled_reason = NULL, disabled_at = NULL,
                 consecutive_failures = 0, failing_since = NULL
             WHERE id = ?",
        )
        .bind(&id.as_bytes()[..])
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("enable an endpoint"))?;
        Ok(())
    }
}

pub(crate) async fn find(
    connection: &mut SqliteConnection,
    sealer: &Sealer,
    id: EndpointId,
) -> Result<Option<Endpoint>, StorageError> {
    let row = sqlx::query("SELECT * FROM endpoint WHERE id = ?")
        .bind(&id.as_bytes()[..])
        .fetch_optional(connection)
        .await
        .map_err(StorageError::doing("find an endpoint"))?;
    Ok(row.map(|row| read(&row, sealer, id)).transpose()?)
}

/// An endpoint that is to be told.
pub(crate) enum Found {
    /// It can be read.
    Readable(Box<Endpoint>),
    /// It cannot, and is disabled now: one bad row is no reason to tell nobody else.
    Unreadable,
}

/// Finds an endpoint that is to be told. One that cannot be read is disabled and logged, since only
/// its owner can put it right, by registering anew.
pub(crate) async fn find_or_disable(
    connection: &mut SqliteConnection,
    sealer: &Sealer,
    id: EndpointId,
    now: Timestamp,
) -> Result<Found, StorageError> {
    match find(connection, sealer, id).await {
        Ok(Some(endpoint)) => Ok(Found::Readable(Box::new(endpoint))),
        Ok(None) => Err(StorageError::NoEndpoint(id)),
        Err(StorageError::BadRow(bad)) => {
            if disable(connection, id, DisableReason::Unreadable, now).await? {
                let error = &bad as &dyn std::error::Error;
                tracing::error!(error, endpoint = %id, "an endpoint cannot be read and is disabled");
            }
            Ok(Found::Unreadable)
        }
        Err(error) => Err(error),
    }
}

/// Disables an endpoint and cancels what is pending for it; whether it was active before.
pub(crate) async fn disable(
    connection: &mut SqliteConnection,
    id: EndpointId,
    reason: DisableReason,
    now: Timestamp,
) -> Result<bool, StorageError> {
    let disabled = sqlx::query(
        "UPDATE endpoint SET disabled_reason = ?, disabled_at = ?
         WHERE id = ? AND disabled_reason IS NULL",
    )
    .bind(reason.as_str())
    .bind(millis(now))
    .bind(&id.as_bytes()[..])
    .execute(&mut *connection)
    .await
    .map_err(StorageError::doing("disable an endpoint"))?;
    sqlx::query(
        "UPDATE delivery SET state = 'cancelled', due = NULL, ended_at = ?, reason = 'disabled'
         WHERE state = 'pending' AND endpoint = ?",
    )
    .bind(millis(now))
    .bind(&id.as_bytes()[..])
    .execute(connection)
    .await
    .map_err(StorageError::doing(
        "cancel a disabled endpoint's deliveries",
    ))?;
    Ok(disabled.rows_affected() == 1)
}

/// The health of an endpoint and whether it is active, without its secrets.
pub(crate) async fn health(
    connection: &mut SqliteConnection,
    id: EndpointId,
) -> Result<Option<(Health, bool)>, StorageError> {
    let row = sqlx::query(
        "SELECT consecutive_failures, failing_since, last_success, disabled_reason
         FROM endpoint WHERE id = ?",
    )
    .bind(&id.as_bytes()[..])
    .fetch_optional(connection)
    .await
    .map_err(StorageError::doing("read an endpoint's health"))?;
    let Some(row) = row else { return Ok(None) };
    let reading = Reading::new("endpoint", id, &row);
    let active = reading.get::<Option<String>>("disabled_reason")?.is_none();
    Ok(Some((read_health(&reading)?, active)))
}

pub(crate) async fn write_health(
    connection: &mut SqliteConnection,
    id: EndpointId,
    health: &Health,
) -> Result<(), StorageError> {
    sqlx::query(
        "UPDATE endpoint SET consecutive_failures = ?, failing_since = ?, last_success = ?
         WHERE id = ?",
    )
    .bind(health.consecutive_failures)
    .bind(health.failing_since.map(millis))
    .bind(health.last_success.map(millis))
    .bind(&id.as_bytes()[..])
    .execute(connection)
    .await
    .map_err(StorageError::doing("write an endpoint's health"))?;
    Ok(())
}

fn read(row: &SqliteRow, sealer: &Sealer, id: EndpointId) -> Result<Endpoint, BadRow> {
    let reading = Reading::new("endpoint", id, row);
    Ok(Endpoint {
        id,
        owner: reading.parse("owner", |text: &str| Did::new(text))?,
        target: reading.parse("url", Target::new)?,
        profile: reading.parse("profile", str::parse::<Profile>)?,
        secrets: read_secrets(&reading, sealer, id)?,
        state: read_state(&reading)?,
        health: read_health(&reading)?,
        created_at: reading.time("created_at")?,
    })
}

fn read_health(reading: &Reading<'_>) -> Result<Health, BadRow> {
    Ok(Health {
        consecutive_failures: reading.count("consecutive_failures")?,
        failing_since: reading.maybe_time("failing_since")?,
        last_success: reading.maybe_time("last_success")?,
    })
}

fn read_secrets(reading: &Reading<'_>, sealer: &Sealer, id: EndpointId) -> Result<Secrets, BadRow> {
    let open = |column: &'static str, place| -> Result<Option<Secret>, BadRow> {
        let Some(sealed) = reading.get::<Option<&[u8]>>(column)? else {
            return Ok(None);
        };
        let opened = sealer.open(place, id.as_bytes(), sealed);
        let opened = opened.map_err(|error| reading.bad(column, Some(error.into())))?;
        let secret = Secret::from_bytes(opened.to_vec());
        secret
            .map(Some)
            .map_err(|error| reading.bad(column, Some(error.into())))
    };
    let current = open("secret", CURRENT)?;
    let previous = open("previous_secret", PREVIOUS)?;
    let previous = match (previous, reading.maybe_time("previous_until")?) {
        (Some(secret), Some(until)) => Some((secret, until)),
        (None, None) => None,
        _ => return Err(reading.bad("previous_until", None)),
    };
    Ok(Secrets { current, previous })
}

fn read_state(reading: &Reading<'_>) -> Result<EndpointState, BadRow> {
    let at = reading.maybe_time("disabled_at")?;
    match (reading.get::<Option<&str>>("disabled_reason")?, at) {
        (None, None) => Ok(EndpointState::Active),
        (Some(reason), Some(at)) => {
            let reason = reason.parse();
            let reason = reason.map_err(|error: loggia_delivery::UnknownName| {
                reading.bad("disabled_reason", Some(error.into()))
            })?;
            Ok(EndpointState::Disabled { reason, at })
        }
        _ => Err(reading.bad("disabled_at", None)),
    }
}

fn disabled(state: &EndpointState) -> (Option<&'static str>, Option<i64>) {
    match *state {
        EndpointState::Active => (None, None),
        EndpointState::Disabled { reason, at } => (Some(reason.as_str()), Some(millis(at))),
    }
}
