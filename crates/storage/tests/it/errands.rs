//! What is to be done after others were asked.

use loggia_storage::{Errand, Storage};

use crate::fixture::{Place, on_both, seconds};

on_both!(
    an_errand_is_due_at_once_and_gone_when_it_is_done,
    a_newer_payload_takes_the_place_of_the_older_one,
    a_failed_attempt_waits,
    what_was_not_attempted_waits_and_has_not_failed,
    an_errand_that_was_undone_with_its_cause_never_was,
    what_is_under_way_leaves_room_for_the_rest,
    of_two_payloads_the_greater_stays_in_whatever_order_they_come,
);

async fn put(storage: &Storage, subject: &str, payload: &str, at: i64) {
    let mut tx = storage.begin().await.expect("begins");
    let errands = storage.errands();
    errands
        .put(&mut tx, "read", subject, payload, seconds(at))
        .await
        .expect("puts");
    tx.commit().await.expect("commits");
}

async fn due(storage: &Storage, at: i64) -> Vec<Errand> {
    let due = storage.errands().due("read", seconds(at), 10).await;
    due.expect("looks")
}

async fn done(storage: &Storage, errand: &Errand) -> bool {
    let mut tx = storage.begin().await.expect("begins");
    let done = storage.errands().done(&mut tx, errand).await;
    tx.commit().await.expect("commits");
    done.expect("answers")
}

async fn an_errand_is_due_at_once_and_gone_when_it_is_done(place: Place) {
    let storage = place.open().await;
    put(&storage, "a", "{}", 0).await;
    put(&storage, "b", "{}", 1).await;
    let found = due(&storage, 0).await;
    assert_eq!(found.len(), 1);
    assert_eq!((&*found[0].subject, found[0].attempts), ("a", 0));
    assert_eq!(found[0].created_at, seconds(0));
    assert_eq!(storage.errands().open("read").await.expect("counts"), 2);
    assert_eq!(storage.errands().open("other").await.expect("counts"), 0);
    assert!(done(&storage, &found[0]).await);
    assert!(!done(&storage, &found[0]).await, "it was done already");
    let next = storage.errands().next_due("read").await.expect("looks");
    assert_eq!(next, Some(seconds(1)));
}

async fn a_newer_payload_takes_the_place_of_the_older_one(place: Place) {
    let storage = place.open().await;
    put(&storage, "a", "1", 0).await;
    let old = due(&storage, 0).await.remove(0);
    put(&storage, "a", "2", 5).await;
    assert!(!done(&storage, &old).await, "it is wanted anew");
    let errands = storage.errands();
    errands
        .postpone(&old, seconds(100), "too late")
        .await
        .expect("postpones");
    let new = due(&storage, 5).await;
    assert_eq!(new.len(), 1, "a failure of the older one moves nothing");
    assert_eq!((&*new[0].payload, new[0].attempts), ("2", 0));
    assert_eq!(new[0].created_at, seconds(0));
    assert!(done(&storage, &new[0]).await);
}

async fn a_failed_attempt_waits(place: Place) {
    let storage = place.open().await;
    put(&storage, "a", "1", 0).await;
    let errand = due(&storage, 0).await.remove(0);
    let errands = storage.errands();
    let long = "no answer, ".repeat(200);
    errands
        .postpone(&errand, seconds(60), &long)
        .await
        .expect("postpones");
    assert!(due(&storage, 59).await.is_empty());
    let again = due(&storage, 60).await;
    assert_eq!(again[0].attempts, 1);
    let error = errands.last_error("read", "a").await.expect("looks");
    assert_eq!(error.as_deref(), Some(&long[..500]));
    assert!(done(&storage, &again[0]).await);
}

async fn what_was_not_attempted_waits_and_has_not_failed(place: Place) {
    let storage = place.open().await;
    put(&storage, "a", "1", 0).await;
    let errand = due(&storage, 0).await.remove(0);
    let errands = storage.errands();
    errands.defer(&errand, seconds(60)).await.expect("defers");
    assert!(due(&storage, 59).await.is_empty());
    let again = due(&storage, 60).await;
    assert_eq!((again[0].attempts, &*again[0].payload), (0, "1"));
    put(&storage, "a", "2", 61).await;
    errands.defer(&errand, seconds(900)).await.expect("defers");
    assert_eq!(due(&storage, 61).await.len(), 1, "it is wanted anew");
}

async fn an_errand_that_was_undone_with_its_cause_never_was(place: Place) {
    let storage = place.open().await;
    let mut tx = storage.begin().await.expect("begins");
    let all = [("b", "1"), ("a", "2"), ("b", "3")];
    let errands = storage.errands();
    errands
        .put_all(&mut tx, "read", &all, seconds(0))
        .await
        .expect("puts");
    drop(tx);
    assert!(due(&storage, 9).await.is_empty());
    let mut tx = storage.begin().await.expect("begins");
    let put = errands.put_all(&mut tx, "read", &all, seconds(0)).await;
    put.expect("puts");
    tx.commit().await.expect("commits");
    let mut found = due(&storage, 9).await;
    found.sort_by(|one, other| one.subject.cmp(&other.subject));
    let found: Vec<_> = found
        .iter()
        .map(|one| (&*one.subject, &*one.payload))
        .collect();
    assert_eq!(found, [("a", "2"), ("b", "3")], "each once, the last one");
}

async fn what_is_under_way_leaves_room_for_the_rest(place: Place) {
    let storage = place.open().await;
    for number in 0..20 {
        put(&storage, &format!("{number} at://hostile"), "{}", 0).await;
    }
    for (subject, at) in [("a at://good", 1), ("hostile", 2), ("at://other%", 3)] {
        put(&storage, subject, "{}", at).await;
    }
    let errands = storage.errands();
    let found = async |ends: &[&str]| {
        let ends: Vec<_> = ends.iter().map(|end| (*end).to_owned()).collect();
        let found = errands.due_besides("read", &ends, seconds(9), 4).await;
        let found = found.expect("looks").into_iter();
        found.map(|errand| errand.subject).collect::<Vec<_>>()
    };
    assert_eq!(found(&[]).await.len(), 4);
    let rest = ["a at://good", "hostile", "at://other%"];
    assert_eq!(found(&["at://hostile"]).await, rest);
    let ends = ["at://hostile", "at://other%"];
    assert_eq!(found(&ends).await, rest[..2]);
    let long = "at://longer than any of the subjects";
    assert_eq!(found(&["at://hostile", long]).await, rest);
}

async fn of_two_payloads_the_greater_stays_in_whatever_order_they_come(place: Place) {
    let storage = place.open().await;
    let raise = async |payload: &str, at: i64| {
        let mut tx = storage.begin().await.expect("begins");
        let all = [("a", payload), ("a", "0")];
        let errands = storage.errands();
        let raised = errands.raise_all(&mut tx, "read", &all, seconds(at)).await;
        raised.expect("puts");
        tx.commit().await.expect("commits");
    };
    raise("2", 0).await;
    let old = due(&storage, 0).await.remove(0);
    assert_eq!(old.payload, "2");
    raise("1", 1).await;
    assert_eq!(
        due(&storage, 1).await,
        std::slice::from_ref(&old),
        "that is old"
    );
    raise("3", 2).await;
    let new = due(&storage, 2).await.remove(0);
    assert_eq!(new.payload, "3");
    assert!(!done(&storage, &old).await, "more is wanted");
    assert!(done(&storage, &new).await);
}
