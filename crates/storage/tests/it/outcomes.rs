//! Outcomes: attempts, states and endpoint health in one transaction for each batch.

use jiff::SignedDuration;
use loggia_delivery::{DisableReason, EndpointState, HealthRules, NodeId, Queue, Report, State};
use loggia_storage::{Inserted, WebhookFields, WebhookId};

use crate::fixture::{Place, START, endpoint, notification, on_both, seconds};
use crate::work::{add_endpoints, answered, enqueue, lease, node, settled, state, take};

on_both!(
    a_leased_delivery_comes_along_whole_and_its_outcome_is_kept,
    an_endpoint_that_fails_for_long_is_disabled_with_its_backlog,
    a_delivery_that_is_not_held_is_not_touched,
    a_webhook_shows_how_its_endpoint_is_doing,
);

async fn a_leased_delivery_comes_along_whole_and_its_outcome_is_kept(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 1).await;
    let enqueued = enqueue(
        &storage,
        notification(1, None),
        &endpoints,
        Some(&lease(300)),
    )
    .await;
    let [due] = &enqueued.due[..] else {
        panic!("one delivery")
    };
    assert_eq!(*due.endpoint, endpoints[0], "the secret opens");
    assert_eq!(*due.notification, notification(1, None).notification);
    assert_eq!(state(&storage, due.id).await, due.state());
    assert!(
        take(&storage, 10, &[], 1).await.due.is_empty(),
        "nobody else gets it"
    );

    let delivered = State::Delivered {
        attempts: 1,
        at: seconds(2),
    };
    let done = settled(due, delivered.clone(), answered(204), Report::Succeeded);
    let deliveries = storage.deliveries();
    let batch = std::slice::from_ref(&done);
    let recorded = deliveries.record(&node(), batch, seconds(2)).await;
    assert_eq!(recorded.expect("records").stale.len(), 0);
    assert_eq!(state(&storage, due.id).await, delivered);
    assert_eq!(
        deliveries.attempts(due.id).await.expect("lists"),
        [done.attempt.expect("made")]
    );
    let health = storage
        .endpoints()
        .find(due.id.endpoint)
        .await
        .expect("finds")
        .expect("is")
        .health;
    assert_eq!(health.last_success, Some(seconds(2)));
}

async fn an_endpoint_that_fails_for_long_is_disabled_with_its_backlog(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 1).await;
    let rules = HealthRules {
        failures: 2,
        over: SignedDuration::from_secs(10),
    };
    let deliveries = storage.deliveries().with_rules(rules);
    for number in 1..=2 {
        let now = i64::from(number) * 100;
        let enqueued = enqueue(
            &storage,
            notification(number, None),
            &endpoints,
            Some(&lease(now + 300)),
        )
        .await;
        let retry = State::Pending {
            attempts: 1,
            due: seconds(5000),
        };
        let failed = settled(&enqueued.due[0], retry, answered(500), Report::Failed);
        let recorded = deliveries
            .record(&node(), &[failed], seconds(now))
            .await
            .expect("records");
        assert_eq!(recorded.disabled.len(), usize::from(number - 1));
    }
    let found = storage
        .endpoints()
        .find(endpoints[0].id)
        .await
        .expect("finds")
        .expect("is there");
    let reason = DisableReason::Failing;
    assert_eq!(
        found.state,
        EndpointState::Disabled {
            reason,
            at: seconds(200)
        }
    );
    assert_eq!(deliveries.backlog().await.expect("counts").pending, 0);
}

async fn a_delivery_that_is_not_held_is_not_touched(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 1).await;
    let enqueued = enqueue(
        &storage,
        notification(1, None),
        &endpoints,
        Some(&lease(300)),
    )
    .await;
    let delivered = State::Delivered {
        attempts: 1,
        at: seconds(2),
    };
    let done = settled(
        &enqueued.due[0],
        delivered,
        answered(200),
        Report::Succeeded,
    );
    let other = NodeId::new("there");
    let recorded = storage
        .deliveries()
        .record(&other, &[done], seconds(2))
        .await;
    assert_eq!(recorded.expect("records").stale.len(), 1);
    assert_eq!(
        state(&storage, enqueued.due[0].id).await,
        enqueued.due[0].state()
    );
}

async fn a_webhook_shows_how_its_endpoint_is_doing(place: Place) {
    let storage = place.open().await;
    let id = WebhookId::new(START, [1; 10]);
    let endpoint = endpoint(1);
    assert_eq!(id.endpoint(), endpoint.id);
    let fields = WebhookFields {
        url: endpoint.target.as_str().to_owned(),
        active: true,
        ..WebhookFields::default()
    };
    let mut tx = storage.begin().await.expect("begins");
    let webhooks = storage.webhooks();
    let owner = &endpoint.owner;
    let inserted = webhooks.insert(&mut tx, id, owner, fields, 1, START).await;
    assert!(matches!(inserted, Ok(Inserted::Done(_))), "{inserted:?}");
    tx.commit().await.expect("commits");

    let steps = [
        (500, Report::Failed, (None, 1)),
        (503, Report::Failed, (None, 2)),
        (204, Report::Succeeded, (Some(seconds(3)), 0)),
        (404, Report::Failed, (Some(seconds(3)), 1)),
    ];
    for (number, (status, report, expected)) in (1..).zip(steps) {
        let now = seconds(number.into());
        let told = std::slice::from_ref(&endpoint);
        let lease = lease(300);
        let enqueued = enqueue(&storage, notification(number, None), told, Some(&lease)).await;
        let ended = State::Delivered {
            attempts: 1,
            at: now,
        };
        let done = settled(&enqueued.due[0], ended, answered(status), report);
        let recorded = storage.deliveries().record(&node(), &[done], now).await;
        assert_eq!(recorded.expect("records").stale.len(), 0);
        let webhook = webhooks.find(owner, id).await.expect("finds");
        let webhook = webhook.expect("is there");
        let shown = (webhook.last_triggered, webhook.error_count);
        assert_eq!(shown, expected, "after {status}");
    }
}
