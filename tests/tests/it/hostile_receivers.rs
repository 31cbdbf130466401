//! Fourteen receivers that misbehave, each in its own way, at once, beside four that do not.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use loggia_delivery::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::support::hostile::{Hostile, Hostility};
use crate::support::load;
use crate::support::process::ServerProcess;
use crate::support::rebinding;
use crate::support::rows::{Database, DeliveryRow};
use crate::support::{Arrival, Receiver};

/// Notifications, each to all eighteen.
const SAID: usize = 40;
/// What hostile receivers may add to a server's memory, in KiB: buffers of connections and a few
/// answers of 64 KiB, and not the 100 MB that two of them have to say.
const MEMORY: u64 = 24 * 1024;

/// Whether this is what must have become of a delivery to such a receiver.
fn is_right(kind: Hostility, row: &DeliveryRow) -> bool {
    let Some(last) = &row.last else {
        // Behind others of a receiver that fails it waits its turn.
        return row.attempts == 0 && matches!(row.state.as_str(), "pending" | "leased");
    };
    let waits = matches!(row.state.as_str(), "pending" | "leased");
    match kind {
        Hostility::Refuses => waits && last.outcome == "network",
        Hostility::Hangs | Hostility::DripsHead | Hostility::DripsBody => {
            waits && last.outcome == "timeout"
        }
        Hostility::Floods | Hostility::Unpacks => {
            row.state == "delivered" && last.outcome == "200" && last.kept == 1024
        }
        Hostility::Redirects => row.state == "abandoned" && last.outcome == "307",
        Hostility::PutsOff | Hostility::PutsOffAndDrips => {
            let due = row.due.expect("it waits");
            waits && last.outcome == "429" && due >= last.started + 60_000
        }
        Hostility::BreaksOff => waits && last.outcome == "protocol",
        Hostility::BadTls => waits && last.outcome == "tls",
        Hostility::EndlessHeaders => waits && last.outcome == "protocol",
        // The first goes where the name led when it was checked, and no other anywhere.
        Hostility::Rebinds => match last.outcome.as_str() {
            "blocked" => row.state == "abandoned",
            outcome => waits && outcome == "tls",
        },
        Hostility::EndlessInterim => waits && ["timeout", "protocol"].contains(&&*last.outcome),
    }
}

async fn say(server: &ServerProcess, number: usize) {
    let alice = server.caller("alice");
    let said = load::write(&alice, alice.did(), &format!("post-{number}")).await;
    assert_eq!(said.expect("an answer"), (200, json!({ "success": true })));
}

/// Everything that was said, in whichever order, each once.
async fn hears_all(receiver: &mut Receiver, secret: &str, from: usize, to: usize) {
    let mut heard = HashSet::new();
    for _ in from..to {
        let arrival: Arrival = receiver.next().await;
        let body: Value = arrival.verified(secret);
        assert!(heard.insert(body["rkey"].to_string()), "twice: {body}");
    }
    receiver.has_no_more();
}

#[tokio::test(flavor = "multi_thread")]
async fn cost_their_neighbours_nothing() {
    let data = tempfile::tempdir().expect("a temporary folder");
    let settings = [
        ("attempt_timeout_ms", "400".to_owned()),
        ("name_server", rebinding::name_server().await.to_string()),
        ("allowed_networks", format!("{}/32", rebinding::OUTSIDE)),
    ];
    let server = ServerProcess::start(data.path(), &settings).await;
    let mut healthy = Vec::new();
    for _ in 0..4 {
        let receiver = Receiver::start();
        let secret = load::register(&server.caller("alice"), &receiver.url).await;
        healthy.push((receiver, secret));
    }
    // Once round, so that what every server needs is there already when memory is looked at.
    for number in 0..SAID {
        say(&server, number).await;
    }
    for (receiver, secret) in &mut healthy {
        hears_all(receiver, secret, 0, SAID).await;
    }
    let before = server.peak_memory();

    let mut hostile = Vec::new();
    for kind in Hostility::ALL {
        let receiver = Hostile::start(kind).await;
        load::register(&server.caller("alice"), &receiver.url).await;
        hostile.push(receiver);
    }
    for number in SAID..2 * SAID {
        say(&server, number).await;
    }
    for (receiver, secret) in &mut healthy {
        hears_all(receiver, secret, SAID, 2 * SAID).await;
    }
    let mut database = Database::sqlite(data.path()).await;
    for receiver in &hostile {
        is_dealt_with(receiver, &mut database).await;
    }
    let added = server.peak_memory() - before;
    assert!(added < MEMORY, "{added} KiB more than before");
    println!("hostile receivers added {added} KiB to {before} KiB");
}

/// Waits until some delivery to it was attempted and recorded, then holds that all are right.
async fn is_dealt_with(receiver: &Hostile, database: &mut Database) {
    let begun = SystemClock.now();
    loop {
        let rows = database.deliveries().await;
        let rows: Vec<_> = rows
            .into_iter()
            .filter(|row| row.url == receiver.url)
            .collect();
        assert_eq!(rows.len(), SAID, "{:?}", receiver.kind);
        let tried = rows.iter().filter(|row| row.last.is_some()).count();
        let wrong = rows.iter().find(|row| !is_right(receiver.kind, row));
        let settled = match receiver.kind {
            Hostility::Floods | Hostility::Unpacks => tried == SAID,
            Hostility::Rebinds => tried > 1,
            // After a few that failed the rest waits, and burns no attempts.
            _ => tried > 0,
        };
        if settled && wrong.is_none() {
            break;
        }
        let waited = SystemClock.now().duration_since(begun).as_secs();
        assert!(
            waited < 60,
            "{:?}: {tried} attempted, {wrong:?}",
            receiver.kind
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    if receiver.kind == Hostility::Rebinds {
        assert_eq!(receiver.reached.load(Ordering::Relaxed), 1);
    }
    assert_eq!(
        receiver.trapped.load(Ordering::Relaxed),
        0,
        "{:?}",
        receiver.kind
    );
}
