//! What was under way when something happened to a server, and whether it came again only then.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::load;
use super::process::Caller;
use super::rows::Database;
use super::tally::{Manner, Tally};

/// How long everything may take to be over: what a dead node held waits for the end of its lease,
/// what a receiver refused for its second attempt.
const PATIENCE: Duration = Duration::from_secs(90);

/// What stood in the database just after something had happened.
pub struct Aftermath {
    /// Deliveries that were over: receiver and id. Whatever happened, they do not come again.
    over: HashSet<(String, String)>,
    /// Deliveries that some node held: at most so many may come again.
    held: usize,
}

impl Aftermath {
    pub async fn read(database: &mut Database) -> Self {
        let rows = database.deliveries().await;
        let held = rows.iter().filter(|row| row.state == "leased").count();
        let over = rows.into_iter().filter(|row| row.state == "delivered");
        Self {
            over: over.map(|row| (row.url, row.notification)).collect(),
            held,
        }
    }
}

/// Receivers of three manners, and what happened while they were told.
pub struct Audience {
    receivers: Vec<(Tally, String)>,
    round: Arc<AtomicUsize>,
    aftermaths: Vec<Aftermath>,
}

impl Audience {
    /// Three receivers, registered for the forum of this caller.
    pub async fn of(authority: &Caller) -> Self {
        let round = Arc::<AtomicUsize>::default();
        let mut receivers = Vec::new();
        for manner in [Manner::Prompt, Manner::Slow, Manner::Moody] {
            let receiver = Tally::start(manner, &round).await;
            let secret = load::register(authority, &receiver.url).await;
            receivers.push((receiver, secret));
        }
        Self {
            receivers,
            round,
            aftermaths: Vec::new(),
        }
    }

    /// Something happened just now.
    pub async fn note(&mut self, database: &mut Database) {
        self.aftermaths.push(Aftermath::read(database).await);
        self.round.fetch_add(1, Ordering::Release);
    }

    /// Waits until all of these have arrived everywhere. Holds that each has one id, and that what
    /// came again was under way when something happened.
    pub async fn heard(&self, acknowledged: &HashSet<String>) {
        let mut ids = HashSet::new();
        let mut again = 0;
        for (receiver, secret) in &self.receivers {
            for (rkey, heard) in receiver.hears(acknowledged, secret).await {
                let [id] = &heard.ids.iter().collect::<Vec<_>>()[..] else {
                    panic!("{rkey} came as {:?}", heard.ids)
                };
                again += heard.rounds.len() - 1;
                let key = (receiver.url.clone(), (*id).clone());
                for (happened, aftermath) in self.aftermaths.iter().enumerate() {
                    let later = heard.rounds.iter().any(|&round| round > happened);
                    let over = aftermath.over.contains(&key);
                    assert!(!(later && over), "{rkey} was over, and came again");
                }
                ids.insert((rkey, (*id).clone()));
            }
        }
        let keys: HashSet<_> = ids.iter().map(|(rkey, _)| rkey).collect();
        assert_eq!(keys.len(), ids.len(), "one id for all receivers");
        let held: usize = self.aftermaths.iter().map(|after| after.held).sum();
        assert!(again <= held, "{again} came again, {held} were under way");
        println!(
            "{} acknowledged, {} disturbances, {again} arrivals again of {held} under way",
            acknowledged.len(),
            self.aftermaths.len()
        );
    }
}

/// In the end every delivery is over, each told with success, and nobody holds any.
pub async fn all_is_over(database: &mut Database) {
    let step = Duration::from_millis(100);
    for _ in 0..PATIENCE.as_millis() / step.as_millis() {
        let rows = database.deliveries().await;
        if rows.iter().all(|row| row.state == "delivered") {
            return;
        }
        tokio::time::sleep(step).await;
    }
    let rows = database.deliveries().await;
    let open: Vec<_> = rows.iter().filter(|row| row.state != "delivered").collect();
    panic!("still open: {open:#?}");
}
