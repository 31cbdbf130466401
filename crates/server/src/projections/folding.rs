//! Folding what has been appended, batch by batch, for every projection that is behind.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use loggia_delivery::{
    Clock as _, NewNotification, Notification, NotificationId, Recipient, SystemClock,
};
use loggia_reducer::Room;
use loggia_storage::{
    Enqueue, Enqueued, Fold, Folded, KeptState, Parked, Projection, StorageError, StoredEvent,
    UnreadableProjection,
};
use loggia_syntax::Nsid;

use crate::chance;
use crate::delivery_desk::LASTS;
use crate::projections::definition::{Compiled, Definition};
use crate::projections::desk::ProjectionDesk;
use crate::projections::names;
use crate::projections::reducers::NotRun;

mod batch;

use batch::{Batch, Event, Keyed, keys};

/// Events that are read at once; each may have a quarter of a megabyte.
const EVENTS: u32 = 128;
/// Projections that are looked for at once.
const PROJECTIONS: u32 = 64;
/// Projections that are folded side by side.
const AT_ONCE: usize = 4;
/// Between two looks while nothing is heard: of other nodes nothing ever is.
const PAUSE: Duration = Duration::from_secs(1);
/// What kind of thing a delivery of a projection tells.
const KIND: &str = "dev.loggia.projection.stateChanged";

/// Why a batch was not folded; nothing of it is written.
#[derive(Debug, thiserror::Error)]
enum FoldError {
    /// The store failed.
    #[error("the store failed")]
    Storage(#[from] StorageError),
    /// There was no thread.
    #[error("the reducer could not be run")]
    NotRun(#[from] NotRun),
    /// Something could not be written as JSON.
    #[error("a notification or an event cannot be written")]
    Json(#[from] serde_json::Error),
}

impl FoldError {
    /// What is wrong, if the same would be wrong the next time.
    fn lasting(&self) -> Option<String> {
        match self {
            Self::Storage(StorageError::BadRow(bad)) => Some(bad.to_string()),
            Self::Json(_) | Self::NotRun(NotRun::Panicked) => Some(self.to_string()),
            Self::Storage(_) | Self::NotRun(NotRun::NoRoom(_)) => None,
        }
    }
}

/// Folds until `shutdown` ends.
pub(crate) async fn run(desk: ProjectionDesk, shutdown: impl Future<Output = ()>) {
    let folding = async {
        loop {
            while pass(&desk).await {}
            // What is woken during a pass is not lost: it is still woken. What other nodes were told
            // wakes nobody here.
            let heard = tokio::time::timeout(PAUSE, desk.wake.notified());
            heard.await.unwrap_or_default();
        }
    };
    let looking = async {
        loop {
            tokio::time::sleep(PAUSE).await;
            desk.look_at_others().await;
        }
    };
    tokio::select! {
        () = shutdown => {}
        () = folding => {}
        () = looking => {}
    }
}

/// Folds a batch for everyone who is behind; whether there may be more.
async fn pass(desk: &ProjectionDesk) -> bool {
    let mut after: Option<Vec<u8>> = None;
    let mut moved = false;
    loop {
        let behind = desk.storage.projections();
        let behind = match behind.behind(after.as_deref(), PROJECTIONS).await {
            Ok(behind) => behind,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "projections that are behind cannot be found");
                return false;
            }
        };
        let Some(last) = behind.last else {
            return moved;
        };
        after = Some(last);
        for unreadable in &behind.unreadable {
            park_unreadable(desk, unreadable).await;
        }
        let folds = stream::iter(behind.projections)
            .map(async |projection| fold_or_log(desk, &projection).await);
        let folded: Vec<bool> = folds.buffer_unordered(AT_ONCE).collect().await;
        moved |= folded.contains(&true);
    }
}

/// Folds one batch; whether that brought the projection on. What would be the same another time parks
/// it, with what is wrong; whatever else fails is tried again soon.
async fn fold_or_log(desk: &ProjectionDesk, projection: &Projection) -> bool {
    let failed = match batch(desk, projection).await {
        Ok(moved) => return moved,
        Err(failed) => failed,
    };
    let name = names::projection(projection.id);
    log(&failed, &name, "a projection could not be folded");
    let Some(why) = failed.lasting() else {
        return false;
    };
    let now = SystemClock.now();
    let parked = Parked {
        event: None,
        error: why,
        at: now,
    };
    let fold = Fold {
        parked: Some(parked),
        ..moved_to(projection.cursor)
    };
    let parked = write(desk, projection, &fold, now).await;
    parked.unwrap_or_else(|error| {
        log(&error, &name, "a projection could not be parked");
        false
    })
}

fn log(error: &FoldError, projection: &str, message: &'static str) {
    let error = error as &dyn std::error::Error;
    tracing::error!(error, projection, "{message}");
}

async fn park_unreadable(desk: &ProjectionDesk, unreadable: &UnreadableProjection) {
    let parking = async {
        let mut tx = desk.storage.begin().await?;
        let projections = desk.storage.projections();
        let now = SystemClock.now();
        projections
            .park_unreadable(&mut tx, unreadable, now)
            .await?;
        tx.commit().await
    };
    if let Err(error) = parking.await {
        let error = &error as &dyn std::error::Error;
        tracing::error!(
            error,
            "a projection that cannot be read could not be parked"
        );
        return;
    }
    let error = &unreadable.error as &dyn std::error::Error;
    tracing::error!(error, "a projection cannot be read and is parked");
}

/// Folds one batch of one projection; whether that brought it on.
async fn batch(desk: &ProjectionDesk, projection: &Projection) -> Result<bool, FoldError> {
    let (owner, cursor, now) = (&projection.owner, projection.cursor, SystemClock.now());
    let history = desk.storage.events();
    let mut events = history.after(owner, cursor, EVENTS).await?;
    if events.is_empty() {
        // What was there may be swept. Looked at once more, since something may just have come.
        let end = history.end(owner).await?;
        events = history.after(owner, cursor, EVENTS).await?;
        if events.is_empty() {
            return match end > cursor {
                true => write(desk, projection, &moved_to(end), now).await,
                false => Ok(false),
            };
        }
    }
    let Some(last) = events.last().map(|event| event.position) else {
        return Ok(false);
    };
    let (definition, compiled) = match ready(desk, projection).await? {
        Ok(ready) => ready,
        Err(error) => {
            let first = &events[0];
            let fold = parked_before(first, error, now);
            return write(desk, projection, &fold, now).await;
        }
    };
    // What was stored had been checked: a source that cannot be read selects nothing.
    let reads = definition.reads().ok().flatten();
    let selected = events
        .into_iter()
        .filter(|event| definition.selects(event, reads.as_deref()))
        .map(Event::new)
        .collect::<Result<Vec<_>, _>>()?;
    let fold = match selected.is_empty() {
        true => moved_to(last),
        false => fold(desk, projection, compiled, selected, last, now).await?,
    };
    write(desk, projection, &fold, now).await
}

type Ready = (Definition, Arc<Compiled>);

/// The definition, compiled; or what is wrong with it.
async fn ready(
    desk: &ProjectionDesk,
    projection: &Projection,
) -> Result<Result<Ready, String>, NotRun> {
    let definition: Definition = match serde_json::from_str(&projection.definition) {
        Ok(definition) => definition,
        Err(error) => return Ok(Err(format!("the definition cannot be read: {error}"))),
    };
    let compiled = desk.reducers.compiled(projection, &definition).await?;
    Ok(compiled
        .map(|compiled| (definition, compiled))
        .map_err(|invalid| invalid.to_string()))
}

fn moved_to(cursor: i64) -> Fold {
    Fold {
        cursor,
        states: Vec::new(),
        notices: Vec::new(),
        parked: None,
    }
}

fn parked_before(event: &StoredEvent, error: String, at: Timestamp) -> Fold {
    Fold {
        parked: Some(Parked {
            event: Some(event.id),
            error,
            at,
        }),
        ..moved_to(event.position - 1)
    }
}

/// Names what each event is folded into, reads the states of that, and folds. Programs run on threads
/// of their own, and no transaction is open meanwhile.
async fn fold(
    desk: &ProjectionDesk,
    projection: &Projection,
    compiled: Arc<Compiled>,
    events: Vec<Event>,
    last: i64,
    now: Timestamp,
) -> Result<Fold, FoldError> {
    let keyed = compiled.key.is_some();
    let named = match keyed {
        false => Keyed {
            events,
            stopped: None,
            last,
        },
        true => {
            let compiled = Arc::clone(&compiled);
            let naming = move |room: &Room| keys(&compiled, events, last, room);
            desk.reducers.run(naming).await?
        }
    };
    let Keyed {
        events,
        stopped,
        last,
    } = named;
    let mut wanted: Vec<String> = events.iter().map(|event| event.key.clone()).collect();
    wanted.sort();
    wanted.dedup();
    let states = desk.storage.projections();
    let states = states.states(projection, &wanted).await?;
    let states: HashMap<String, KeptState> = states
        .into_iter()
        .map(|state| (state.key.clone(), state))
        .collect();
    let work = Batch {
        projection: names::projection(projection.id),
        sequence: projection.sequence,
        keyed,
        states,
        last,
        now,
    };
    let folded = desk
        .reducers
        .run(move |room| work.fold(&compiled, events, stopped, room));
    Ok(folded.await??)
}

/// Writes a fold with its deliveries, in one transaction; whether it brought the projection on, here
/// or elsewhere.
async fn write(
    desk: &ProjectionDesk,
    projection: &Projection,
    fold: &Fold,
    now: Timestamp,
) -> Result<bool, FoldError> {
    let recipients = recipients(projection, fold, now);
    let reservation = desk.engine.reserve(recipients.len(), now);
    let mut tx = desk.storage.begin().await?;
    let projections = desk.storage.projections();
    if projections.fold(&mut tx, projection, fold, now).await? == Folded::Lost {
        return Ok(true);
    }
    let wishes = fold
        .notices
        .iter()
        .zip(&recipients)
        .map(|(notice, recipient)| Enqueue {
            new: notification(projection, notice.sequence, &notice.body, now),
            recipients: std::slice::from_ref(recipient),
            lease: reservation.lease(),
            room: 1,
        });
    let deliveries = desk.storage.deliveries();
    let enqueued = deliveries
        .enqueue_all(&mut tx, wishes.collect(), now)
        .await?;
    tx.commit().await?;
    let pending = enqueued.iter().any(|enqueued| enqueued.pending > 0);
    reservation.offer(enqueued.into_iter().flat_map(due).collect());
    if pending {
        desk.engine.wake();
    }
    if let Some(notice) = fold.notices.last() {
        desk.followers.moved(projection.id, notice.sequence);
    }
    if let Some(parked) = &fold.parked {
        let projection = names::projection(projection.id);
        let event = parked.event.map(names::event);
        let error = &parked.error;
        tracing::warn!(projection, event, error, "a projection is parked");
    }
    Ok(true)
}

fn due(enqueued: Enqueued) -> Vec<loggia_delivery::Due> {
    enqueued.due
}

/// One for each notification, if there is a webhook.
fn recipients(projection: &Projection, fold: &Fold, now: Timestamp) -> Vec<Recipient> {
    let Some(endpoint) = projection.endpoint else {
        return Vec::new();
    };
    let name = names::projection(projection.id);
    let recipient = |notice: &loggia_storage::NewNotice| Recipient {
        key: Some(format!("{name}-{}", notice.sequence)),
        ..Recipient::new(endpoint, now + LASTS)
    };
    fold.notices.iter().map(recipient).collect()
}

fn notification(
    projection: &Projection,
    sequence: i64,
    body: &str,
    now: Timestamp,
) -> NewNotification {
    let name = names::projection(projection.id);
    NewNotification {
        source: Some(format!("projection {name} {sequence}")),
        notification: Notification {
            id: NotificationId::new(now, chance::bytes()),
            kind: Nsid::from_static(KIND),
            subject: name,
            body: Bytes::copy_from_slice(body.as_bytes()),
            created_at: now,
            deadline: now + LASTS,
        },
    }
}
