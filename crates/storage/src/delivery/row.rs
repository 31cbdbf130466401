//! Between deliveries, attempts and their rows.

use bytes::Bytes;
use loggia_delivery::{
    Answer, Attempt, DeliveryId, EndpointId, Fault, Lease, NodeId, NotificationId, Outcome, State,
};

use crate::BadRow;
use crate::column::{Reading, millis, millis_up};
use crate::delivery::StoredDelivery;
use crate::sql::{Kind, Row};

/// The state that a delivery must be in, as a column of [`Rows`](crate::sql::Rows): where rows are
/// named by their key, a state in the text would let PostgreSQL's planner take the index of all rows
/// of that state instead, which may be few when it looks and many when it runs.
pub(crate) const WAS: (&str, Kind) = ("was", Kind::Text);

/// What a pending delivery is called.
pub(crate) const PENDING: &str = "pending";

/// A state as columns.
pub(crate) struct StateColumns<'a> {
    pub(crate) state: &'static str,
    pub(crate) attempts: u32,
    pub(crate) due: Option<i64>,
    pub(crate) node: Option<&'a str>,
    pub(crate) ended_at: Option<i64>,
    pub(crate) reason: Option<&'static str>,
}

impl<'a> StateColumns<'a> {
    pub(crate) fn of(state: &'a State) -> Self {
        let (state, attempts, name) = (state, state.attempts(), state.name());
        let open = |due, node| Self {
            state: name,
            attempts,
            due: Some(due),
            node,
            ended_at: None,
            reason: None,
        };
        let ended = |at, reason| Self {
            state: name,
            attempts,
            due: None,
            node: None,
            ended_at: Some(millis(at)),
            reason,
        };
        match state {
            State::Pending { due, .. } => open(millis_up(*due), None),
            State::Leased { lease, .. } => open(millis(lease.until), Some(lease.node.as_str())),
            State::Delivered { at, .. } | State::Expired { at, .. } => ended(*at, None),
            State::Abandoned { at, reason, .. } => ended(*at, Some(reason.as_str())),
            State::Cancelled { at, reason, .. } => ended(*at, Some(reason.as_str())),
        }
    }
}

pub(crate) fn read_id(reading: &Reading<'_>) -> Result<DeliveryId, BadRow> {
    Ok(DeliveryId {
        notification: reading.parse("notification", NotificationId::from_slice)?,
        endpoint: reading.parse("endpoint", EndpointId::from_slice)?,
    })
}

pub(super) fn read(row: &Row) -> Result<StoredDelivery, BadRow> {
    let unnamed = Reading::new("delivery", "(unreadable)", row);
    let id = read_id(&unnamed)?;
    let reading = Reading::new("delivery", id, row);
    let state = read_state(&reading)?;
    Ok(StoredDelivery {
        id,
        state,
        deadline: reading.time("deadline")?,
    })
}

pub(crate) fn read_state(reading: &Reading<'_>) -> Result<State, BadRow> {
    let attempts = reading.count("attempts")?;
    Ok(match reading.get::<&str>("state")? {
        "pending" => State::Pending {
            attempts,
            due: reading.time("due")?,
        },
        "leased" => {
            let node = NodeId::new(reading.get("node")?);
            State::Leased {
                attempts,
                lease: Lease {
                    node,
                    until: reading.time("due")?,
                },
            }
        }
        "delivered" => State::Delivered {
            attempts,
            at: reading.time("ended_at")?,
        },
        "expired" => State::Expired {
            attempts,
            at: reading.time("ended_at")?,
        },
        "abandoned" => State::Abandoned {
            attempts,
            at: reading.time("ended_at")?,
            reason: reading.parse("reason", |name: &str| name.parse())?,
        },
        "cancelled" => State::Cancelled {
            attempts,
            at: reading.time("ended_at")?,
            reason: reading.parse("reason", |name: &str| name.parse())?,
        },
        _ => return Err(reading.bad("state", None)),
    })
}

pub(crate) fn read_attempt(row: &Row, delivery: DeliveryId) -> Result<Attempt, BadRow> {
    let reading = Reading::new("attempt", delivery, row);
    let status = reading.get::<Option<i64>>("status")?;
    let outcome = match status {
        Some(status) => Outcome::Answered(Answer {
            status: u16::try_from(status)
                .map_err(|error| reading.bad("status", Some(error.into())))?,
            retry_after: reading.get("retry_after")?,
            body: Bytes::from(
                reading
                    .get::<Option<Vec<u8>>>("excerpt")?
                    .unwrap_or_default(),
            ),
        }),
        None => Outcome::Failed(reading.parse("fault", |name: &str| name.parse::<Fault>())?),
    };
    Ok(Attempt {
        number: reading.count("number")?,
        started: reading.time("started_at")?,
        duration_ms: reading.parse("duration_ms", |millis: i64| u64::try_from(millis))?,
        outcome,
        refused: reading.get("refused")?,
    })
}
