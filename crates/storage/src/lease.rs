//! Taking due work: a little of every endpoint that has some, so that no backlog hides another's.

mod lanes;
mod take;

use std::collections::HashMap;

use jiff::Timestamp;
use loggia_delivery::{Due, EndpointId, EndpointState, LeaseRequest, Leased};

use crate::column::millis;
use crate::endpoint::Found;
use crate::error::Tries;
use crate::sql::{Columns, Connection, Kind, Rows};
use crate::{Storage, StorageError, endpoint, node};
use lanes::Lane;
pub(crate) use lanes::first_due;

pub(crate) async fn lease(
    storage: &Storage,
    request: &LeaseRequest,
    now: Timestamp,
) -> Result<Leased, StorageError> {
    node::free_lapsed(storage, &request.lease.node, now).await?;
    let doing = StorageError::doing("look for due deliveries");
    let mut reader = storage.engine_readers().acquire().await.map_err(doing)?;
    let lanes = lanes::list(&mut reader, request.limit, &request.except).await?;
    drop(reader);
    let next_due = lanes.iter().map(|lane| lane.due).find(|due| *due > now);
    let due: Vec<Lane> = lanes.into_iter().filter(|lane| lane.due <= now).collect();
    if due.is_empty() {
        return Ok(Leased {
            due: Vec::new(),
            next_due,
        });
    }
    let mut tries = Tries::default();
    loop {
        let taken = take(storage, request, &due, now).await;
        if !tries.again(&taken) {
            return taken;
        }
    }
}

async fn take(
    storage: &Storage,
    request: &LeaseRequest,
    lanes: &[Lane],
    now: Timestamp,
) -> Result<Leased, StorageError> {
    let share = (request.limit / lanes.len()).clamp(1, request.per_endpoint.max(1));
    let mut taken: Vec<Due> = Vec::new();
    let mut bodies = take::Bodies::new();
    let mut tx = storage.begin_brief().await?;
    // As many lanes as could give something.
    let ids: Vec<_> = lanes.iter().map(|lane| lane.endpoint).collect();
    let ids = &ids[..ids.len().min(request.limit)];
    let sealer = &storage.inner.sealer;
    let found = endpoint::find_or_disable(tx.sql(), sealer, ids, now).await?;
    clear(tx.sql(), ids, &found, now).await?;
    for id in ids {
        let room = request.limit.saturating_sub(taken.len());
        if room == 0 {
            break;
        }
        if let Some(Found::Readable(endpoint)) = found.get(id)
            && endpoint.state == EndpointState::Active
        {
            let limit = share.min(room);
            let what = (request, endpoint, limit);
            taken.extend(take::take(tx.sql(), what, &mut bodies, now).await?);
        }
    }
    take::mark(tx.sql(), &taken).await?;
    let next_due = if taken.len() >= request.limit {
        // There may well be more; to know takes a seek for each endpoint.
        Some(now)
    } else {
        first_due(tx.sql(), &request.except).await?
    };
    tx.commit().await?;
    Ok(Leased {
        due: taken,
        next_due,
    })
}

const LANES: Columns = &[("endpoint", Kind::Blob), ("now", Kind::Integer)];

/// Ends what is not to go out, a part of it at a time: at disabled endpoints, where the reason that
/// stands is kept, and what is past its deadline, due or not.
async fn clear(
    connection: &mut Connection,
    ids: &[EndpointId],
    found: &HashMap<EndpointId, Found>,
    now: Timestamp,
) -> Result<(), StorageError> {
    let mut rows = Rows::new(LANES);
    for id in ids {
        match found.get(id) {
            Some(Found::Readable(endpoint)) if endpoint.state == EndpointState::Active => {
                rows.push([id.as_bytes()[..].into(), millis(now).into()]);
            }
            Some(Found::Readable(_)) => endpoint::cancel_pending(connection, *id, now).await?,
            // The one was dealt with when it was found so, the other has no deliveries.
            Some(Found::Unreadable) | None => {}
        }
    }
    rows.execute(
        connection,
        "UPDATE delivery SET state = 'expired', due = NULL, ended_at = (SELECT min(now) FROM r)
         WHERE (notification, endpoint) IN
             (SELECT d.notification, d.endpoint FROM r JOIN delivery d ON d.endpoint = r.endpoint
              WHERE d.state = 'pending' AND d.deadline <= r.now LIMIT 1000)
             AND state = 'pending'",
    )
    .await
    .map_err(StorageError::doing("expire deliveries"))?;
    Ok(())
}
