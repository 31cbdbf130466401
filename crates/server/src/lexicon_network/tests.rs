//! Lexicons in the network, found through a DNS of the test's own and a host on this machine.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::get;
use axum::{Json, Router};
use loggia_callers::Web;
use loggia_identity::{CachedResolver, LookUpTxt, NameResolver, Resolver, TxtError};
use loggia_lexicon::validate::Outcome;
use loggia_syntax::data::Data;
use loggia_xrpc_client::{AddressGuard, ClientSettings, GuardedClient};
use serde_json::{Value, json};

use super::*;

/// A host with lexicons, and the records of the DNS that lead there.
struct Scene {
    network: LexiconNetwork,
    documents: Arc<Mutex<BTreeMap<String, Value>>>,
    asked: Arc<AtomicUsize>,
}

/// The domain whose lexicons are published, and by whom.
struct Dns(String);

impl LookUpTxt for Dns {
    async fn look_up_txt(&self, name: &str) -> Result<Vec<String>, TxtError> {
        Ok(match name {
            "_lexicon.forum.example.com" => vec![format!("did={}", self.0)],
            _ => Vec::new(),
        })
    }
}

impl Scene {
    async fn start(published: &[(&str, Value)]) -> Self {
        let documents = published
            .iter()
            .map(|(nsid, document)| ((*nsid).to_owned(), document.clone()));
        let documents = Arc::new(Mutex::new(documents.collect::<BTreeMap<_, _>>()));
        let asked = Arc::new(AtomicUsize::new(0));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let did = format!("did:web:localhost%3A{port}");
        let identity = json!({ "id": did, "service": [{
            "id": "#atproto_pds",
            "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": format!("http://localhost:{port}"),
        }] });
        let (repo, there, count) = (did.clone(), Arc::clone(&documents), Arc::clone(&asked));
        let record = async move |Query(params): Query<BTreeMap<String, String>>| {
            count.fetch_add(1, Ordering::SeqCst);
            assert_eq!(params["repo"], repo);
            assert_eq!(params["collection"], "com.atproto.lexicon.schema");
            let rkey = &params["rkey"];
            let there = there.lock().expect("nobody panics here");
            match there.get(rkey) {
                Some(document) => Json(json!({
                    "uri": format!("at://{repo}/com.atproto.lexicon.schema/{rkey}"),
                    "value": document,
                }))
                .into_response(),
                None => (StatusCode::BAD_REQUEST, "{}").into_response(),
            }
        };
        let routes = Router::new()
            .route("/.well-known/did.json", get(async || Json(identity)))
            .route("/xrpc/com.atproto.repo.getRecord", get(record));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self {
            network: network(did),
            documents,
            asked,
        }
    }

    fn publish(&self, nsid: &str, document: Value) {
        let mut documents = self.documents.lock().expect("nobody panics here");
        documents.insert(nsid.to_owned(), document);
    }

    async fn validator(&self, collection: &'static str) -> Option<Validator> {
        let collection = Nsid::from_static(collection);
        let now = Timestamp::UNIX_EPOCH;
        let found = self
            .network
            .validators(BTreeSet::from([&collection]), now)
            .await;
        found.get(&collection).cloned()
    }
}

fn network(did: String) -> LexiconNetwork {
    let client = GuardedClient::new(ClientSettings {
        guard: AddressGuard::new().allow_loopback(true),
        ..ClientSettings::default()
    });
    let client = client.expect("a client");
    let web = || Web(client.clone());
    let resolver = Resolver::new(web(), "https://plc.directory").development(true);
    let published = Published {
        names: NameResolver::new(web(), Dns(did)),
        documents: CachedResolver::new(resolver, CacheSettings::default()),
        client: client.clone(),
    };
    LexiconNetwork::new(Arc::new(published), Lexicons::built_in(), Computing::new())
}

fn document(nsid: &str, defs: &Value) -> Value {
    json!({
        "$type": "com.atproto.lexicon.schema",
        "lexicon": 1,
        "id": nsid,
        "defs": defs,
    })
}

/// A record that leads to a document beside it, and to one that is built in.
fn post() -> Value {
    let reference = |name: &str| json!({ "type": "ref", "ref": name });
    let record = json!({
        "type": "object",
        "required": ["text"],
        "properties": {
            "text": { "type": "string", "maxLength": 5 },
            "tag": reference("com.example.forum.defs#tag"),
            "parent": reference("com.atproto.repo.strongRef"),
        },
    });
    let main = json!({ "type": "record", "key": "any", "record": record });
    document("com.example.forum.post", &json!({ "main": main }))
}

fn defs() -> Value {
    let tag = json!({ "type": "object", "properties": { "name": { "type": "string" } } });
    document("com.example.forum.defs", &json!({ "tag": tag }))
}

fn judged(validator: &Validator, record: Value) -> Result<Outcome, usize> {
    let record: Data = serde_json::from_value(record).expect("data");
    let judged = validator.record("com.example.forum.post", &record);
    judged.map_err(|violations| violations.len())
}

#[tokio::test]
async fn a_lexicon_is_found_with_all_that_it_leads_to_and_remembered() {
    let published = [
        ("com.example.forum.post", post()),
        ("com.example.forum.defs", defs()),
    ];
    let scene = Scene::start(&published).await;
    let validator = scene.validator("com.example.forum.post").await;
    let validator = validator.expect("it is published");
    let record = |rest: Value| {
        let mut record = json!({ "$type": "com.example.forum.post", "text": "hello" });
        let fields = record.as_object_mut().expect("an object");
        fields.extend(rest.as_object().expect("an object").clone());
        record
    };
    assert_eq!(judged(&validator, record(json!({}))), Ok(Outcome::Valid));
    for wrong in [
        json!({ "text": "too long" }),
        json!({ "tag": { "name": 1 } }),
        json!({ "parent": { "uri": "nothing" } }),
    ] {
        let judged = judged(&validator, record(wrong.clone()));
        assert!(judged.is_err(), "{wrong}");
    }
    let asked = scene.asked.load(Ordering::SeqCst);
    assert_eq!(asked, 2, "strongRef is built in");
    assert!(scene.validator("com.example.forum.post").await.is_some());
    assert_eq!(scene.asked.load(Ordering::SeqCst), asked);
}

#[tokio::test]
async fn what_cannot_be_had_whole_stays_unknown() {
    let other = document("com.example.forum.other", &json!({}));
    let scene = Scene::start(&[
        // It leads to what is not published.
        ("com.example.forum.post", post()),
        // Under a name that is not its own.
        ("com.example.forum.wrong", other),
    ])
    .await;
    for collection in [
        "com.example.forum.post",
        "com.example.forum.wrong",
        "com.example.forum.missing",
        "com.example.elsewhere.post",
    ] {
        assert!(scene.validator(collection).await.is_none(), "{collection}");
    }
    // That it was not there is remembered for a while.
    let asked = scene.asked.load(Ordering::SeqCst);
    scene.publish("com.example.forum.defs", defs());
    assert!(scene.validator("com.example.forum.post").await.is_none());
    assert_eq!(scene.asked.load(Ordering::SeqCst), asked);
}

#[tokio::test]
async fn each_document_of_a_ring_is_asked_for_once() {
    let reference = |name: &str| json!({ "type": "ref", "ref": name });
    let leading = |name: &str, to: &[String]| {
        let to = to.iter().enumerate();
        let to: serde_json::Map<_, _> = to
            .map(|(at, to)| (format!("field{at}"), reference(to)))
            .collect();
        document(
            name,
            &json!({ "main": { "type": "object", "properties": to } }),
        )
    };
    let name = |at: usize| format!("com.example.forum.d{at}");
    // A post and thirty-one others, each of which leads to all.
    let all: Vec<_> = (1..32).map(name).collect();
    let mut documents: Vec<_> = all
        .iter()
        .map(|it| (it.clone(), leading(it, &all)))
        .collect();
    let mut post = post();
    post["defs"]["main"]["record"]["properties"] = json!({ "first": reference(&name(1)) });
    documents.push(("com.example.forum.post".to_owned(), post.clone()));
    let published: Vec<_> = documents
        .iter()
        .map(|(n, d)| (n.as_str(), d.clone()))
        .collect();
    let scene = Scene::start(&published).await;
    let found = scene.validator("com.example.forum.post").await;
    assert!(found.is_some());
    assert_eq!(scene.asked.load(Ordering::SeqCst), 32);

    // One more is too many, which is known from the first two.
    let more: Vec<_> = (1..33).map(name).collect();
    let first = leading(&name(1), &more);
    let published = [
        ("com.example.forum.post", post),
        ("com.example.forum.d1", first),
    ];
    let scene = Scene::start(&published).await;
    let found = scene.validator("com.example.forum.post").await;
    assert!(found.is_none());
    assert_eq!(scene.asked.load(Ordering::SeqCst), 2);
}

#[test]
fn one_who_has_a_domain_is_one_host_however_many_names_are_below_it() {
    let host = |nsid| Name(Nsid::from_static(nsid)).host();
    assert_eq!(host("com.example.a.post"), Some("example.com".to_owned()));
    assert_eq!(host("com.example.b.post"), host("com.example.post"));
}

#[tokio::test]
async fn as_many_collections_of_one_authority_as_a_call_has_are_found() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let names = names.map(|name| format!("com.example.forum.{name}"));
    let record = json!({ "main": {
        "type": "record",
        "key": "any",
        "record": { "type": "object", "properties": {} },
    } });
    let published: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), document(name, &record)))
        .collect();
    let scene = Scene::start(&published).await;
    let names = names.map(|name| Nsid::new(name).expect("an NSID"));
    let collections = names.iter().collect();
    let found = scene
        .network
        .validators(collections, Timestamp::UNIX_EPOCH)
        .await;
    assert_eq!(found.len(), names.len());
}

#[tokio::test]
async fn a_lexicon_that_leads_to_too_much_stays_unknown() {
    let text = "x".repeat(400 << 10);
    let leading = |to: &str| {
        let reference = json!({ "type": "ref", "ref": format!("com.example.forum.{to}#main") });
        json!({ "main": {
            "type": "object",
            "description": text,
            "properties": { "next": reference },
        } })
    };
    let last = json!({ "main": { "type": "object", "description": text, "properties": {} } });
    let published = [
        ("com.example.forum.one", leading("two")),
        ("com.example.forum.two", leading("three")),
        ("com.example.forum.three", last),
    ];
    let published = published.map(|(nsid, defs)| (nsid, document(nsid, &defs)));
    let scene = Scene::start(&published).await;
    assert!(scene.validator("com.example.forum.two").await.is_some());
    assert!(scene.validator("com.example.forum.one").await.is_none());
}
