//! How accounts are looked up, and how long for.

use super::*;

/// A service that answers everything that is looked up about `did:web:localhost%3A<port>`; but not
/// profiles if `silent`.
async fn service(silent: bool) -> (String, Did) {
    use axum::routing::get;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let actor = Did::new(format!("did:web:localhost%3A{port}")).expect("a DID");
    let document = json!({
        "id": actor.as_str(),
        "service": [{
            "id": "#atproto_pds",
            "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": format!("http://localhost:{port}"),
        }],
    });
    let profile = json!({
        "did": actor.as_str(),
        "handle": "natalie.sh",
        "avatar": "https://cdn.example/natalie.jpg",
        "labels": [],
    });
    let color = json!({
        "uri": format!("at://{actor}/place.stream.chat.profile/self"),
        "value": {
            "$type": "place.stream.chat.profile",
            "color": { "red": 1, "green": 2, "blue": 255 },
        },
    });
    let profile = move || async move {
        if silent {
            std::future::pending::<()>().await;
        }
        axum::Json(profile)
    };
    let routes = axum::Router::new()
        .route("/.well-known/did.json", get(async || axum::Json(document)))
        .route("/xrpc/app.bsky.actor.getProfile", get(profile))
        .route(
            "/xrpc/com.atproto.repo.getRecord",
            get(async || axum::Json(color)),
        );
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (format!("http://localhost:{port}"), actor)
}

async fn live(silent: bool) -> (Value, std::time::Duration) {
    let (url, actor) = service(silent).await;
    let name = if silent { "silent" } else { "looks" };
    let service = url.parse().expect("a URL");
    let scene = Scene::with(name, |config| config.profile_service = service).await;
    let now = SystemClock.now();
    let fields = fields(1, &["livestream"]);
    let webhook = scene.webhook_of(&actor, 1, fields).await;
    let record = json!({
        "$type": "place.stream.livestream",
        "title": "Live!",
        "thumb": { "$type": "blob", "ref": { "$link": "bafy" }, "mimeType": "image/png", "size": 1 },
    });
    let mut event = event(now, &record, "3kabc");
    event.did = actor;
    scene.take(&[event]).await;
    let before = SystemClock.now();
    scene.work().await;
    let took = SystemClock.now().duration_since(before);
    let told = scene.told(&webhook).await;
    let took = took.try_into().expect("time goes on");
    (body(&told[0]), took)
}

#[tokio::test]
async fn a_stream_is_shown_with_all_that_can_be_looked_up() {
    let (body, _) = live(false).await;
    assert_eq!(body["avatar_url"], "https://cdn.example/natalie.jpg");
    let embed = &body["embeds"][0];
    assert_eq!(embed["color"], 0x0001_02ff);
    let image = embed["image"]["url"].as_str().expect("a picture");
    assert!(
        image.contains("/xrpc/com.atproto.sync.getBlob?cid=bafy&did=did%3Aweb%3A"),
        "{image}"
    );
    // The document claims no handle, whatever anybody else says of it.
    assert!(
        body["username"]
            .as_str()
            .expect("a name")
            .starts_with("@did:web:")
    );
}

#[tokio::test]
async fn nobody_is_waited_for_for_long() {
    let (body, took) = live(true).await;
    assert_eq!(body["content"], "🔴 LIVE Live!");
    assert_eq!(body.get("avatar_url"), None);
    assert!(took.as_secs() < 10, "{took:?}");
}

#[tokio::test]
async fn who_is_slow_to_look_up_holds_up_nobody_else() {
    let (url, slow) = service(true).await;
    let url = url.parse().expect("a URL");
    let scene = Scene::with("slow", |config| config.profile_service = url).await;
    let webhook = scene.webhook(1, fields(1, &["chat"])).await;
    // As many as there are places would wait for each other if they went one after another.
    let rkeys: Vec<_> = (0..60).map(|number| format!("slow{number}")).collect();
    let mut events: Vec<_> = rkeys
        .iter()
        .map(|rkey| event(SystemClock.now(), &message("slow"), rkey))
        .collect();
    for event in &mut events {
        event.did = slow.clone();
    }
    scene.take(&events).await;
    let before = SystemClock.now();
    assert_eq!(scene.work().await, 60);
    let took = SystemClock.now().duration_since(before);
    assert!(took.as_secs() < 20, "{took:?}");
    assert_eq!(scene.told(&webhook).await.len(), 60);
}
