//! Webhooks that are told what happens in the spaces of their owner.

use jiff::SignedDuration;
use loggia_delivery::{
    DisableReason, Endpoint, EndpointId, EndpointState, Notification, Profile, Secret, Secrets,
    Target,
};
use loggia_storage::{CommunityWebhookChange, Storage, Whose};
use loggia_syntax::Nsid;

use crate::fixture::{Place, START, did, notification, on_both, recipient, seconds};

on_both!(
    a_webhook_is_told_of_what_it_asks_for,
    an_owner_has_as_many_webhooks_as_are_allowed,
    what_is_not_wanted_any_more_is_cancelled,
    a_webhook_is_stopped_and_told_again,
    only_its_owner_changes_a_webhook,
);

fn endpoint(owner: &str, number: u8) -> Endpoint {
    Endpoint::new(
        EndpointId::new(START, [number; 10]),
        did(owner),
        Target::new("https://hooks.example.com/").expect("a URL"),
        Profile::Bettermode,
        Secrets::one(Secret::generate([number; 32])),
        START,
    )
}

async fn insert(storage: &Storage, endpoint: &Endpoint, events: &[&str], most: u32) -> bool {
    let events: Vec<_> = events.iter().map(|&name| name.to_owned()).collect();
    let mut tx = storage.begin().await.expect("begins");
    let webhooks = storage.community_webhooks();
    let inserted = webhooks.insert(&mut tx, endpoint, &events, most).await;
    tx.commit().await.expect("commits");
    inserted.expect("runs")
}

async fn wanting(storage: &Storage, owner: &str, event: &str) -> Vec<EndpointId> {
    let mut tx = storage.begin().await.expect("begins");
    let webhooks = storage.community_webhooks();
    let wanting = webhooks.wanting(&mut tx, &did(owner), event).await;
    wanting.expect("runs")
}

async fn update(
    storage: &Storage,
    owner: &str,
    id: EndpointId,
    change: CommunityWebhookChange,
) -> bool {
    let mut tx = storage.begin().await.expect("begins");
    let owner = did(owner);
    let webhooks = storage.community_webhooks();
    let updated = webhooks
        .update(&mut tx, (&owner, id), change, seconds(5))
        .await;
    tx.commit().await.expect("commits");
    updated.expect("runs")
}

async fn a_webhook_is_told_of_what_it_asks_for(place: Place) {
    let storage = place.open().await;
    let (one, two) = (endpoint("alice", 1), endpoint("alice", 2));
    assert!(insert(&storage, &one, &["space.created", "space.deleted"], 9).await);
    assert!(insert(&storage, &two, &["space.created"], 9).await);
    assert_eq!(
        wanting(&storage, "alice", "space.created").await,
        [one.id, two.id]
    );
    assert_eq!(wanting(&storage, "alice", "space.deleted").await, [one.id]);
    assert_eq!(wanting(&storage, "alice", "space").await, []);
    assert_eq!(wanting(&storage, "bob", "space.created").await, []);
    let change = CommunityWebhookChange {
        events: Some(vec!["space.updated".to_owned()]),
        target: Some(Target::new("https://new.example.com/").expect("a URL")),
        in_order: Some(true),
        ..CommunityWebhookChange::default()
    };
    assert!(update(&storage, "alice", one.id, change).await);
    assert_eq!(wanting(&storage, "alice", "space.updated").await, [one.id]);
    let webhooks = storage.community_webhooks();
    let found = webhooks.find(&did("alice"), one.id).await.expect("runs");
    let found = found.expect("is there");
    let endpoint = &found.owned.endpoint;
    assert_eq!(found.events, ["space.updated"]);
    assert_eq!(endpoint.target.as_str(), "https://new.example.com/");
    assert!(endpoint.in_order && !found.owned.managed);
    let all = webhooks.list(&did("alice")).await.expect("runs");
    let ids: Vec<_> = all
        .iter()
        .map(|webhook| webhook.owned.endpoint.id)
        .collect();
    assert_eq!(ids, [two.id, one.id]);
}

async fn an_owner_has_as_many_webhooks_as_are_allowed(place: Place) {
    let storage = place.open().await;
    assert!(insert(&storage, &endpoint("alice", 1), &["space.created"], 1).await);
    assert!(!insert(&storage, &endpoint("alice", 2), &["space.created"], 1).await);
    assert!(insert(&storage, &endpoint("bob", 3), &["space.created"], 1).await);
    let webhooks = storage.community_webhooks();
    let owner = did("alice");
    assert_eq!(webhooks.count(&owner).await.expect("runs"), 1);
    let id = endpoint("alice", 1).id;
    for there in [true, false] {
        let mut tx = storage.begin().await.expect("begins");
        let deleted = webhooks.delete(&mut tx, (&owner, id), START).await;
        assert_eq!(deleted.expect("runs"), there);
        tx.commit().await.expect("commits");
    }
    assert!(webhooks.find(&owner, id).await.expect("runs").is_none());
    assert!(insert(&storage, &endpoint("alice", 4), &["space.created"], 1).await);
}

async fn what_is_not_wanted_any_more_is_cancelled(place: Place) {
    let storage = place.open().await;
    let endpoint = endpoint("alice", 1);
    assert!(insert(&storage, &endpoint, &["space.created", "space.updated"], 9).await);
    let kinds = ["com.example.created", "com.example.updated"].map(Nsid::from_static);
    let deliveries = storage.deliveries();
    let mut ids = Vec::new();
    for (number, kind) in (1..).zip(&kinds) {
        let mut new = notification(number, None);
        new.notification = Notification {
            kind: kind.clone(),
            ..new.notification
        };
        let mut tx = storage.begin().await.expect("begins");
        let to = [recipient(&endpoint)];
        let enqueued = deliveries.enqueue(&mut tx, new, &to, None, START).await;
        ids.push(enqueued.expect("enqueues").notification);
        tx.commit().await.expect("commits");
    }
    let change = CommunityWebhookChange {
        events: Some(vec!["space.updated".to_owned()]),
        dropped: vec![kinds[0].clone()],
        ..CommunityWebhookChange::default()
    };
    assert!(update(&storage, "alice", endpoint.id, change).await);
    let mut states = Vec::new();
    for notification in ids {
        let id = loggia_delivery::DeliveryId {
            notification,
            endpoint: endpoint.id,
        };
        let owner = did("alice");
        let found = deliveries.detail(Whose::Of(&owner), id).await;
        let found = found.expect("runs").expect("is there");
        states.push(found.delivery.state.name());
    }
    assert_eq!(states, ["cancelled", "pending"]);
}

async fn a_webhook_is_stopped_and_told_again(place: Place) {
    let storage = place.open().await;
    let endpoint = endpoint("alice", 1);
    assert!(insert(&storage, &endpoint, &["space.created"], 9).await);
    let state = async || {
        let found = storage.endpoints().find(endpoint.id).await.expect("runs");
        found.expect("is there").state
    };
    for (active, expected) in [
        (
            false,
            EndpointState::Disabled {
                reason: DisableReason::Owner,
                at: seconds(5),
            },
        ),
        (true, EndpointState::Active),
    ] {
        let change = CommunityWebhookChange {
            active: Some(active),
            ..CommunityWebhookChange::default()
        };
        assert!(update(&storage, "alice", endpoint.id, change).await);
        assert_eq!(state().await, expected);
    }
}

async fn only_its_owner_changes_a_webhook(place: Place) {
    let storage = place.open().await;
    let endpoint = endpoint("alice", 1);
    assert!(insert(&storage, &endpoint, &["space.created"], 9).await);
    let webhooks = storage.community_webhooks();
    // Somebody else; and an endpoint of their own that is no webhook.
    let mut other = crate::fixture::endpoint(7);
    other.owner = did("bob");
    let mut tx = storage.begin().await.expect("begins");
    storage
        .endpoints()
        .insert(&mut tx, &other)
        .await
        .expect("inserts");
    tx.commit().await.expect("commits");
    let bob = did("bob");
    for id in [endpoint.id, other.id] {
        assert!(!update(&storage, "bob", id, CommunityWebhookChange::default()).await);
        assert!(webhooks.find(&bob, id).await.expect("runs").is_none());
        let mut tx = storage.begin().await.expect("begins");
        let secret = Secret::generate([9; 32]);
        let overlap = SignedDuration::from_secs(60);
        let rotated = webhooks
            .rotate(&mut tx, (&bob, id), secret, overlap, START)
            .await;
        assert!(!rotated.expect("runs"));
        assert!(
            !webhooks
                .delete(&mut tx, (&bob, id), START)
                .await
                .expect("runs")
        );
        tx.commit().await.expect("commits");
    }
    let alice = did("alice");
    let mut tx = storage.begin().await.expect("begins");
    let secret = Secret::generate([9; 32]);
    let overlap = SignedDuration::from_secs(60);
    let rotated = webhooks
        .rotate(
            &mut tx,
            (&alice, endpoint.id),
            secret.clone(),
            overlap,
            START,
        )
        .await;
    assert!(rotated.expect("runs"));
    tx.commit().await.expect("commits");
    let found = storage.endpoints().find(endpoint.id).await.expect("runs");
    let secrets = found.expect("is there").secrets;
    assert_eq!(secrets.current, Some(secret));
    assert!(secrets.previous.is_some());
}
