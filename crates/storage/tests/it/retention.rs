//! What becomes of deliveries after they ended.

use loggia_delivery::{AbandonReason, Due, Profile, Queue, Report, State};
use loggia_storage::{Deliveries, EndedBefore, Storage};

use crate::fixture::{Place, notification, on_both, seconds};
use crate::work::{add_endpoints, answered, enqueue, lease, node, settled};

on_both!(
    what_is_over_goes_with_all_that_hangs_on_it,
    dead_letters_stay_longer,
    what_changed_since_it_was_looked_at_stays,
    the_newest_attempts_are_kept,
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

async fn the_newest_attempts_are_kept(place: Place) {
    let storage = place.open().await;
    let [delivered, abandoned] = two_that_ended(&storage).await;
    place
        .damage("UPDATE attempt SET started_at = started_at + 1 WHERE status = 404")
        .await;
    let deliveries = storage.deliveries();
    let count = async |due: &Due| deliveries.attempts(due.id).await.expect("lists").len();
    for (profile, most) in [(Profile::Wisp, 1), (Profile::SpaceWebhook, 2)] {
        let kept = deliveries.keep_newest_attempts(profile, most).await;
        kept.expect("keeps");
        assert_eq!((count(&delivered).await, count(&abandoned).await), (1, 1));
    }
    let kept = deliveries
        .keep_newest_attempts(Profile::SpaceWebhook, 1)
        .await;
    kept.expect("keeps");
    assert_eq!((count(&delivered).await, count(&abandoned).await), (0, 1));
}
