//! The endpoints of webhooks: made, changed and removed with them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use loggia_delivery::{
    CancelReason, DeliveryId, DisableReason, Endpoint, EndpointState, Profile, Queue, Recipient,
    Report, Secret, State,
};
use loggia_storage::{
    Inserted, Storage, Updated, Webhook, WebhookChange, WebhookFields, WebhookId,
};

use crate::fixture::{Place, START, did, notification, on_both, seconds};
use crate::work::{answered, enqueue, lease, node, settled, state};

on_both!(
    a_webhook_has_an_endpoint_of_its_own_id,
    switching_it_off_cancels_what_waits_and_on_tells_it_again,
    another_url_cancels_what_waits_and_is_a_new_start,
    a_webhook_with_a_history_can_be_deleted,
    only_webhooks_that_are_on_and_want_it_are_told,
    what_is_muted_is_seen_and_counts_for_nothing,
    a_webhook_is_signed_when_its_owner_wants_it,
    webhooks_of_older_databases_get_endpoints,
);

const URL: &str = "https://chat.example/room";

fn fields(url: &str, events: &[&str], active: bool) -> WebhookFields {
    WebhookFields {
        url: url.to_owned(),
        events: events.iter().map(|&event| event.to_owned()).collect(),
        active,
        ..WebhookFields::default()
    }
}

async fn insert(storage: &Storage, owner: &str, number: u8, fields: WebhookFields) -> Webhook {
    let id = WebhookId::new(seconds(number.into()), [number; 10]);
    let mut tx = storage.begin().await.expect("begins");
    let inserted = storage
        .webhooks()
        .insert(&mut tx, id, &did(owner), fields, 100, START)
        .await;
    tx.commit().await.expect("commits");
    match inserted {
        Ok(Inserted::Done(webhook)) => *webhook,
        other => panic!("not inserted: {other:?}"),
    }
}

async fn update(storage: &Storage, webhook: &Webhook, change: WebhookChange) -> Webhook {
    let mut tx = storage.begin().await.expect("begins");
    let updated = storage
        .webhooks()
        .update(&mut tx, &webhook.owner, webhook.id, change, seconds(500))
        .await;
    tx.commit().await.expect("commits");
    match updated {
        Ok(Updated::Done(webhook)) => *webhook,
        other => panic!("not updated: {other:?}"),
    }
}

async fn endpoint(storage: &Storage, webhook: &Webhook) -> Endpoint {
    let found = storage.endpoints().find(webhook.id.endpoint()).await;
    found.expect("finds").expect("is there")
}

/// Two deliveries: one that waits, one that a node holds.
async fn open(storage: &Storage, webhook: &Webhook) -> [DeliveryId; 2] {
    let endpoint = endpoint(storage, webhook).await;
    let mut open = Vec::new();
    for (number, lease) in [(1, None), (2, Some(lease(300)))] {
        let new = notification(number, None);
        let told = std::slice::from_ref(&endpoint);
        let enqueued = enqueue(storage, new, told, lease.as_ref()).await;
        open.push(DeliveryId {
            notification: enqueued.notification,
            endpoint: endpoint.id,
        });
    }
    open.try_into().expect("two")
}

fn cancelled(reason: CancelReason, at: Timestamp) -> State {
    State::Cancelled {
        attempts: 0,
        at,
        reason,
    }
}

fn active(active: bool) -> WebhookChange {
    WebhookChange {
        active: Some(active),
        ..WebhookChange::default()
    }
}

async fn a_webhook_has_an_endpoint_of_its_own_id(place: Place) {
    let storage = place.open().await;
    let on = insert(&storage, "alice", 1, fields(URL, &["chat"], true)).await;
    let found = endpoint(&storage, &on).await;
    assert_eq!((found.owner, found.target.as_str()), (did("alice"), URL));
    assert_eq!(found.profile, Profile::Stream);
    assert_eq!(found.state, EndpointState::Active);
    let off = insert(&storage, "bob", 2, fields(URL, &["chat"], false)).await;
    let reason = DisableReason::Owner;
    let disabled = EndpointState::Disabled { reason, at: START };
    assert_eq!(endpoint(&storage, &off).await.state, disabled);
    let owned = storage.endpoints();
    let owned = owned.find_owned(&did("bob"), off.id.endpoint()).await;
    let owned = owned.expect("finds").expect("its owner sees it");
    assert!(!owned.managed, "it is changed with its webhook alone");
}

async fn switching_it_off_cancels_what_waits_and_on_tells_it_again(place: Place) {
    let storage = place.open().await;
    let webhook = insert(&storage, "alice", 1, fields(URL, &["chat"], true)).await;
    let [waits, _] = open(&storage, &webhook).await;
    update(&storage, &webhook, active(false)).await;
    let ended = cancelled(CancelReason::Disabled, seconds(500));
    assert_eq!(state(&storage, waits).await, ended);
    assert_ne!(
        endpoint(&storage, &webhook).await.state,
        EndpointState::Active
    );
    update(&storage, &webhook, active(true)).await;
    assert_eq!(
        endpoint(&storage, &webhook).await.state,
        EndpointState::Active
    );
    assert_eq!(state(&storage, waits).await, ended, "it stays cancelled");

    // One that its receiver has disabled is told again after any change.
    let mut tx = storage.begin().await.expect("begins");
    let endpoints = storage.endpoints();
    let (id, reason) = (webhook.id.endpoint(), DisableReason::Gone);
    let disabled = endpoints.disable(&mut tx, id, reason, seconds(600)).await;
    disabled.expect("disables");
    tx.commit().await.expect("commits");
    let renamed = WebhookChange {
        name: Some("again".to_owned()),
        ..WebhookChange::default()
    };
    update(&storage, &webhook, renamed).await;
    assert_eq!(
        endpoint(&storage, &webhook).await.state,
        EndpointState::Active
    );
}

async fn another_url_cancels_what_waits_and_is_a_new_start(place: Place) {
    let storage = place.open().await;
    let webhook = insert(&storage, "alice", 1, fields(URL, &["chat"], true)).await;
    let [waits, held] = open(&storage, &webhook).await;
    let failing = enqueue(
        &storage,
        notification(3, None),
        &[endpoint(&storage, &webhook).await],
        Some(&lease(300)),
    )
    .await;
    let ended = State::Delivered {
        attempts: 1,
        at: START,
    };
    let done = settled(&failing.due[0], ended, answered(500), Report::Failed);
    let recorded = storage.deliveries().record(&node(), &[done], START).await;
    recorded.expect("records");

    // What leaves the URL as it is leaves what waits, and what has failed.
    let same = WebhookChange {
        url: Some(URL.to_owned()),
        prefix: Some("> ".to_owned()),
        ..WebhookChange::default()
    };
    assert_eq!(update(&storage, &webhook, same).await.error_count, 1);
    assert!(matches!(
        state(&storage, waits).await,
        State::Pending { .. }
    ));

    let url = "https://chat.example/other";
    let moved = WebhookChange {
        url: Some(url.to_owned()),
        ..WebhookChange::default()
    };
    assert_eq!(update(&storage, &webhook, moved).await.error_count, 0);
    for id in [waits, held] {
        let ended = cancelled(CancelReason::Changed, seconds(500));
        assert_eq!(state(&storage, id).await, ended);
    }
    let found = endpoint(&storage, &webhook).await;
    assert_eq!(found.target.as_str(), url);
    assert_eq!(found.health.consecutive_failures, 0);
    let shown = storage.webhooks().find(&did("alice"), webhook.id).await;
    assert_eq!(shown.expect("finds").expect("is there").error_count, 0);
}

async fn a_webhook_with_a_history_can_be_deleted(place: Place) {
    let storage = place.open().await;
    let webhook = insert(&storage, "alice", 1, fields(URL, &["chat"], true)).await;
    let fresh = insert(&storage, "bob", 2, fields(URL, &["chat"], true)).await;
    let [waits, _] = open(&storage, &webhook).await;
    for webhook in [&webhook, &fresh] {
        let mut tx = storage.begin().await.expect("begins");
        let webhooks = storage.webhooks();
        let deleted = webhooks.delete(&mut tx, &webhook.owner, webhook.id, seconds(9));
        assert!(deleted.await.expect("deletes"));
        tx.commit().await.expect("commits");
    }
    let ended = cancelled(CancelReason::Disabled, seconds(9));
    assert_eq!(state(&storage, waits).await, ended);
    let endpoints = storage.endpoints();
    let seen = endpoints
        .find_owned(&webhook.owner, webhook.id.endpoint())
        .await;
    assert_eq!(seen.expect("finds"), None);
    // The row of the one without a history goes with the next sweep.
    let swept = endpoints.sweep(seconds(1000), 10).await;
    assert_eq!(swept.expect("sweeps"), 1);
    insert(&storage, "alice", 3, fields(URL, &["chat"], true)).await;
}

async fn only_webhooks_that_are_on_and_want_it_are_told(place: Place) {
    let storage = place.open().await;
    let all = [
        (
            "alice",
            "https://a.example/1",
            &["chat", "follow"][..],
            true,
        ),
        ("alice", "https://a.example/2", &["follow"], true),
        ("alice", "https://a.example/3", &["chat"], false),
        ("alice", "https://a.example/4", &["mention", "chat"], true),
        ("bob", "https://a.example/1", &["mention"], true),
    ];
    for (number, (owner, url, events, active)) in (1..).zip(all) {
        insert(&storage, owner, number, fields(url, events, active)).await;
    }
    let mut tx = storage.begin().await.expect("begins");
    let webhooks = storage.webhooks();
    let (alice, bob, nobody) = (did("alice"), did("bob"), did("nobody"));
    let asked = BTreeSet::from([
        (alice.as_str(), "chat"),
        (alice.as_str(), "livestream"),
        (bob.as_str(), "mention"),
        (bob.as_str(), "chat"),
        (nobody.as_str(), "chat"),
    ]);
    let mut wanted: Vec<_> = webhooks
        .wanted(&mut tx, &asked)
        .await
        .expect("looks")
        .into_iter()
        .collect();
    wanted.sort();
    let pair = |owner: &str, event: &str| (did(owner).to_string(), event.to_owned());
    assert_eq!(wanted, [pair("alice", "chat"), pair("bob", "mention")]);
    let told = webhooks.told(&mut tx, &alice, "chat").await.expect("lists");
    let urls: Vec<_> = told
        .iter()
        .map(|webhook| webhook.fields.url.as_str())
        .collect();
    assert_eq!(urls, ["https://a.example/1", "https://a.example/4"]);
    assert_eq!(told[1].fields.events, ["mention", "chat"]);
}

async fn what_is_muted_is_seen_and_counts_for_nothing(place: Place) {
    let storage = place.open().await;
    let webhook = insert(&storage, "alice", 1, fields(URL, &["chat"], true)).await;
    let recipient = Recipient {
        muted: true,
        ..Recipient::new(webhook.id.endpoint(), Timestamp::MAX)
    };
    let mut tx = storage.begin().await.expect("begins");
    let (new, lease) = (notification(1, None), lease(300));
    let enqueued = storage
        .deliveries()
        .enqueue(&mut tx, new, &[recipient], Some(&lease), START)
        .await
        .expect("enqueues");
    tx.commit().await.expect("commits");
    assert_eq!(
        (enqueued.new, enqueued.pending, enqueued.due.len()),
        (1, 0, 0)
    );
    let id = DeliveryId {
        notification: enqueued.notification,
        endpoint: webhook.id.endpoint(),
    };
    let muted = cancelled(CancelReason::Muted, START);
    assert_eq!(state(&storage, id).await, muted);
    let found = storage.webhooks().find(&webhook.owner, webhook.id).await;
    let found = found.expect("finds").expect("is there");
    assert_eq!((found.last_triggered, found.error_count), (None, 0));

    let mut tx = storage.begin().await.expect("begins");
    let deliveries = storage.deliveries();
    let replayed = deliveries
        .replay(&mut tx, &[id], Timestamp::MAX, seconds(5))
        .await;
    assert_eq!(replayed.expect("replays"), [id], "its owner may have it");
    tx.commit().await.expect("commits");
}

async fn a_webhook_is_signed_when_its_owner_wants_it(place: Place) {
    let storage = place.open().await;
    let webhook = insert(&storage, "alice", 1, fields(URL, &["chat"], true)).await;
    let sign = async |owner: &str, secret: Option<Secret>| {
        let mut tx = storage.begin().await.expect("begins");
        let webhooks = storage.webhooks();
        let owner = did(owner);
        let signed = webhooks.sign(&mut tx, &owner, webhook.id, secret).await;
        let signed = signed.expect("signs");
        tx.commit().await.expect("commits");
        let secrets = endpoint(&storage, &webhook).await.secrets;
        (signed, secrets.current)
    };
    let secret = Secret::generate([3; 32]);
    assert_eq!(sign("bob", Some(secret.clone())).await, (false, None));
    let signed = sign("alice", Some(secret.clone())).await;
    assert_eq!(signed, (true, Some(secret)));
    assert_eq!(sign("alice", None).await, (true, None));
}

async fn webhooks_of_older_databases_get_endpoints(place: Place) {
    let storage = place.open().await;
    let on = insert(&storage, "alice", 1, fields(URL, &["chat"], true)).await;
    let off = insert(&storage, "bob", 2, fields(URL, &["chat"], false)).await;
    storage.close().await;
    drop(storage);
    // As the step before left it.
    place.damage("DELETE FROM endpoint").await;
    place
        .damage("DELETE FROM _sqlx_migrations WHERE version = 12")
        .await;
    let forget = "ALTER TABLE webhook DROP COLUMN format";
    place.execute(forget, forget).await;

    let storage = place.open().await;
    assert_eq!(endpoint(&storage, &on).await.state, EndpointState::Active);
    assert_eq!(endpoint(&storage, &on).await.target.as_str(), URL);
    let reason = DisableReason::Owner;
    let disabled = EndpointState::Disabled { reason, at: START };
    assert_eq!(endpoint(&storage, &off).await.state, disabled);
}
