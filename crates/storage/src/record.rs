//! Writing outcomes: attempts, states and endpoint health change together.

mod rows;

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use loggia_delivery::{
    DeliveryId, DisableReason, EndpointId, Health, HealthRules, NodeId, Recorded, Settled, State,
};

use crate::endpoint::{self, HealthOf};
use crate::{Deliveries, StorageError, Write};

/// An endpoint that a batch touches.
struct Touched {
    health: Health,
    changed: bool,
    /// Not active before the batch, or disabled by it.
    disable: Option<DisableReason>,
}

pub(crate) async fn record(
    deliveries: &Deliveries,
    tx: &mut Write,
    node: &NodeId,
    settled: &[Settled],
    now: Timestamp,
) -> Result<Recorded, StorageError> {
    // Endpoints first: whoever else writes outcomes of the same ones waits here, and not halfway.
    let concerned = settled.iter().filter(|one| concerns(one));
    let concerned: HashSet<_> = concerned.map(|one| one.id.endpoint).collect();
    let found = endpoint::hold_health(tx.sql(), concerned.into_iter()).await?;
    let touched = touch(found, settled, &deliveries.rules, now);
    rows::insert_attempts(tx.sql(), settled).await?;
    let held = rows::write_states(tx.sql(), settled, node).await?;
    rows::supersede(tx.sql(), settled, now).await?;
    let healths = touched.iter().filter(|(_, touched)| touched.changed);
    endpoint::write_health(tx.sql(), healths.map(|(id, touched)| (*id, touched.health))).await?;
    let mut recorded = Recorded {
        stale: stale(settled, &held),
        ..Recorded::default()
    };
    for (id, touched) in touched {
        if let Some(reason) = touched.disable {
            deliveries.disable(tx, id, reason, now).await?;
            recorded.disabled.push(id);
        }
    }
    Ok(recorded)
}

/// Whether an outcome has to do with its endpoint: it says something of its health, or comes back
/// and may find it disabled.
fn concerns(settled: &Settled) -> bool {
    settled.report.is_some() || matches!(settled.state, State::Pending { .. })
}

/// Moves the endpoints' health, in the order of the batch. One whose health cannot be read begins
/// anew, disabled: its row is no reason to forget what happened to the others of a batch.
fn touch(
    found: HashMap<EndpointId, HealthOf>,
    settled: &[Settled],
    rules: &HealthRules,
    now: Timestamp,
) -> BTreeMap<EndpointId, Touched> {
    let mut all: BTreeMap<_, _> = found
        .into_iter()
        .map(|(id, found)| (id, touched(id, found)))
        .collect();
    for settled in settled {
        let Some(report) = settled.report else {
            continue;
        };
        let Some(touched) = all.get_mut(&settled.id.endpoint) else {
            continue;
        };
        let (health, disable) = touched.health.after(report, rules, now);
        touched.health = health;
        touched.changed = true;
        touched.disable = touched.disable.or(disable);
    }
    all
}

fn touched(id: EndpointId, found: HealthOf) -> Touched {
    let (health, disable) = match found {
        Ok((health, true)) => (health, None),
        // The reason that stands is kept; what came back to an inactive endpoint is cancelled.
        Ok((health, false)) => (health, Some(DisableReason::Owner)),
        Err(bad) => {
            let error = &bad as &dyn std::error::Error;
            tracing::error!(error, endpoint = %id, "an endpoint cannot be read and is disabled");
            (Health::default(), Some(DisableReason::Unreadable))
        }
    };
    Touched {
        health,
        changed: false,
        disable,
    }
}

/// What the node no longer held.
fn stale(settled: &[Settled], held: &HashSet<DeliveryId>) -> Vec<DeliveryId> {
    let ids = settled.iter().map(|one| one.id);
    ids.filter(|id| !held.contains(id)).collect()
}
