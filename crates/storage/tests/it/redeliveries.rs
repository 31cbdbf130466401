//! Replays of many deliveries: done once, whoever works on them and whatever is cut off.

use loggia_delivery::{DeliveryId, DisableReason, Endpoint, State};
use loggia_storage::{
    EndedState, NewRedelivery, REPLAY_LASTS, Redelivery, RedeliveryEnd, RedeliveryId, Step,
    Storage, Whose,
};

use crate::fixture::{Place, START, did, on_both, seconds};
use crate::letters::{KIND, at, dead, delivered, enqueue_all};
use crate::work::{add_endpoints, state, take};

on_both!(
    a_replay_goes_through_all_of_it_and_ends,
    only_what_was_asked_for_is_replayed,
    one_replay_of_an_endpoint_at_a_time,
    two_nodes_do_each_batch_once,
    a_disabled_endpoint_stops_its_replay,
    what_is_cancelled_stays_so_until_it_is_replayed,
);

async fn start(
    storage: &Storage,
    endpoint: &Endpoint,
    since: u32,
    states: &[EndedState],
) -> Option<Redelivery> {
    let now = seconds(10);
    let new = NewRedelivery {
        id: RedeliveryId::new(now, [since.to_be_bytes()[3]; 10]),
        endpoint: endpoint.id,
        since: at(since),
        states: states.to_vec(),
    };
    let redeliveries = storage.redeliveries();
    let matched = redeliveries.count(&new, now).await.expect("counts");
    let mut tx = storage.begin().await.expect("begins");
    let started = redeliveries.start(&mut tx, new, matched, now).await;
    tx.commit().await.expect("commits");
    started.expect("stores")
}

async fn step(storage: &Storage, replay: &Redelivery, limit: u32) -> Step {
    let step = storage
        .redeliveries()
        .step(replay.id, limit, seconds(11))
        .await;
    step.expect("steps")
}

async fn found(storage: &Storage, replay: &Redelivery) -> Redelivery {
    let found = storage
        .redeliveries()
        .find(Whose::Of(&did("feed")), replay.id)
        .await;
    found.expect("looks").expect("is there")
}

async fn dead_letters(storage: &Storage, endpoint: &Endpoint, count: u32) -> Vec<DeliveryId> {
    let mut letters = Vec::new();
    for number in 0..count {
        letters.push(dead(storage, endpoint, number).await);
    }
    letters
}

async fn a_replay_goes_through_all_of_it_and_ends(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 1).await;
    let letters = dead_letters(&storage, &endpoints[0], 25).await;
    let replay = start(&storage, &endpoints[0], 0, &EndedState::DEAD).await;
    let replay = replay.expect("none runs");
    assert_eq!((replay.matched, replay.replayed), (25, 0));
    assert_eq!(step(&storage, &replay, 10).await, Step::Replayed(10));
    // A process that ends here leaves nothing half done: another store goes on.
    let other = place.open().await;
    let running = other.redeliveries().running(10).await;
    assert_eq!(running.expect("lists"), [replay.id]);
    assert_eq!(step(&other, &replay, 10).await, Step::Replayed(10));
    assert_eq!(step(&other, &replay, 10).await, Step::Replayed(5));
    let end = RedeliveryEnd::Done;
    assert_eq!(step(&other, &replay, 10).await, Step::Ended(end));
    assert_eq!(step(&other, &replay, 10).await, Step::Overtaken);
    let ended = found(&storage, &replay).await;
    assert_eq!((ended.replayed, ended.end), (25, Some((seconds(11), end))));
    let taken = take(&storage, 100, &[], 12).await;
    assert_eq!(taken.due.len(), 25);
    for due in &taken.due {
        assert!(letters.contains(&due.id));
        assert_eq!((due.attempts, due.earlier), (0, 1));
        assert_eq!(due.deadline, seconds(11) + REPLAY_LASTS);
    }
    let foreign = storage
        .redeliveries()
        .find(Whose::Of(&did("other")), replay.id)
        .await;
    assert_eq!(foreign.expect("looks"), None);
}

async fn only_what_was_asked_for_is_replayed(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 2).await;
    let early = dead(&storage, &endpoints[0], 10).await;
    let late = dead(&storage, &endpoints[0], 20).await;
    let arrived = delivered(&storage, &endpoints[0], 21).await;
    let elsewhere = dead(&storage, &endpoints[1], 22).await;
    let after = dead(&storage, &endpoints[0], 10_001).await;
    let replay = start(&storage, &endpoints[0], 15, &EndedState::DEAD).await;
    let replay = replay.expect("none runs");
    assert_eq!(step(&storage, &replay, 10).await, Step::Replayed(1));
    for (id, open) in [
        (early, false),
        (late, true),
        (arrived, false),
        (elsewhere, false),
        (after, false),
    ] {
        assert_eq!(state(&storage, id).await.is_open(), open, "{id}");
    }
    step(&storage, &replay, 10).await;
    let again = start(&storage, &endpoints[0], 16, &[EndedState::Delivered]).await;
    let again = again.expect("the first has ended");
    assert_eq!(again.matched, 1);
    assert_eq!(step(&storage, &again, 10).await, Step::Replayed(1));
    assert!(state(&storage, arrived).await.is_open());
}

async fn one_replay_of_an_endpoint_at_a_time(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 2).await;
    let first = start(&storage, &endpoints[0], 1, &EndedState::DEAD).await;
    let first = first.expect("none runs");
    assert_eq!(
        start(&storage, &endpoints[0], 2, &EndedState::DEAD).await,
        None
    );
    assert!(
        start(&storage, &endpoints[1], 3, &EndedState::DEAD)
            .await
            .is_some()
    );
    step(&storage, &first, 10).await;
    assert!(
        start(&storage, &endpoints[0], 4, &EndedState::DEAD)
            .await
            .is_some()
    );
    let redeliveries = storage.redeliveries();
    assert_eq!(
        redeliveries.sweep(seconds(11), 10).await.expect("sweeps"),
        0
    );
    assert_eq!(
        redeliveries.sweep(seconds(12), 10).await.expect("sweeps"),
        1
    );
}

async fn two_nodes_do_each_batch_once(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 1).await;
    dead_letters(&storage, &endpoints[0], 40).await;
    let replay = start(&storage, &endpoints[0], 0, &EndedState::DEAD).await;
    let replay = replay.expect("none runs");
    let other = place.open().await;
    let mut replayed = 0;
    loop {
        let (one, two) = tokio::join!(step(&storage, &replay, 3), step(&other, &replay, 3));
        for step in [one, two] {
            if let Step::Replayed(count) = step {
                replayed += count;
            }
        }
        if found(&storage, &replay).await.end.is_some() {
            break;
        }
    }
    assert_eq!(
        (replayed, found(&storage, &replay).await.replayed),
        (40, 40)
    );
    assert_eq!(take(&storage, 100, &[], 12).await.due.len(), 40);
}

async fn a_disabled_endpoint_stops_its_replay(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 1).await;
    let letters = dead_letters(&storage, &endpoints[0], 3).await;
    let replay = start(&storage, &endpoints[0], 0, &EndedState::DEAD).await;
    let replay = replay.expect("none runs");
    let mut tx = storage.begin().await.expect("begins");
    storage
        .endpoints()
        .disable(&mut tx, endpoints[0].id, DisableReason::Owner, START)
        .await
        .expect("disables");
    tx.commit().await.expect("commits");
    let end = RedeliveryEnd::Disabled;
    assert_eq!(step(&storage, &replay, 10).await, Step::Ended(end));
    assert_eq!(found(&storage, &replay).await.end, Some((seconds(11), end)));
    for id in letters {
        assert_eq!(state(&storage, id).await.name(), "abandoned");
    }
}

async fn what_is_cancelled_stays_so_until_it_is_replayed(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 2).await;
    let made = enqueue_all(&storage, &endpoints[0], 0..5, KIND).await;
    let other = enqueue_all(&storage, &endpoints[1], 5..6, KIND).await;
    let held = take(&storage, 2, &[endpoints[1].id], 1).await.due.len();
    assert_eq!(held, 2);
    let deliveries = storage.deliveries();
    let mut tx = storage.begin().await.expect("begins");
    let id = endpoints[0].id;
    let one = deliveries.cancel(&mut tx, &made[4..], seconds(2)).await;
    assert_eq!(one.expect("cancels"), made[4..]);
    let rest = deliveries.cancel_all(&mut tx, id, seconds(2)).await;
    assert_eq!(rest.expect("cancels"), 4);
    tx.commit().await.expect("commits");
    for &id in &made {
        let state = state(&storage, id).await;
        assert!(matches!(state, State::Cancelled { .. }), "{state}");
    }
    assert!(state(&storage, other[0]).await.is_open());
    let replay = start(&storage, &endpoints[0], 0, &[EndedState::Cancelled]).await;
    let replay = replay.expect("none runs");
    assert_eq!(step(&storage, &replay, 10).await, Step::Replayed(5));
}
