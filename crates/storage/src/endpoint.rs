//! Endpoints: where deliveries go, with their secrets sealed.

mod cosigners;
mod health;
mod owned;
mod row;
mod standing;
mod told;

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroU32;
use std::sync::Arc;

use jiff::Timestamp;
use loggia_delivery::{DisableReason, Endpoint, EndpointId, Secret};
use loggia_syntax::Nsid;

use crate::announcement::announce_endpoint;
use crate::column::{Reading, millis};
use crate::seal::Sealer;
use crate::sql::{self, Columns, Connection, Kind, Rows};
use crate::{Storage, StorageError, Write};
pub(crate) use cosigners::note as note_cosigners;
pub(crate) use health::{HealthOf, hold_health, write_health};
pub(crate) use owned::delete;
pub use owned::{EndpointChange, OwnedEndpoint};
use row::Sealed;

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

    /// Adds an endpoint that stands for something else of its owner: a webhook, or a registration.
    pub async fn insert(&self, tx: &mut Write, endpoint: &Endpoint) -> Result<(), StorageError> {
        let owned = OwnedEndpoint {
            managed: false,
            ..OwnedEndpoint::new(endpoint.clone())
        };
        insert(tx.sql(), &self.storage.inner.sealer, &owned).await
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

    /// Tells an endpoint again, with its failures forgiven. What was cancelled stays cancelled, and
    /// one that was deleted stays so. After the commit, tell the engine's handle.
    pub async fn enable(&self, tx: &mut Write, id: EndpointId) -> Result<(), StorageError> {
        sql::query(
            "UPDATE endpoint SET disabled_reason = NULL, disabled_at = NULL,
                 consecutive_failures = 0, failing_since = NULL
             WHERE id = $1 AND (disabled_reason IS NULL OR disabled_reason <> 'deleted')",
        )
        .bind(&id.as_bytes()[..])
        .execute(tx.sql())
        .await
        .map_err(StorageError::doing("enable an endpoint"))?;
        announce_endpoint(tx.sql(), id).await
    }
}

/// Tells an endpoint again that was disabled and not deleted, with its failures forgiven; whether it was.
pub(crate) async fn enable(
    connection: &mut Connection,
    id: EndpointId,
) -> Result<bool, StorageError> {
    let enabled = sql::query(
        "UPDATE endpoint SET disabled_reason = NULL, disabled_at = NULL,
             consecutive_failures = 0, failing_since = NULL
         WHERE id = $1 AND disabled_reason IS NOT NULL AND disabled_reason <> 'deleted'",
    )
    .bind(&id.as_bytes()[..])
    .execute(connection)
    .await
    .map_err(StorageError::doing("enable an endpoint"))?;
    Ok(enabled == 1)
}

/// Signs what an endpoint is told with this secret alone, or with none.
pub(crate) async fn sign(
    connection: &mut Connection,
    sealer: &Sealer,
    id: EndpointId,
    secret: Option<Secret>,
) -> Result<(), StorageError> {
    sql::query(
        "UPDATE endpoint SET secret = $1, previous_secret = NULL, previous_until = NULL
         WHERE id = $2",
    )
    .bind(secret.map(|secret| row::seal_secret(id, &secret, sealer)))
    .bind(&id.as_bytes()[..])
    .execute(connection)
    .await
    .map_err(StorageError::doing("change an endpoint's secret"))?;
    Ok(())
}

async fn insert(
    connection: &mut Connection,
    sealer: &Sealer,
    owned: &OwnedEndpoint,
) -> Result<(), StorageError> {
    let endpoint = &owned.endpoint;
    let sealed = Sealed::of(endpoint, sealer);
    let (reason, at) = row::disabled(&endpoint.state);
    sql::query(
        "INSERT INTO endpoint (id, owner, url, profile, secret, previous_secret, previous_until,
             headers, in_order, per_second, kinds, description, managed, disabled_reason,
             disabled_at, consecutive_failures, failing_since, last_success, created_at, updated_at,
             issuer, audience)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
             $19, $20, $21, $22)",
    )
    .bind(&endpoint.id.as_bytes()[..])
    .bind(endpoint.owner.as_str())
    .bind(endpoint.target.as_str())
    .bind(endpoint.profile.as_str())
    .bind(sealed.secret)
    .bind(sealed.previous_secret)
    .bind(sealed.previous_until)
    .bind(sealed.headers)
    .bind(endpoint.in_order)
    .bind(endpoint.per_second.map(NonZeroU32::get))
    .bind(row::write_kinds(&owned.kinds))
    .bind(&owned.description)
    .bind(owned.managed)
    .bind(reason)
    .bind(at)
    .bind(endpoint.health.consecutive_failures)
    .bind(endpoint.health.failing_since.map(millis))
    .bind(endpoint.health.last_success.map(millis))
    .bind(millis(endpoint.created_at))
    .bind(owned.updated_at.map(millis))
    .bind(
        endpoint
            .parties
            .as_ref()
            .map(|parties| parties.issuer.as_str()),
    )
    .bind(endpoint.parties.as_ref().map(|parties| &*parties.audience))
    .execute(connection)
    .await
    .map_err(StorageError::doing("insert an endpoint"))?;
    Ok(())
}

pub(crate) async fn find(
    connection: &mut Connection,
    sealer: &Sealer,
    id: EndpointId,
) -> Result<Option<Endpoint>, StorageError> {
    let row = sql::query("SELECT * FROM endpoint WHERE id = $1")
        .bind(&id.as_bytes()[..])
        .fetch_optional(connection)
        .await
        .map_err(StorageError::doing("find an endpoint"))?;
    Ok(row.map(|row| row::read(&row, sealer, id)).transpose()?)
}

/// An endpoint that is to be told.
#[derive(Clone)]
pub(crate) enum Found {
    /// It can be read.
    Readable(Arc<Endpoint>),
    /// It cannot, and is disabled now: one bad row is no reason to tell nobody else.
    Unreadable,
}

/// Endpoints by id, as a table.
const IDS: Columns = &[("id", Kind::Blob)];

/// Finds endpoints that are to be told; those that are not there are missing. One that cannot be
/// read is disabled and logged, since only its owner can put it right, by registering anew.
pub(crate) async fn find_or_disable(
    connection: &mut Connection,
    sealer: &Sealer,
    ids: &[EndpointId],
    now: Timestamp,
) -> Result<HashMap<EndpointId, Found>, StorageError> {
    let mut wanted = Rows::new(IDS);
    for id in ids {
        wanted.push([id.as_bytes()[..].into()]);
    }
    let rows = wanted
        .fetch_all(
            connection,
            "SELECT e.* FROM r JOIN endpoint e ON e.id = r.id",
        )
        .await
        .map_err(StorageError::doing("find endpoints"))?;
    let mut found = HashMap::with_capacity(rows.len());
    let mut unreadable = Vec::new();
    let mut others = cosigners::of(connection, sealer, &rows, now).await?;
    for row in &rows {
        let id = row::id(row)?;
        match row::read(row, sealer, id) {
            Ok(mut endpoint) => {
                endpoint.secrets.others = others.remove(&id).unwrap_or_default();
                found.insert(id, Found::Readable(Arc::new(endpoint)))
            }
            Err(bad) => {
                unreadable.push((id, bad));
                found.insert(id, Found::Unreadable)
            }
        };
    }
    for (id, bad) in unreadable {
        if disable(connection, id, DisableReason::Unreadable, now).await? {
            let error = &bad as &dyn std::error::Error;
            tracing::error!(error, endpoint = %id, "an endpoint cannot be read and is disabled");
        }
    }
    Ok(found)
}

/// Disables an endpoint and cancels the first of what is pending for it; whether it was active before.
/// The rest is cancelled when it is due, see [`cancel_pending`].
pub(crate) async fn disable(
    connection: &mut Connection,
    id: EndpointId,
    reason: DisableReason,
    now: Timestamp,
) -> Result<bool, StorageError> {
    let disabled = sql::query(
        "UPDATE endpoint SET disabled_reason = $1, disabled_at = $2
         WHERE id = $3 AND disabled_reason IS NULL",
    )
    .bind(reason.as_str())
    .bind(millis(now))
    .bind(&id.as_bytes()[..])
    .execute(&mut *connection)
    .await
    .map_err(StorageError::doing("disable an endpoint"))?;
    cancel_pending(connection, id, now).await?;
    if disabled == 1 {
        announce_endpoint(connection, id).await?;
    }
    Ok(disabled == 1)
}

/// Deliveries of one endpoint that one transaction cancels or expires: few enough that nobody waits
/// for it.
const PART: u32 = 1000;

/// Cancels what is pending for an endpoint that is disabled, first due first and at most [`PART`]; a
/// look for due deliveries goes on with the rest.
pub(crate) async fn cancel_pending(
    connection: &mut Connection,
    id: EndpointId,
    now: Timestamp,
) -> Result<(), StorageError> {
    connection.take_time();
    sql::query(
        "UPDATE delivery SET state = 'cancelled', due = NULL, ended_at = $1, reason = 'disabled'
         WHERE (notification, endpoint) IN
             (SELECT notification, endpoint FROM delivery
              WHERE state = 'pending' AND endpoint = $2 ORDER BY due LIMIT $3)
             AND state = 'pending'",
    )
    .bind(millis(now))
    .bind(&id.as_bytes()[..])
    .bind(PART)
    .execute(connection)
    .await
    .map_err(StorageError::doing(
        "cancel a disabled endpoint's deliveries",
    ))?;
    Ok(())
}

/// The owner's active endpoints that want to be told of this kind, oldest first; at most
/// [`MOST_TOLD`].
pub(crate) async fn wanting(
    connection: &mut Connection,
    owner: &str,
    kind: &Nsid,
) -> Result<Vec<EndpointId>, StorageError> {
    let owners = BTreeSet::from([owner]);
    let all = wanting_of(connection, &owners, false).await?;
    let wanting = all.into_values().flatten();
    let wanting = wanting.filter(|(_, kinds)| kinds.contains(kind));
    Ok(wanting.map(|(id, _)| id).take(MOST_TOLD).collect())
}

/// Most endpoints that are told of one thing by kind.
const MOST_TOLD: usize = 1000;

/// Endpoints that are told of things by kind, with their kinds, by owner.
pub(crate) type Wanting = HashMap<String, Vec<(EndpointId, Vec<Nsid>)>>;

/// Owners, as a table.
const OWNERS: Columns = &[("owner", Kind::Text)];

/// The owners' endpoints that are told of things by kind, oldest first. Those that are disabled, but
/// not deleted, only if asked for.
pub(crate) async fn wanting_of(
    connection: &mut Connection,
    owners: &BTreeSet<&str>,
    disabled_too: bool,
) -> Result<Wanting, StorageError> {
    let mut rows = Rows::new(OWNERS);
    for owner in owners {
        rows.push([(*owner).into()]);
    }
    let told = match disabled_too {
        false => {
            "SELECT e.id, e.owner, e.kinds FROM r JOIN endpoint e ON e.owner = r.owner
             WHERE e.disabled_reason IS NULL AND e.kinds <> '[]'
             ORDER BY e.owner, e.id"
        }
        true => {
            "SELECT e.id, e.owner, e.kinds FROM r JOIN endpoint e ON e.owner = r.owner
             WHERE (e.disabled_reason IS NULL OR e.disabled_reason <> 'deleted')
                 AND e.kinds <> '[]'
             ORDER BY e.owner, e.id"
        }
    };
    let rows = rows
        .fetch_all(connection, told)
        .await
        .map_err(StorageError::doing("list who wants a kind"))?;
    let mut wanting = Wanting::new();
    for found in &rows {
        let id = row::id(found)?;
        let reading = Reading::new("endpoint", id, found);
        match row::read_kinds(&reading) {
            Ok(kinds) => {
                let owner = reading.get("owner")?;
                wanting.entry(owner).or_default().push((id, kinds));
            }
            Err(bad) => {
                let error = &bad as &dyn std::error::Error;
                tracing::error!(error, endpoint = %id, "an endpoint's kinds cannot be read");
            }
        }
    }
    Ok(wanting)
}
