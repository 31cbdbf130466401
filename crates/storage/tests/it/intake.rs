//! Enqueueing for many at once.

use jiff::Timestamp;
use loggia_delivery::{EndpointId, Recipient};
use loggia_storage::{Intake, OwnedEndpoint, StorageError, To, Wish};

use crate::fixture::{Place, START, did, endpoint, notification, on_both};
use crate::work::{add_endpoints, lease};

on_both!(
    everybody_gets_their_own_answer,
    who_cannot_be_served_keeps_nobody_else_from_it,
    an_owner_is_told_by_kind,
);

fn wish(number: u8, to: To) -> Wish {
    Wish {
        new: notification(number, Some(&format!("event {}", number % 50))),
        to,
        lease: Some(lease(300)),
        room: 1,
        now: START,
    }
}

fn these(id: EndpointId) -> To {
    To::These(vec![Recipient::new(id, Timestamp::MAX)])
}

/// Wishes for all of these at once; the answers in their order.
async fn at_once(
    intake: &Intake,
    wishes: Vec<Wish>,
) -> Vec<Result<loggia_storage::Enqueued, StorageError>> {
    let tasks = wishes.into_iter().map(|wish| {
        let intake = intake.clone();
        tokio::spawn(async move { intake.enqueue(wish).await })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.expect("no panic"));
    }
    answers
}

async fn everybody_gets_their_own_answer(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 3).await;
    let to = |number: u8| these(endpoints[usize::from(number % 3)].id);
    let wishes = (0..50).map(|number| wish(number, to(number))).collect();
    let answers = at_once(&storage.intake(), wishes).await;
    for (number, answer) in (0..50).zip(answers) {
        let enqueued = answer.expect("is enqueued");
        let expected = notification(number, None).notification.id;
        assert_eq!(enqueued.notification, expected);
        assert_eq!((enqueued.new, enqueued.due.len()), (1, 1));
        let told = enqueued.due[0].id.endpoint;
        assert_eq!(told, endpoints[usize::from(number % 3)].id);
    }
    let again = (0..50).map(|number| wish(number + 50, to(number)));
    for answer in at_once(&storage.intake(), again.collect()).await {
        assert_eq!(answer.expect("is there already").new, 0);
    }
    let backlog = storage.deliveries().backlog().await.expect("counts");
    assert_eq!((backlog.pending, backlog.leased), (0, 50));
}

async fn who_cannot_be_served_keeps_nobody_else_from_it(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 1).await;
    let missing = endpoint(9).id;
    let to = |number: u8| match number % 10 {
        0 => these(missing),
        _ => these(endpoints[0].id),
    };
    let wishes = (0..40).map(|number| wish(number, to(number))).collect();
    for (number, answer) in (0..40).zip(at_once(&storage.intake(), wishes).await) {
        match answer {
            Ok(enqueued) => assert_eq!((number % 10 == 0, enqueued.new), (false, 1)),
            Err(StorageError::NoEndpoint(id)) => assert_eq!((number % 10, id), (0, missing)),
            Err(error) => panic!("{number}: {error:?}"),
        }
    }
}

async fn an_owner_is_told_by_kind(place: Place) {
    let storage = place.open().await;
    let kind = notification(0, None).notification.kind;
    let mut tx = storage.begin().await.expect("begins");
    for (number, owner, kinds) in [
        (1, "feed", vec![kind.clone()]),
        (2, "feed", Vec::new()),
        (4, "feed", vec![kind.clone()]),
        (3, "other", vec![kind]),
    ] {
        let mut owned = OwnedEndpoint::new(endpoint(number));
        owned.endpoint.owner = did(owner);
        owned.kinds = kinds;
        let created = storage.endpoints().create(&mut tx, &owned, 10).await;
        assert!(created.expect("creates"));
    }
    tx.commit().await.expect("commits");
    let owners = ["feed", "other", "nobody"];
    let wishes = (0..30).map(|number| {
        let owner = did(owners[usize::from(number % 3)]);
        wish(number, To::Wanting(owner))
    });
    for (number, answer) in (0..30).zip(at_once(&storage.intake(), wishes.collect()).await) {
        let enqueued = answer.expect("is enqueued");
        let beyond = usize::from(number % 3 == 0);
        assert_eq!(enqueued.pending, beyond, "there is room for one");
        let due = enqueued.due;
        let told: Vec<_> = due.iter().map(|due| due.id.endpoint).collect();
        let expected: &[_] = match number % 3 {
            0 => &[endpoint(1).id],
            1 => &[endpoint(3).id],
            _ => &[],
        };
        assert_eq!(told, expected);
    }
}
