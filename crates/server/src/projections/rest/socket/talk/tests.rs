//! Streams whose clients take nothing, on a clock that does not run by itself.

use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use jiff::Timestamp;
use loggia_storage::{
    ApiClientId, Fold, Folded, MasterKey, NewNotice, NewProjection, ProjectionId, Storage,
};
use loggia_syntax::Did;

use super::*;
use crate::projections::followers::Followers;
use crate::projections::holders::Holders;

/// The server's end of a connection whose client takes so many frames, and then none until it is told
/// to.
#[derive(Clone, Default)]
struct Slow(Arc<Mutex<Taken>>);

#[derive(Default)]
struct Taken {
    room: usize,
    frames: Vec<Message>,
    waits: Option<Waker>,
}

impl Slow {
    fn with_room(room: usize) -> Self {
        let slow = Self::default();
        slow.makes_room(room);
        slow
    }

    fn makes_room(&self, room: usize) {
        let mut taken = self.0.lock().expect("nobody panics");
        taken.room += room;
        if let Some(waits) = taken.waits.take() {
            waits.wake();
        }
    }

    fn frames(&self) -> Vec<Message> {
        self.0.lock().expect("nobody panics").frames.clone()
    }
}

impl Stream for Slow {
    type Item = Result<Message, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // It hangs up once it was told why.
        match self.frames().last() {
            Some(Message::Close(_)) => Poll::Ready(None),
            _ => Poll::Pending,
        }
    }
}

impl Sink<Message> for Slow {
    type Error = axum::Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        let mut taken = self.0.lock().expect("nobody panics");
        if taken.room > 0 {
            return Poll::Ready(Ok(()));
        }
        taken.waits = Some(cx.waker().clone());
        Poll::Pending
    }

    fn start_send(self: Pin<&mut Self>, item: Message) -> Result<(), axum::Error> {
        let mut taken = self.0.lock().expect("nobody panics");
        taken.room -= 1;
        taken.frames.push(item);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        Poll::Ready(Ok(()))
    }
}

/// A feed with so many notifications.
async fn feed(name: &str, count: i64) -> Feed {
    let storage = Storage::memory(name, &MasterKey::new([7; 32])).await;
    let storage = storage.expect("opens");
    let (projections, now) = (storage.projections(), Timestamp::UNIX_EPOCH);
    let owner = Did::new("did:plc:alice").expect("a DID");
    let id = ProjectionId::new(now, [1; 10]);
    let new = NewProjection {
        definition: "{}".to_owned(),
        reads: None,
    };
    let mut tx = storage.begin().await.expect("begins");
    let inserted = projections
        .insert(&mut tx, (id, &owner), &new, 9, now)
        .await;
    assert!(inserted.expect("inserts"));
    let made = projections.find_within(&mut tx, (id, &owner)).await;
    let made = made.expect("finds").expect("is there");
    let notices = (1..=count).map(|sequence| NewNotice {
        sequence,
        body: sequence.to_string(),
    });
    let fold = Fold {
        cursor: 1,
        states: Vec::new(),
        notices: notices.collect(),
        parked: None,
    };
    let folded = projections.fold(&mut tx, &made, &fold, now).await;
    assert_eq!(folded.expect("folds"), Folded::Done);
    tx.commit().await.expect("commits");
    Feed::new(projections, &Followers::default(), id, 0)
}

/// A key that stays good.
fn holding() -> Holding {
    Holders::default().hold(ApiClientId::new(Timestamp::UNIX_EPOCH, [2; 10]))
}

fn is_again(message: Option<&Message>) -> bool {
    matches!(message, Some(Message::Close(Some(close)))
        if close.code == close_code::AGAIN && close.reason == "frames were not taken in time")
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_cut_off_and_told_why() {
    let feed = feed("slow", 5).await;
    let slow = Slow::with_room(2);
    let running = tokio::spawn(run(slow.clone(), feed, holding(), None));
    while slow.frames().len() < 2 {
        tokio::task::yield_now().await;
    }
    // From here on nothing but timers is waited for.
    tokio::time::pause();
    tokio::time::sleep(STALL - Duration::from_millis(1)).await;
    assert!(!running.is_finished() && slow.frames().len() == 2);
    tokio::time::sleep(Duration::from_secs(5)).await;
    // Behind the frame that waited stands the reason, and nothing more.
    slow.makes_room(9);
    running.await.expect("ends");
    let frames = slow.frames();
    let taken = ["1", "2", "3"].map(Message::text);
    assert_eq!((&frames[..3], frames.len()), (&taken[..], 4));
    assert!(is_again(frames.last()), "{frames:?}");
}

#[tokio::test]
async fn a_client_that_never_takes_anything_again_is_not_waited_for() {
    let feed = feed("gone", 5).await;
    let slow = Slow::with_room(1);
    let running = tokio::spawn(run(slow.clone(), feed, holding(), None));
    while slow.frames().is_empty() {
        tokio::task::yield_now().await;
    }
    tokio::time::pause();
    tokio::time::sleep(STALL + CLOSE_SLOW + Duration::from_secs(1)).await;
    assert!(running.is_finished());
    assert_eq!(slow.frames().len(), 1);
}

#[tokio::test]
async fn a_silent_client_is_pinged_and_let_go_when_it_does_not_answer() {
    let mut feed = feed("silent", 0).await;
    // The store is asked in real time, and then no more.
    while !feed.is_quiet() {
        let next = timeout(Duration::from_millis(20), feed.next()).await;
        assert!(next.is_err(), "there is nothing");
    }
    let silent = Slow::with_room(99);
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    run(silent.clone(), feed, holding(), None).await;
    assert!(begun.elapsed() > 2 * PING, "{:?}", begun.elapsed());
    let frames = silent.frames();
    let ping = Message::Ping(bytes::Bytes::new());
    assert_eq!(frames[..2], [ping.clone(), ping]);
    let normal =
        matches!(&frames[2], Message::Close(Some(close)) if close.code == close_code::NORMAL);
    assert!(normal && frames.len() == 3, "{frames:?}");
}
