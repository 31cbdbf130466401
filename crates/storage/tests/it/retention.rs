//! What becomes of deliveries after they ended.

use jiff::Timestamp;
use loggia_delivery::{AbandonReason, Due, Profile, Queue, Report, State};
use loggia_storage::{Deliveries, EndedBefore, Storage};

use crate::fixture::{Place, START, notification, on_both, seconds};
use crate::work::{add_endpoints, answered, enqueue, lease, node, settled};

on_both!(
    what_is_over_goes_with_all_that_hangs_on_it,
    dead_letters_stay_longer,
    what_changed_since_it_was_looked_at_stays,
    the_newest_deliveries_are_kept,
);

/// One delivery that was delivered at second 2, and one that was given up then.
async fn two_that_ended(storage: &Storage) -> [Due; 2] {
    let endpoints = add_endpoints(storage, 1).await;
    let mut ended = Vec::new();
    for number in [1, 2] {
        let new = notification(number, None);
        let enqueued = enqueue(storage, new, &endpoints, Some(&lease(300))).await;
        ended.extend(enqueued.due);
    }
    let at = seconds(2);
    let reason = AbandonReason::Permanent;
    let states = [
        (State::Delivered { attempts: 1, at }, 200, Report::Succeeded),
        (
            State::Abandoned {
                attempts: 1,
                at,
                reason,
            },
            404,
            Report::Failed,
        ),
    ];
    let settled: Vec<_> = (ended.iter().zip(states))
        .map(|(due, (state, status, report))| settled(due, state, answered(status), report))
        .collect();
    let recorded = storage.deliveries().record(&node(), &settled, at).await;
    recorded.expect("records");
    ended.try_into().expect("two")
}

async fn over(deliveries: &Deliveries, delivered: i64, dead: i64) -> Vec<loggia_storage::Ended> {
    let before = EndedBefore {
        delivered: seconds(delivered),
        dead_letters: seconds(dead),
    };
    deliveries.ended(&before, 10).await.expect("looks")
}

async fn what_is_over_goes_with_all_that_hangs_on_it(place: Place) {
    let storage = place.open().await;
    let [delivered, abandoned] = two_that_ended(&storage).await;
    let deliveries = storage.deliveries();
    assert!(over(&deliveries, 2, 2).await.is_empty());
    let ended = over(&deliveries, 3, 0).await;
    assert_eq!(ended.len(), 1);

    let retired = deliveries
        .retired(&ended[0])
        .await
        .expect("reads")
        .expect("is");
    assert_eq!(retired.notification, *delivered.notification);
    assert_eq!(
        (retired.endpoint, &retired.owner),
        (delivered.id.endpoint, &delivered.endpoint.owner)
    );
    assert_eq!((retired.state, retired.reason), ("delivered", None));
    assert_eq!((retired.ended_at, retired.attempts.len()), (seconds(2), 1));

    assert_eq!(deliveries.remove(&ended).await.expect("removes"), 1);
    let list = async |due: &Due| deliveries.list(due.id.notification).await.expect("lists");
    assert!(list(&delivered).await.is_empty());
    assert!(
        deliveries
            .attempts(delivered.id)
            .await
            .expect("lists")
            .is_empty()
    );
    assert_eq!(list(&abandoned).await.len(), 1);
    let notifications = "SELECT CAST(count(*) AS TEXT) FROM notification";
    assert_eq!(place.ask(notifications).await, "1", "the other one's");
}

async fn dead_letters_stay_longer(place: Place) {
    let storage = place.open().await;
    let [_, abandoned] = two_that_ended(&storage).await;
    let deliveries = storage.deliveries();
    let ended = over(&deliveries, 0, 3).await;
    let [dead] = &ended[..] else { panic!("one") };
    assert_eq!(dead.id, abandoned.id);
    let retired = deliveries.retired(dead).await.expect("reads").expect("is");
    assert_eq!(
        (retired.state, retired.reason.as_deref()),
        ("abandoned", Some("permanent"))
    );
}

async fn what_changed_since_it_was_looked_at_stays(place: Place) {
    let storage = place.open().await;
    two_that_ended(&storage).await;
    let deliveries = storage.deliveries();
    let ended = over(&deliveries, 3, 0).await;
    place
        .damage("UPDATE delivery SET ended_at = ended_at + 1 WHERE state = 'delivered'")
        .await;
    assert!(
        deliveries
            .retired(&ended[0])
            .await
            .expect("reads")
            .is_none()
    );
    assert_eq!(deliveries.remove(&ended).await.expect("removes"), 0);
}

async fn the_newest_deliveries_are_kept(place: Place) {
    let storage = place.open().await;
    let [delivered, abandoned] = two_that_ended(&storage).await;
    assert_eq!(delivered.endpoint.id, abandoned.endpoint.id);
    let (deliveries, endpoint) = (storage.deliveries(), delivered.endpoint.id);
    let crowded = async |profile, most| {
        let crowded = deliveries.crowded(profile, most, 9).await;
        crowded.expect("looks")
    };
    assert_eq!(crowded(Profile::SpaceWebhook, 1).await, [endpoint]);
    assert!(crowded(Profile::SpaceWebhook, 2).await.is_empty());
    assert!(crowded(Profile::Wisp, 1).await.is_empty());
    let beyond = async |most, before| {
        let beyond = deliveries.beyond_newest(endpoint, most, before, 9).await;
        let beyond = beyond.expect("looks").into_iter();
        beyond.map(|ended| ended.id).collect::<Vec<_>>()
    };
    let older = delivered.id.min(abandoned.id);
    assert_eq!(beyond(1, Timestamp::MAX).await, [older]);
    assert!(beyond(2, Timestamp::MAX).await.is_empty());
    assert!(beyond(1, START).await.is_empty(), "it ended just now");
}
