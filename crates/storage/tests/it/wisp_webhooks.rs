//! Wisp's webhooks as they were last read.

use loggia_delivery::{
    CancelReason, DisableReason, Endpoint, EndpointState, NotificationId, State,
};
use loggia_storage::{
    Deliveries, Storage, WispCaps, WispLogPlace, WispRefusal, WispState, WispWebhook,
};
use loggia_syntax::RecordKey;

use crate::fixture::{Place, did, endpoint, notification, on_both, recipient, seconds};
use crate::work::{add_endpoints, enqueue};

on_both!(
    a_webhook_is_kept_as_it_is,
    every_change_is_heard_of_once,
    caps_count_active_webhooks_of_others,
    removed_ones_are_forgotten_after_a_while,
    owners_are_those_with_webhooks,
    an_endpoint_changes_with_what_it_stands_for,
    an_endpoint_that_stands_for_nothing_any_more_keeps_no_secret,
    a_webhook_that_cannot_be_read_keeps_no_other_from_being_told,
    a_log_is_read_to_its_end_part_by_part,
);

fn rkey(text: &str) -> RecordKey {
    RecordKey::new(text).expect("is a key")
}

fn webhook(owner: &str, key: &str) -> WispWebhook {
    WispWebhook {
        owner: did(owner),
        rkey: rkey(key),
        endpoint: Some(endpoint(1).id),
        state: WispState::Active,
        paused: false,
        scope: "at://did:web:feed.example.com/app.bsky.feed.post".to_owned(),
        backlinks: true,
        actions: vec!["create".to_owned()],
        secret_id: Some("main".to_owned()),
        cid: Some("bafyreiabc".to_owned()),
        rev: "3lq6x5f2abcde".to_owned(),
    }
}

async fn put(storage: &Storage, webhook: &WispWebhook, at: i64) {
    let mut tx = storage.begin().await.expect("begins");
    let webhooks = storage.wisp_webhooks();
    webhooks
        .put(&mut tx, webhook, seconds(at))
        .await
        .expect("puts");
    tx.commit().await.expect("commits");
}

async fn changed(storage: &Storage, after: i64) -> Vec<(i64, Option<WispWebhook>)> {
    let mut tx = storage.begin().await.expect("begins");
    let changes = storage.wisp_webhooks().changed(&mut tx, after, 10).await;
    let changes = changes.expect("looks").into_iter();
    changes.map(|one| (one.seq, one.webhook)).collect()
}

async fn a_webhook_is_kept_as_it_is(place: Place) {
    let storage = place.open().await;
    let mut kept = webhook("owner", "one");
    put(&storage, &kept, 0).await;
    let webhooks = storage.wisp_webhooks();
    let mut tx = storage.begin().await.expect("begins");
    let found = webhooks.find(&mut tx, &kept.owner, &kept.rkey).await;
    assert_eq!(found.expect("finds"), Some(kept.clone()));
    let seen = async |tx: &mut _, rev: &str| {
        let seen = webhooks.has_seen(tx, &kept.owner, &kept.rkey, rev).await;
        seen.expect("looks")
    };
    assert!(seen(&mut tx, "3lq6x5f2abcde").await);
    assert!(!seen(&mut tx, "3lq6x5f2abcdf").await);
    drop(tx);
    kept.state = WispState::Refused {
        kind: WispRefusal::NoSecret,
        reason: "there is no secret `main`".to_owned(),
    };
    kept.endpoint = None;
    kept.cid = None;
    put(&storage, &kept, 1).await;
    let listed = webhooks.list(&kept.owner).await.expect("lists");
    assert_eq!(listed, [kept.clone()]);
    let mut tx = storage.begin().await.expect("begins");
    let signed = webhooks.signed_with(&mut tx, &kept.owner, "main").await;
    assert_eq!(signed.expect("lists"), [kept]);
}

async fn every_change_is_heard_of_once(place: Place) {
    let storage = place.open().await;
    let (one, two) = (webhook("owner", "one"), webhook("owner", "two"));
    put(&storage, &one, 0).await;
    put(&storage, &two, 0).await;
    let first = changed(&storage, 0).await;
    assert_eq!(
        first,
        [(1, Some(one.clone())), (2, Some(two.clone()))],
        "everything from 0 on"
    );
    assert!(changed(&storage, 2).await.is_empty());
    let gone = WispWebhook {
        state: WispState::Removed,
        ..one
    };
    put(&storage, &gone, 1).await;
    assert_eq!(changed(&storage, 2).await, [(3, Some(gone))]);
}

async fn caps_count_active_webhooks_of_others(place: Place) {
    let storage = place.open().await;
    put(&storage, &webhook("owner", "one"), 0).await;
    put(&storage, &webhook("other", "one"), 0).await;
    let full = async |key: &str, per_owner, in_all| {
        let caps = WispCaps { per_owner, in_all };
        let mut tx = storage.begin().await.expect("begins");
        let (owner, rkey) = (did("owner"), rkey(key));
        let webhooks = storage.wisp_webhooks();
        let full = webhooks.full(&mut tx, &owner, &rkey, &caps).await;
        full.expect("counts").is_some()
    };
    assert!(full("two", 1, 9).await, "its owner has one");
    assert!(!full("two", 2, 9).await);
    assert!(full("two", 2, 2).await, "all have two");
    assert!(!full("one", 1, 2).await, "it counts already");
    let off = WispWebhook {
        state: WispState::Disabled,
        ..webhook("owner", "one")
    };
    put(&storage, &off, 1).await;
    assert!(!full("two", 1, 2).await, "what is off takes no room");
}

async fn removed_ones_are_forgotten_after_a_while(place: Place) {
    let storage = place.open().await;
    let gone = WispWebhook {
        state: WispState::Removed,
        ..webhook("owner", "one")
    };
    put(&storage, &gone, 10).await;
    put(&storage, &webhook("owner", "two"), 0).await;
    let webhooks = storage.wisp_webhooks();
    let listed = webhooks.list(&did("owner")).await.expect("lists");
    assert_eq!(listed, [webhook("owner", "two")]);
    assert_eq!(webhooks.sweep(seconds(9), 5).await.expect("sweeps"), 0);
    assert_eq!(webhooks.sweep(seconds(10), 5).await.expect("sweeps"), 1);
    assert_eq!(changed(&storage, 0).await.len(), 1);
}

async fn owners_are_those_with_webhooks(place: Place) {
    let storage = place.open().await;
    put(&storage, &webhook("b", "one"), 0).await;
    put(&storage, &webhook("b", "two"), 0).await;
    put(&storage, &webhook("a", "one"), 0).await;
    let webhooks = storage.wisp_webhooks();
    let known = webhooks.known_owners(None, seconds(0), 1).await;
    let known = known.expect("lists");
    assert_eq!(known, [did("a")]);
    let next = webhooks.known_owners(Some(&known[0]), seconds(0), 9).await;
    assert_eq!(next.expect("lists"), [did("b")]);
    let mut tx = storage.begin().await.expect("begins");
    let asked = [&did("b"), &did("c")];
    let among = webhooks.owners_among(&mut tx, &asked).await;
    assert_eq!(among.expect("looks"), [did("b")]);
}

async fn an_endpoint_changes_with_what_it_stands_for(place: Place) {
    let storage = place.open().await;
    let (endpoints, deliveries) = (storage.endpoints(), storage.deliveries());
    let first = endpoint(1);
    let mut tx = storage.begin().await.expect("begins");
    let put = endpoints.put_standing(&mut tx, &first, "one", seconds(0));
    put.await.expect("puts");
    let told = [recipient(&first)];
    let enqueued = deliveries
        .enqueue(&mut tx, notification(1, None), &told, None, seconds(0))
        .await
        .expect("enqueues");
    tx.commit().await.expect("commits");

    let changed = Endpoint {
        id: first.id,
        ..endpoint(2)
    };
    let mut tx = storage.begin().await.expect("begins");
    endpoints
        .disable(&mut tx, first.id, DisableReason::Gone, seconds(1))
        .await
        .expect("disables");
    let put = endpoints.put_standing(&mut tx, &changed, "two", seconds(1));
    put.await.expect("puts");
    tx.commit().await.expect("commits");
    let found = endpoints.find(first.id).await.expect("finds");
    assert_eq!(found, Some(changed), "and it is told again");
    let listed = endpoints.list(&first.owner, None, 9).await.expect("lists");
    assert_eq!((listed[0].managed, &*listed[0].description), (false, "two"));

    let mut tx = storage.begin().await.expect("begins");
    let next = deliveries
        .enqueue(&mut tx, notification(2, None), &told, None, seconds(2))
        .await
        .expect("enqueues");
    let cancelled = endpoints
        .cancel_open(&mut tx, first.id, CancelReason::Changed, seconds(2))
        .await;
    assert_eq!(
        cancelled.expect("cancels"),
        1,
        "the first was cancelled before"
    );
    tx.commit().await.expect("commits");
    assert_eq!(
        state_of(&deliveries, enqueued.notification).await,
        ended(CancelReason::Disabled, 1)
    );
    assert_eq!(
        state_of(&deliveries, next.notification).await,
        ended(CancelReason::Changed, 2)
    );
}

async fn state_of(deliveries: &Deliveries, id: NotificationId) -> State {
    let mut all = deliveries.list(id).await.expect("lists");
    all.remove(0).state
}

fn ended(reason: CancelReason, at: i64) -> State {
    State::Cancelled {
        attempts: 0,
        at: seconds(at),
        reason,
    }
}

async fn an_endpoint_that_stands_for_nothing_any_more_keeps_no_secret(place: Place) {
    let storage = place.open().await;
    let (endpoints, first) = (storage.endpoints(), endpoint(1));
    let mut tx = storage.begin().await.expect("begins");
    let put = endpoints.put_standing(&mut tx, &first, "one", seconds(0));
    put.await.expect("puts");
    tx.commit().await.expect("commits");
    let mut tx = storage.begin().await.expect("begins");
    let retired = endpoints.retire(&mut tx, first.id, seconds(3)).await;
    retired.expect("retires");
    tx.commit().await.expect("commits");
    let found = endpoints.find(first.id).await.expect("finds");
    let found = found.expect("is there, for the record");
    assert_eq!(found.secrets.current, None);
    let (reason, at) = (DisableReason::Deleted, seconds(3));
    assert_eq!(found.state, EndpointState::Disabled { reason, at });
}

async fn a_webhook_that_cannot_be_read_keeps_no_other_from_being_told(place: Place) {
    let storage = place.open().await;
    put(&storage, &webhook("owner", "one"), 0).await;
    put(&storage, &webhook("owner", "two"), 0).await;
    place
        .damage("UPDATE wisp_webhook SET actions = 'nothing' WHERE rkey = 'one'")
        .await;
    let found = changed(&storage, 0).await;
    assert_eq!(found, [(1, None), (2, Some(webhook("owner", "two")))]);
}

async fn a_log_is_read_to_its_end_part_by_part(place: Place) {
    let storage = place.open().await;
    let endpoints = add_endpoints(&storage, 2).await;
    put(&storage, &webhook("owner", "one"), 0).await;
    let mut two = webhook("owner", "two");
    two.endpoint = Some(endpoints[1].id);
    put(&storage, &two, 0).await;
    for number in 0..250 {
        enqueue(&storage, notification(number, None), &endpoints, None).await;
    }
    // All to the first have arrived; of those to the second only the oldest, far below what one part
    // looks at.
    for statement in [
        "UPDATE delivery SET state = 'delivered', due = NULL, ended_at = 1
         WHERE endpoint = (SELECT id FROM endpoint WHERE url LIKE '%/1')",
        "UPDATE delivery SET state = 'delivered', due = NULL, ended_at = 1
         WHERE endpoint = (SELECT id FROM endpoint WHERE url LIKE '%/2')
             AND notification IN (SELECT id FROM notification ORDER BY id LIMIT 40)",
    ] {
        place.damage(statement).await;
    }
    let webhooks = storage.wisp_webhooks();
    for limit in [7, 100, 300] {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let log = webhooks.log(&did("owner"), after, limit).await;
            let log = log.expect("lists");
            assert!(log.outcomes.len() <= limit as usize);
            all.extend(
                log.outcomes
                    .iter()
                    .map(|one| (one.id.notification, one.id.endpoint)),
            );
            let Some(next) = log.next else { break };
            after = WispLogPlace::read(&next.to_string());
            assert_eq!(after, Some(next));
        }
        assert_eq!(all.len(), 250 + 40, "by {limit}");
        assert!(
            all.is_sorted_by(|one, next| one > next),
            "newest first, each once"
        );
    }
    let nobody = webhooks.log(&did("other"), None, 9).await.expect("lists");
    assert!(nobody.outcomes.is_empty() && nobody.next.is_none());
}
