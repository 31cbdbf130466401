//! Webhooks: duplicates, limits, partial updates, ownership, pages under filters.

use loggia_storage::{
    Inserted, ListError, RewriteRule, Storage, Updated, Webhook, WebhookChange, WebhookFields,
    WebhookFilter, WebhookFormat, WebhookId,
};
use loggia_syntax::Did;

use crate::fixture::{Place, did, on_both, seconds};

on_both!(
    everything_is_read_back_as_written,
    a_url_is_unique_for_each_owner,
    an_owner_has_at_most_so_many,
    an_update_changes_only_what_is_given,
    an_update_finds_duplicates_but_not_itself,
    somebody_elses_webhook_is_as_good_as_none,
    pages_under_a_filter_are_full_and_visit_everything_once,
    the_last_page_has_no_cursor_and_a_bad_cursor_is_an_error,
);

fn fields(url: &str, events: &[&str]) -> WebhookFields {
    WebhookFields {
        url: url.to_owned(),
        events: events.iter().map(|&event| event.to_owned()).collect(),
        ..WebhookFields::default()
    }
}

fn full_fields() -> WebhookFields {
    WebhookFields {
        url: "https://a.example/1".to_owned(),
        events: vec!["livestream".to_owned(), "chat".to_owned()],
        active: true,
        streamplace_format: true,
        prefix: "[x] ".to_owned(),
        suffix: "!".to_owned(),
        rewrite: vec![RewriteRule {
            from: "foo".to_owned(),
            to: "bar".to_owned(),
        }],
        mute_words: vec!["spam".to_owned()],
        name: "mine".to_owned(),
        description: "for tests".to_owned(),
        format: Some(WebhookFormat::Slack),
    }
}

async fn insert(storage: &Storage, owner: &Did, number: u8, fields: WebhookFields) -> Inserted {
    let id = WebhookId::new(seconds(number.into()), [number; 10]);
    let mut tx = storage.begin().await.expect("begins");
    let now = seconds(number.into());
    let inserted = storage
        .webhooks()
        .insert(&mut tx, id, owner, fields, 100, now)
        .await;
    tx.commit().await.expect("commits");
    inserted.expect("inserts")
}

async fn insert_done(storage: &Storage, owner: &Did, number: u8, fields: WebhookFields) -> Webhook {
    match insert(storage, owner, number, fields).await {
        Inserted::Done(webhook) => *webhook,
        other => panic!("not inserted: {other:?}"),
    }
}

async fn update(storage: &Storage, owner: &Did, id: WebhookId, change: WebhookChange) -> Updated {
    let mut tx = storage.begin().await.expect("begins");
    let updated = storage
        .webhooks()
        .update(&mut tx, owner, id, change, seconds(500))
        .await;
    tx.commit().await.expect("commits");
    updated.expect("updates")
}

async fn everything_is_read_back_as_written(place: Place) {
    let storage = place.open().await;
    let alice = did("alice");
    let webhook = insert_done(&storage, &alice, 1, full_fields()).await;
    assert_eq!(webhook.fields, full_fields());
    let found = storage
        .webhooks()
        .find(&alice, webhook.id)
        .await
        .expect("finds");
    assert_eq!(found, Some(webhook));
}

async fn a_url_is_unique_for_each_owner(place: Place) {
    let storage = place.open().await;
    let (alice, bob) = (did("alice"), did("bob"));
    insert_done(&storage, &alice, 1, fields("https://a.example/", &["chat"])).await;
    let again = insert(&storage, &alice, 2, fields("https://a.example/", &["chat"])).await;
    assert_eq!(again, Inserted::DuplicateUrl);
    insert_done(&storage, &bob, 3, fields("https://a.example/", &["chat"])).await;
}

async fn an_owner_has_at_most_so_many(place: Place) {
    let storage = place.open().await;
    let (alice, bob) = (did("alice"), did("bob"));
    insert_done(
        &storage,
        &alice,
        1,
        fields("https://a.example/1", &["chat"]),
    )
    .await;
    insert_done(&storage, &bob, 2, fields("https://a.example/1", &["chat"])).await;
    let mut tx = storage.begin().await.expect("begins");
    for (number, most, fits) in [(3, 1, false), (4, 2, true), (5, 2, false)] {
        let id = WebhookId::new(seconds(number.into()), [number; 10]);
        let fields = fields(&format!("https://a.example/{number}"), &["chat"]);
        let inserted = storage
            .webhooks()
            .insert(&mut tx, id, &alice, fields, most, seconds(9))
            .await;
        assert_eq!(
            matches!(inserted, Ok(Inserted::Done(_))),
            fits,
            "{number}: {inserted:?}"
        );
    }
}

async fn an_update_changes_only_what_is_given(place: Place) {
    let storage = place.open().await;
    let alice = did("alice");
    let before = insert_done(&storage, &alice, 1, full_fields()).await;
    let change = WebhookChange {
        prefix: Some(String::new()),
        mute_words: Some(Vec::new()),
        active: Some(false),
        events: Some(vec!["follow".to_owned()]),
        format: Some(None),
        ..WebhookChange::default()
    };
    assert!(!change.is_empty() && WebhookChange::default().is_empty());
    let Updated::Done(after) = update(&storage, &alice, before.id, change).await else {
        panic!("not updated")
    };
    let expected = WebhookFields {
        prefix: String::new(),
        mute_words: Vec::new(),
        active: false,
        events: vec!["follow".to_owned()],
        format: None,
        ..full_fields()
    };
    assert_eq!(after.fields, expected);
    assert_eq!(
        (after.created_at, after.updated_at),
        (before.created_at, Some(seconds(500)))
    );
    assert_eq!(
        storage
            .webhooks()
            .find(&alice, before.id)
            .await
            .expect("finds"),
        Some(*after)
    );
}

async fn an_update_finds_duplicates_but_not_itself(place: Place) {
    let storage = place.open().await;
    let alice = did("alice");
    let one = insert_done(
        &storage,
        &alice,
        1,
        fields("https://a.example/1", &["chat"]),
    )
    .await;
    insert_done(
        &storage,
        &alice,
        2,
        fields("https://a.example/2", &["chat"]),
    )
    .await;
    let url = |url: &str| WebhookChange {
        url: Some(url.to_owned()),
        ..WebhookChange::default()
    };
    let taken = update(&storage, &alice, one.id, url("https://a.example/2")).await;
    assert_eq!(taken, Updated::DuplicateUrl);
    let own = update(&storage, &alice, one.id, url("https://a.example/1")).await;
    assert!(matches!(own, Updated::Done(_)));
}

async fn somebody_elses_webhook_is_as_good_as_none(place: Place) {
    let storage = place.open().await;
    let (alice, bob) = (did("alice"), did("bob"));
    let webhook = insert_done(&storage, &alice, 1, full_fields()).await;
    assert_eq!(
        storage
            .webhooks()
            .find(&bob, webhook.id)
            .await
            .expect("finds"),
        None
    );
    let change = WebhookChange {
        active: Some(false),
        ..WebhookChange::default()
    };
    assert_eq!(
        update(&storage, &bob, webhook.id, change).await,
        Updated::NotFound
    );
    let mut tx = storage.begin().await.expect("begins");
    let webhooks = storage.webhooks();
    assert!(
        !webhooks
            .delete(&mut tx, &bob, webhook.id, seconds(9))
            .await
            .expect("runs")
    );
    assert!(
        webhooks
            .delete(&mut tx, &alice, webhook.id, seconds(9))
            .await
            .expect("runs")
    );
    assert!(
        !webhooks
            .delete(&mut tx, &alice, webhook.id, seconds(9))
            .await
            .expect("runs")
    );
    tx.commit().await.expect("commits");
    assert_eq!(
        webhooks.find(&alice, webhook.id).await.expect("finds"),
        None
    );
}

async fn pages_under_a_filter_are_full_and_visit_everything_once(place: Place) {
    let storage = place.open().await;
    let alice = did("alice");
    for number in 0..20 {
        let events = if number % 3 == 0 {
            &["chat", "follow"][..]
        } else {
            &["livestream"]
        };
        let url = format!("https://a.example/{number}");
        let fields = WebhookFields {
            active: number % 2 == 0,
            ..fields(&url, events)
        };
        insert_done(&storage, &alice, number, fields).await;
    }
    let filter = WebhookFilter {
        active: Some(true),
        event: Some("follow".to_owned()),
    };
    let mut seen = Vec::new();
    let mut sizes = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = storage
            .webhooks()
            .list(&alice, &filter, cursor.as_deref(), 3)
            .await;
        let page = page.expect("lists");
        sizes.push(page.webhooks.len());
        seen.extend(page.webhooks.into_iter().map(|webhook| webhook.fields.url));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    let expected: Vec<_> = [18, 12, 6, 0]
        .map(|n| format!("https://a.example/{n}"))
        .to_vec();
    assert_eq!(seen, expected, "newest first");
    assert_eq!(sizes, [3, 1]);
}

async fn the_last_page_has_no_cursor_and_a_bad_cursor_is_an_error(place: Place) {
    let storage = place.open().await;
    let alice = did("alice");
    insert_done(&storage, &alice, 1, full_fields()).await;
    let all = WebhookFilter::default();
    let page = storage
        .webhooks()
        .list(&alice, &all, None, 1)
        .await
        .expect("lists");
    assert_eq!((page.webhooks.len(), page.cursor), (1, None));
    let bad = storage.webhooks().list(&alice, &all, Some("abc"), 1).await;
    assert!(matches!(bad, Err(ListError::InvalidCursor)));
}
