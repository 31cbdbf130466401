//! From events to deliveries, on a store and without a stream.

mod looking_up;

use bytes::Bytes;
use jiff::SignedDuration;
use loggia_delivery::{CancelReason, Clock as _, Engine, State, SystemClock};
use loggia_firehose::{Action, Change, Event, Record, What as EventWhat};
use loggia_storage::{
    DeliveryDetail, DeliveryFilter, Inserted, Location, MasterKey, Webhook, WebhookFields,
    WebhookId, Whose,
};
use loggia_syntax::{RecordKey, Tid};
use serde_json::{Value, json};

use super::*;
use crate::config::Config;
use crate::{chance, reach};

/// A store whose engine never starts: what is due stays in it.
pub(crate) struct Scene {
    pub(crate) streamplace: Streamplace,
    pub(crate) storage: Storage,
    pub(crate) engine: Handle,
    /// Removed with this value.
    _folder: tempfile::TempDir,
}

impl Scene {
    pub(crate) async fn new(name: &str) -> Self {
        Self::with(name, |_| {}).await
    }

    async fn with(name: &str, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::defaults();
        // Nobody listens there: what is looked up is refused at once.
        config.plc_directory = "http://127.0.0.1:1".parse().expect("a URL");
        config.profile_service = config.plc_directory.clone();
        change(&mut config);
        // A file: a store in memory has no readers beside a writer, and here both are at work.
        let folder = tempfile::tempdir().expect("a temporary folder");
        let location = Location::file(folder.path().join(format!("{name}.db")));
        let storage = Storage::open(&location, &MasterKey::new([7; 32])).await;
        let storage = storage.expect("opens");
        let outgoing = reach::outgoing(&config).expect("a client");
        let (_, engine) = Engine::new(
            loggia_delivery::NodeId::new("single"),
            storage.deliveries(),
            outgoing.clone(),
            SystemClock,
            chance::number,
            Default::default(),
        );
        let desk = DeliveryDesk::new(&config, &storage, engine.clone(), Default::default());
        let mirror = Mirror::new(
            reach::documents(&config, &outgoing),
            reach::names(&config, &outgoing).expect("the system has a resolver"),
            outgoing.0,
            config.profile_service.clone(),
        );
        Self {
            streamplace: Streamplace::new(&desk, mirror, &config.stream_nodes),
            storage,
            engine,
            _folder: folder,
        }
    }

    /// A webhook of alice.
    async fn webhook(&self, number: u8, fields: WebhookFields) -> Webhook {
        self.webhook_of(&did("alice"), number, fields).await
    }

    async fn webhook_of(&self, owner: &Did, number: u8, fields: WebhookFields) -> Webhook {
        let now = SystemClock.now();
        let id = WebhookId::new(now, [number; 10]);
        let mut tx = self.storage.begin().await.expect("begins");
        let webhooks = self.storage.webhooks();
        let inserted = webhooks.insert(&mut tx, id, owner, fields, 99, now);
        let inserted = match inserted.await {
            Ok(Inserted::Done(webhook)) => *webhook,
            other => panic!("{other:?}"),
        };
        tx.commit().await.expect("commits");
        inserted
    }

    async fn take(&self, events: &[Event]) {
        let mut tx = self.storage.begin().await.expect("begins");
        let taken = self.streamplace.take(&mut tx, events, SystemClock.now());
        taken.await.expect("takes");
        tx.commit().await.expect("commits");
    }

    /// Does what is to be done; how many errands those were.
    async fn work(&self) -> u32 {
        let open = self.open().await;
        let done = async {
            while self.open().await > 0 {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        };
        self.streamplace.clone().run(done).await;
        open
    }

    async fn open(&self) -> u32 {
        let errands = self.storage.errands();
        errands.open(ERRAND).await.expect("counts")
    }

    /// What was enqueued for a webhook, newest first.
    async fn told(&self, webhook: &Webhook) -> Vec<DeliveryDetail> {
        let filter = DeliveryFilter {
            endpoint: Some(webhook.id.endpoint()),
            ..DeliveryFilter::default()
        };
        let (whose, deliveries) = (Whose::Of(&webhook.owner), self.storage.deliveries());
        let page = deliveries.page(whose, &filter, None, 99).await;
        let mut told = Vec::new();
        for logged in page.expect("lists").deliveries {
            let detail = deliveries.detail(whose, logged.id).await;
            told.push(detail.expect("finds").expect("is there"));
        }
        told
    }
}

fn did(name: &str) -> Did {
    Did::new(format!("did:plc:{name:a<24}")).expect("a DID")
}

fn fields(number: u8, events: &[&str]) -> WebhookFields {
    WebhookFields {
        url: format!("https://chat.example/{number}"),
        events: events.iter().map(|&event| event.to_owned()).collect(),
        active: true,
        ..WebhookFields::default()
    }
}

fn event(at: Timestamp, record: &Value, rkey: &str) -> Event {
    let collection = record["$type"].as_str().expect("a type");
    Event {
        time: at,
        did: did("natalie"),
        what: EventWhat::Change(Change {
            rev: Tid::from_static("3kabcdefgh222"),
            action: Action::Create,
            collection: Nsid::new(collection).expect("an NSID"),
            rkey: RecordKey::new(rkey).expect("a key"),
            cid: None,
            record: Some(Record::from_json(Bytes::from(record.to_string()))),
        }),
    }
}

fn message(text: &str) -> Value {
    json!({
        "$type": "place.stream.chat.message",
        "text": text,
        "createdAt": "2026-01-01T00:00:00Z",
        "streamer": did("alice").as_str(),
    })
}

fn body(detail: &DeliveryDetail) -> Value {
    serde_json::from_slice(&detail.notification.body).expect("JSON")
}

#[tokio::test]
async fn chat_is_told_once_to_each_active_webhook_that_wants_it() {
    let scene = Scene::new("once").await;
    let told = scene.webhook(1, fields(1, &["chat"])).await;
    let too = scene.webhook(2, fields(2, &["follow", "chat"])).await;
    let off = WebhookFields {
        active: false,
        ..fields(3, &["chat"])
    };
    let off = scene.webhook(3, off).await;
    let other = scene.webhook(4, fields(4, &["livestream"])).await;
    let events = [event(SystemClock.now(), &message("hi"), "3kabc")];
    // The second time is a stream that is read again.
    for _ in 0..2 {
        scene.take(&events).await;
        assert_eq!(scene.open().await, 1);
        assert_eq!(scene.work().await, 1);
        assert_eq!(scene.open().await, 0);
    }
    for webhook in [&told, &too] {
        let [detail] = &scene.told(webhook).await[..] else {
            panic!("one delivery");
        };
        let who = format!("@{}", did("natalie"));
        assert_eq!(body(detail), json!({ "username": who, "content": "hi" }));
        assert!(matches!(detail.delivery.state, State::Pending { .. }));
        let uri = format!("at://{}/place.stream.chat.message/3kabc", did("natalie"));
        assert_eq!(detail.notification.subject, uri);
    }
    for webhook in [&off, &other] {
        assert!(scene.told(webhook).await.is_empty());
    }
}

#[tokio::test]
async fn what_nobody_wants_or_was_undone_leaves_nothing() {
    let scene = Scene::new("nothing").await;
    scene.webhook(1, fields(1, &["follow"])).await;
    let events = [event(SystemClock.now(), &message("hi"), "3kabc")];
    scene.take(&events).await;
    scene.take(&[]).await;
    let follow = json!({ "$type": "app.bsky.graph.follow", "subject": did("alice").as_str() });
    let mut tx = scene.storage.begin().await.expect("begins");
    let events = [event(SystemClock.now(), &follow, "3kabc")];
    let taken = scene.streamplace.take(&mut tx, &events, SystemClock.now());
    taken.await.expect("takes");
    drop(tx);
    assert_eq!(scene.open().await, 0);
}

#[tokio::test]
async fn a_muted_message_is_seen_by_its_owner_and_suppressed_in_that_webhook_alone() {
    let scene = Scene::new("muted").await;
    let muting = WebhookFields {
        mute_words: vec!["SPAM".to_owned()],
        ..fields(1, &["chat"])
    };
    let muting = scene.webhook(1, muting).await;
    let hearing = scene.webhook(2, fields(2, &["chat"])).await;
    let events = [event(SystemClock.now(), &message("buy spam now"), "3kabc")];
    scene.take(&events).await;
    scene.work().await;
    let state = |told: Vec<DeliveryDetail>| told[0].delivery.state.clone();
    assert!(matches!(
        state(scene.told(&muting).await),
        State::Cancelled {
            reason: CancelReason::Muted,
            ..
        }
    ));
    let heard = state(scene.told(&hearing).await);
    assert!(matches!(heard, State::Pending { .. }));
    let after = scene
        .storage
        .webhooks()
        .find(&did("alice"), muting.id)
        .await;
    assert_eq!(after.expect("finds"), Some(muting), "neither counter moves");
}

#[tokio::test]
async fn talk_that_is_hours_old_is_on_record_and_not_sent() {
    let scene = Scene::new("old").await;
    let webhook = scene.webhook(1, fields(1, &["chat", "follow"])).await;
    let at = SystemClock.now() - SignedDuration::from_hours(10);
    let follow = json!({ "$type": "app.bsky.graph.follow", "subject": did("alice").as_str() });
    let events = [
        event(at, &message("hi"), "3kabc"),
        event(at, &follow, "3kabd"),
    ];
    scene.take(&events).await;
    scene.work().await;
    for detail in scene.told(&webhook).await {
        match detail.notification.kind.as_str() {
            "app.bsky.graph.follow" => {
                assert!(matches!(detail.delivery.state, State::Pending { .. }));
            }
            _ => assert!(matches!(detail.delivery.state, State::Expired { .. })),
        }
    }
}

#[tokio::test]
async fn a_streamer_named_in_their_own_chat_hears_of_it_once() {
    let scene = Scene::new("named").await;
    let both = scene.webhook(1, fields(1, &["mention", "chat"])).await;
    let mention = scene.webhook(2, fields(2, &["mention"])).await;
    let mut record = message("@alice hi");
    record["facets"] = json!([{
        "features": [{
            "$type": "app.bsky.richtext.facet#mention",
            "did": did("alice").as_str(),
        }],
    }]);
    scene
        .take(&[event(SystemClock.now(), &record, "3kabc")])
        .await;
    assert_eq!(scene.work().await, 2);
    for (webhook, embeds) in [(&both, false), (&mention, true)] {
        let [detail] = &scene.told(webhook).await[..] else {
            panic!("one delivery");
        };
        assert_eq!(body(detail).get("embeds").is_some(), embeds);
    }
}

#[tokio::test]
async fn an_errand_that_cannot_be_read_holds_up_nobody() {
    let scene = Scene::new("unreadable").await;
    let webhook = scene.webhook(1, fields(1, &["chat"])).await;
    let mut tx = scene.storage.begin().await.expect("begins");
    let errands = scene.storage.errands();
    let put = errands.put(&mut tx, ERRAND, "chat", "{}", SystemClock.now());
    put.await.expect("puts");
    tx.commit().await.expect("commits");
    let events = [event(SystemClock.now(), &message("hi"), "3kabc")];
    scene.take(&events).await;
    scene.work().await;
    assert_eq!(scene.open().await, 0);
    assert_eq!(scene.told(&webhook).await.len(), 1);
}

#[tokio::test]
async fn only_the_streamer_and_trusted_nodes_say_that_video_has_come_in() {
    let scene = Scene::with("video", |config| config.stream_nodes = [did("node")].into()).await;
    let told = scene.webhook(1, fields(1, &["stream.received"])).await;
    let streamplace = &scene.streamplace;
    assert!(streamplace.may_tell_of(&did("alice"), &did("alice")));
    assert!(streamplace.may_tell_of(&did("node"), &did("alice")));
    assert!(!streamplace.may_tell_of(&did("bob"), &did("alice")));
    for (segment, title) in [
        ("one", Some("Live!".to_owned())),
        ("one", None),
        ("two", None),
    ] {
        let who = (did("alice"), did("node"));
        let wanted = streamplace.received(who, segment, title, SystemClock.now());
        assert!(wanted.await.expect("keeps"));
        scene.work().await;
    }
    let bodies: Vec<_> = scene.told(&told).await.iter().map(body).collect();
    let content = format!("stream.received {}", did("alice"));
    assert_eq!(
        bodies,
        [json!({ "content": content }), json!({ "content": content })]
    );
    let who = (did("bob"), did("node"));
    let wanted = streamplace.received(who, "one", None, SystemClock.now());
    assert!(!wanted.await.expect("looks"), "bob has no webhook");
}
