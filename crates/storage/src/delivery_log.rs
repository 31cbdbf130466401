//! What owners see of the deliveries to their endpoints: lists, newest first, and one with all
//! its attempts.
//!
//! An owner may have many endpoints and millions of deliveries, so nothing here reads more than a
//! page's worth of either, whatever the filter: a page may be short and not the last.

use jiff::Timestamp;
use loggia_delivery::{
    Attempt, CancelReason, DeliveryId, EndpointId, Notification, NotificationId, State,
};
use loggia_syntax::{Did, Nsid};

use crate::column::Reading;
use crate::delivery::{read_attempt, read_state};
use crate::place::{Place, first_id};
use crate::sql::{self, Row};
use crate::{BadRow, Deliveries, ListError, StorageError, Write, enqueue};

/// Endpoints that one page looks into.
const LANES: usize = 100;

/// Deliveries of one endpoint that one page looks at where a filter may leave most of them out.
const LOOKED_AT: u32 = 250;

/// Attempts that are shown of one delivery: the newest.
const ATTEMPTS: u32 = 100;

/// A delivery as the owner of its endpoint sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedDelivery {
    /// Which delivery.
    pub id: DeliveryId,
    /// What kind of thing is told.
    pub kind: Nsid,
    /// What it is about.
    pub subject: String,
    /// Where it stands.
    pub state: State,
    /// Attempts made, those before a replay included.
    pub attempts: u32,
    /// When the notification was accepted.
    pub created_at: Timestamp,
    /// When it stops to interest its receiver.
    pub deadline: Timestamp,
}

/// Which deliveries of an owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Only those to this endpoint.
    pub endpoint: Option<EndpointId>,
    /// Only those in the state of this name.
    pub state: Option<String>,
    /// Only those of this kind.
    pub kind: Option<Nsid>,
    /// Only those of notifications accepted from then on.
    pub since: Option<Timestamp>,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryPage {
    /// Newest first; with a filter there may be few or none, and still more to come.
    pub deliveries: Vec<LoggedDelivery>,
    /// Where the next page begins; none if this is the last.
    pub cursor: Option<String>,
}

/// A delivery with all that is kept of it.
#[derive(Clone, Debug)]
pub struct DeliveryDetail {
    /// The delivery.
    pub delivery: LoggedDelivery,
    /// What is sent.
    pub notification: Notification,
    /// The newest hundred attempts, first to last.
    pub attempts: Vec<Attempt>,
}

/// Whose deliveries are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose<'a> {
    /// Those to the endpoints of an account.
    Of(&'a Did),
    /// All of them, for the operator.
    Everybodys,
}

impl<'a> Whose<'a> {
    pub(crate) fn owner(self) -> Option<&'a str> {
        match self {
            Self::Of(owner) => Some(owner.as_str()),
            Self::Everybodys => None,
        }
    }
}

/// An endpoint, and its newest delivery before the place of a page.
struct Lane {
    endpoint: EndpointId,
    newest: NotificationId,
}

/// The endpoints that have deliveries before a place: one seek for each.
macro_rules! lanes_text {
    ($whose:literal) => {
        concat!(
            "SELECT id, newest FROM
                 (SELECT e.id AS id,
                      (SELECT d.notification FROM delivery d
                       WHERE d.endpoint = e.id
                           AND d.notification < CASE WHEN e.id < $1 THEN $2 ELSE $3 END
                       ORDER BY d.notification DESC LIMIT 1) AS newest
                  FROM endpoint e
                  WHERE ",
            $whose,
            " AND ($5 IS NULL OR e.id = $5)) lane
             WHERE newest IS NOT NULL ORDER BY newest DESC, id DESC LIMIT $6"
        )
    };
}

/// What a page looks for in one lane.
struct Look<'a> {
    filter: &'a DeliveryFilter,
    before: Place,
    limit: u32,
}

impl Deliveries {
    /// At most `limit` deliveries, newest first, before the place that `cursor` names. Deliveries
    /// that come in between two pages are on neither of them, and none is on both.
    pub async fn page(
        &self,
        whose: Whose<'_>,
        filter: &DeliveryFilter,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<DeliveryPage, ListError> {
        let before = cursor.map(Place::read).transpose()?.unwrap_or(Place::END);
        let mut lanes = self.lanes(whose, filter.endpoint, before).await?;
        // What is at or after this place has been looked at.
        let mut floor = None;
        if lanes.len() > LANES {
            let beyond = lanes.swap_remove(LANES);
            let (newest, endpoint) = (*beyond.newest.as_bytes(), *beyond.endpoint.as_bytes());
            floor = Some(Place::after(newest, endpoint));
        }
        let look = Look {
            filter,
            before,
            limit,
        };
        let mut found = Vec::new();
        for lane in lanes.iter().take(LANES) {
            let reached = self.look(lane, &look, &mut found).await?;
            floor = floor.max(reached);
        }
        found.sort_unstable_by_key(|delivery| std::cmp::Reverse(Place::of(delivery.id)));
        found.retain(|delivery| floor.is_none_or(|floor| Place::of(delivery.id) >= floor));
        Ok(cut(found, floor, limit))
    }

    /// The delivery with what is sent and its attempts, if it is to one of these endpoints.
    pub async fn detail(
        &self,
        whose: Whose<'_>,
        id: DeliveryId,
    ) -> Result<Option<DeliveryDetail>, StorageError> {
        let row = sql::query(
            "SELECT d.endpoint, d.state, d.reason, d.attempts, d.earlier, d.due, d.node, d.ended_at,
                 d.deadline AS delivery_deadline, n.*, d.notification
             FROM delivery d JOIN notification n ON n.id = d.notification
                 JOIN endpoint e ON e.id = d.endpoint
             WHERE d.notification = $1 AND d.endpoint = $2
                 AND ($3 IS NULL OR e.owner = $3)",
        )
        .bind(&id.notification.as_bytes()[..])
        .bind(&id.endpoint.as_bytes()[..])
        .bind(whose.owner())
        .fetch_optional(self.storage.readers())
        .await
        .map_err(StorageError::doing("find a delivery"))?;
        let Some(row) = row else { return Ok(None) };
        let delivery = read(&row)?;
        let notification = enqueue::read(&row, id.notification)?;
        let attempts = self.newest_attempts(id).await?;
        Ok(Some(DeliveryDetail {
            delivery,
            notification,
            attempts,
        }))
    }

    /// Whether the owner has an endpoint of this id, or had one of which there is still a record.
    pub async fn concern(&self, owner: &Did, endpoint: EndpointId) -> Result<bool, StorageError> {
        let found: Option<i64> =
            sql::query_scalar("SELECT 1 FROM endpoint WHERE id = $1 AND owner = $2")
                .bind(&endpoint.as_bytes()[..])
                .bind(owner.as_str())
                .fetch_optional(self.storage.readers())
                .await
                .map_err(StorageError::doing("look for an endpoint"))?;
        Ok(found.is_some())
    }

    /// Cancels everything that is open for an endpoint, for its owner; how many deliveries those
    /// were. An attempt that is under way is made and recorded, and changes nothing any more.
    pub async fn cancel_all(
        &self,
        tx: &mut Write,
        endpoint: EndpointId,
        now: Timestamp,
    ) -> Result<u64, StorageError> {
        self.storage
            .endpoints()
            .cancel_open(tx, endpoint, CancelReason::Owner, now)
            .await
    }

    async fn newest_attempts(&self, id: DeliveryId) -> Result<Vec<Attempt>, StorageError> {
        let rows = sql::query(
            "SELECT * FROM attempt WHERE notification = $1 AND endpoint = $2
             ORDER BY number DESC LIMIT $3",
        )
        .bind(&id.notification.as_bytes()[..])
        .bind(&id.endpoint.as_bytes()[..])
        .bind(ATTEMPTS)
        .fetch_all(self.storage.readers())
        .await
        .map_err(StorageError::doing("list a delivery's attempts"))?;
        let attempts = rows.iter().rev().map(|row| read_attempt(row, id));
        Ok(attempts.collect::<Result<_, _>>()?)
    }

    /// The endpoints that have deliveries before a place, newest first, and one more than are
    /// looked into.
    async fn lanes(
        &self,
        whose: Whose<'_>,
        endpoint: Option<EndpointId>,
        before: Place,
    ) -> Result<Vec<Lane>, StorageError> {
        let text = match whose {
            Whose::Of(_) => lanes_text!("e.owner = $4"),
            Whose::Everybodys => lanes_text!("$4 IS NULL"),
        };
        let rows = sql::query(text)
            .bind(before.endpoint().to_vec())
            .bind(before.next_notification().to_vec())
            .bind(before.notification().to_vec())
            .bind(whose.owner())
            .bind(endpoint.map(|id| id.as_bytes().to_vec()))
            .bind(i64::try_from(LANES).unwrap_or(i64::MAX) + 1)
            .fetch_all(self.storage.readers())
            .await
            .map_err(StorageError::doing("look for deliveries"))?;
        let lanes = rows.iter().map(|row| {
            let reading = Reading::new("delivery", "(newest)", row);
            Ok::<_, BadRow>(Lane {
                endpoint: reading.parse("id", EndpointId::from_slice)?,
                newest: reading.parse("newest", NotificationId::from_slice)?,
            })
        });
        Ok(lanes.collect::<Result<_, _>>()?)
    }

    /// Finds what fits in one lane; the place down to which it was looked at, if not all of it was.
    async fn look(
        &self,
        lane: &Lane,
        look: &Look<'_>,
        found: &mut Vec<LoggedDelivery>,
    ) -> Result<Option<Place>, StorageError> {
        let (filter, before) = (look.filter, look.before);
        let bound = match *lane.endpoint.as_bytes() < before.endpoint() {
            true => before.next_notification(),
            false => before.notification(),
        };
        let filtered = filter.kind.is_some() || filter.state.is_some();
        let most = match filtered {
            true => LOOKED_AT.max(look.limit),
            false => look.limit,
        };
        let since = filter.since.map_or([0; 16], first_id);
        let rows = sql::query(lane_text(filter))
            .bind(&lane.endpoint.as_bytes()[..])
            .bind(bound.to_vec())
            .bind(since.to_vec())
            .bind(i64::from(most) + 1)
            .fetch_all(self.storage.readers())
            .await
            .map_err(StorageError::doing("list deliveries"))?;
        let mut reached = None;
        for row in rows
            .iter()
            .take(usize::try_from(most).unwrap_or(usize::MAX))
        {
            let reading = Reading::new("delivery", "(unreadable)", row);
            let notification = reading.parse("notification", NotificationId::from_slice)?;
            reached = Some(Place::of(DeliveryId {
                notification,
                endpoint: lane.endpoint,
            }));
            found.extend(readable(row).filter(|delivery| filter.takes(delivery)));
        }
        let all = rows.len() <= usize::try_from(most).unwrap_or(usize::MAX);
        Ok(reached.filter(|_| !all))
    }
}

impl DeliveryFilter {
    fn takes(&self, delivery: &LoggedDelivery) -> bool {
        let state = self.state.as_deref();
        state.is_none_or(|state| state == delivery.state.name())
            && self.kind.as_ref().is_none_or(|kind| *kind == delivery.kind)
    }
}

/// The deliveries of a lane; dead letters have an index of their own.
fn lane_text(filter: &DeliveryFilter) -> &'static str {
    macro_rules! text {
        ($of:literal) => {
            concat!(
                "SELECT d.notification, d.endpoint, d.state, d.reason, d.attempts, d.earlier, d.due,
                     d.node, d.ended_at, d.deadline AS delivery_deadline,
                     n.kind, n.subject, n.created_at
                 FROM delivery d JOIN notification n ON n.id = d.notification
                 WHERE d.endpoint = $1 AND d.notification < $2 AND d.notification >= $3 ",
                $of,
                " ORDER BY d.notification DESC LIMIT $4"
            )
        };
    }
    match filter.state.as_deref() {
        Some("abandoned" | "expired") => text!("AND d.state IN ('abandoned', 'expired')"),
        _ => text!(""),
    }
}

/// The page out of everything that was found, which reaches down to `floor` or to the end.
fn cut(mut found: Vec<LoggedDelivery>, floor: Option<Place>, limit: u32) -> DeliveryPage {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more);
    let next = last.map(|last| Place::of(last.id)).or(floor);
    DeliveryPage {
        deliveries: found,
        cursor: next.map(|place| place.write()),
    }
}

/// A row that cannot be read is no reason to show none of the others.
fn readable(row: &Row) -> Option<LoggedDelivery> {
    read(row)
        .inspect_err(|bad| {
            let error = bad as &dyn std::error::Error;
            tracing::error!(error, "a delivery cannot be read and is not shown");
        })
        .ok()
}

fn read(row: &Row) -> Result<LoggedDelivery, BadRow> {
    let unnamed = Reading::new("delivery", "(unreadable)", row);
    let id = DeliveryId {
        notification: unnamed.parse("notification", NotificationId::from_slice)?,
        endpoint: unnamed.parse("endpoint", EndpointId::from_slice)?,
    };
    let reading = Reading::new("delivery", id, row);
    Ok(LoggedDelivery {
        id,
        kind: reading.parse("kind", |text: &str| Nsid::new(text))?,
        subject: reading.get("subject")?,
        state: read_state(&reading)?,
        attempts: reading
            .count("attempts")?
            .saturating_add(reading.count("earlier")?),
        created_at: reading.time("created_at")?,
        deadline: reading.time("delivery_deadline")?,
    })
}
