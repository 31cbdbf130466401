//! People log in with a browser at the reference PDS's own pages.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use loggia_api::com::atproto::repo::{create_record, get_record};
use loggia_delivery::{Clock, SystemClock};
use loggia_server::login::oauth::{Client, Exchange, StoredKey};
use loggia_server::login::{Pds, PdsError};
use loggia_storage::{Location, LoginSession, MasterKey, Storage};
use loggia_syntax::data::Object;
use loggia_syntax::{AtIdentifier, Did, Nsid};
use loggia_xrpc::NoBody;
use loggia_xrpc_client::{AddressGuard, ClientSettings, GuardedClient};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::pds::PASSWORD;
use crate::support::{Browser, Person, ReferenceServers, TestServer};

/// The server that the reference PDS's people log in to; port 0 is any.
async fn start(reference: &ReferenceServers, folder: TempDir, port: u16) -> TestServer {
    let [plc, pds] = [&reference.plc, &reference.pds].map(|url| url.parse().expect("a URL"));
    TestServer::start_in(folder, |config| {
        config.bind.set_port(port);
        config.plc_directory = plc;
        config.handle_service = Some(pds);
    })
    .await
}

/// The account's session as it is kept in a data folder.
async fn kept(folder: &Path, did: &Did) -> (Storage, LoginSession) {
    let key = std::fs::read_to_string(folder.join("master.key")).expect("a key");
    let key = BASE64_STANDARD.decode(key.trim()).expect("base64");
    let key = MasterKey::new(key.try_into().expect("32 bytes"));
    let storage = Storage::open(&Location::file(folder.join("loggia.db")), &key).await;
    let storage = storage.expect("it opens");
    let sessions = storage.login_sessions();
    let session = sessions.newest_of(did, SystemClock.now()).await;
    let session = session.expect("it answers").expect("a session");
    (storage, session)
}

/// Has the access token of the account's session end, in the data folder of a stopped server.
async fn end_access_token(folder: &Path, did: &Did) {
    let (storage, session) = kept(folder, did).await;
    let mut tokens: Value = serde_json::from_slice(&session.tokens).expect("JSON");
    tokens["expires_at"] = SystemClock.now().to_string().into();
    let (sessions, text) = (storage.login_sessions(), tokens.to_string());
    let updated = sessions.update_tokens(session.id, text.as_bytes()).await;
    assert!(updated.expect("it answers"));
    storage.close().await;
}

/// Whether the authorization server still takes the refresh token of such tokens.
async fn can_be_refreshed(tokens: &Value, site: &str) -> bool {
    let guard = AddressGuard::new().allow_loopback(true);
    let settings = ClientSettings {
        guard,
        ..ClientSettings::default()
    };
    let exchange = Exchange::new(GuardedClient::new(settings).expect("a client"));
    let client = Client::loopback(site);
    let text = |name: &'static str| tokens[name].as_str().expect("text");
    let server = exchange.server_of(text("issuer"), text("pds"), &client);
    let server = server.await.expect("it describes itself");
    let key: StoredKey = serde_json::from_value(tokens["key"].clone()).expect("a key");
    let (key, now) = (key.read().expect("a key"), SystemClock.now());
    let refreshed = exchange
        .refresh(&server, &client, &key, text("refresh"), now)
        .await;
    match refreshed {
        Ok(_) => true,
        Err(error) if error.is("invalid_grant") => false,
        Err(error) => panic!("{error:?}"),
    }
}

/// The name that the reference PDS calls itself by.
fn issuer(reference: &ReferenceServers) -> String {
    reference.pds.replace("127.0.0.1", "localhost")
}

/// The way of a person from our form over the PDS's pages and back.
fn log_in(browser: &mut Browser, site: &str, issuer: &str, typed: &str) {
    browser.goto(&format!("{site}/login?return_to=/account"));
    browser.fill("Your handle or DID", typed);
    browser.click("Continue");
    browser.arrive(&format!("{issuer}/oauth/authorize"));
    browser.fill("Password", PASSWORD);
    browser.click("Sign in");
    browser.click("Authorize");
    browser.arrive(&format!("{site}/account"));
}

/// The way of a person who thinks better of it at the PDS.
fn decline(browser: &mut Browser, site: &str, issuer: &str, typed: &str) {
    browser.goto(&format!("{site}/login"));
    browser.fill("Your handle or DID", typed);
    browser.click("Continue");
    browser.arrive(&format!("{issuer}/oauth/authorize"));
    browser.click("Cancel");
    browser.arrive(&format!("{site}/oauth/callback"));
    let text = browser.text();
    assert!(text.contains("You did not allow it."), "{text}");
}

/// Writes a webhook record into the repository and reads it back.
async fn write_and_read(pds: &Pds, url: &str) -> Result<Value, PdsError> {
    let record = json!({
        "$type": "place.wisp.v2.wh",
        "scope": { "aturi": format!("at://{}", pds.did()) },
        "url": url,
        "createdAt": "2026-11-01T12:00:00.000Z",
    });
    let record: Object = serde_json::from_value(record).expect("an object");
    let collection = Nsid::from_static("place.wisp.v2.wh");
    let input = create_record::Input {
        repo: AtIdentifier::from(pds.did().clone()),
        collection: collection.clone(),
        rkey: None,
        validate: None,
        record,
        swap_commit: None,
        extra: Default::default(),
    };
    let now = SystemClock.now();
    let made = pds
        .call::<create_record::CreateRecord>(&(), input, now)
        .await?;
    let rkey = made.uri.as_str().rsplit('/').next().expect("a key");
    let params = get_record::Params {
        repo: AtIdentifier::from(pds.did().clone()),
        collection,
        rkey: rkey.parse().expect("a record key"),
        cid: None,
    };
    let found = pds
        .call::<get_record::GetRecord>(&params, NoBody, now)
        .await?;
    Ok(serde_json::to_value(&found.value).expect("JSON"))
}

/// Adds, lists and removes a webhook by Wisp's routes, which write to the PDS.
async fn manage_webhooks(person: &mut Person, did: &str) {
    let body = json!({
        "scopeAturi": "at://did:plc:aaaaaaaaaaaaaaaaaaaaaaaa/app.bsky.feed.*",
        "url": "https://hooks.example/routes",
        "events": ["create"],
    });
    let made = person
        .script("POST", "/api/webhook", Some(&body))
        .await
        .output();
    let rkey = made["rkey"].as_str().expect("a key");
    assert_eq!(made["uri"], format!("at://{did}/place.wisp.v2.wh/{rkey}"));
    let listed = person.script("GET", "/api/webhook", None).await.output();
    let records = listed["records"].as_array().expect("a list");
    let found = records.iter().find(|record| record["uri"] == made["uri"]);
    let value = &found.expect("the record is there")["value"];
    assert_eq!(value["url"], "https://hooks.example/routes");
    assert_eq!(value["scope"], json!({ "aturi": body["scopeAturi"] }));
    let path = format!("/api/webhook/{rkey}");
    let gone = person.script("DELETE", &path, None).await;
    gone.is(200, json!({ "success": true }));
    let listed = person.script("GET", "/api/webhook", None).await.output();
    let left = listed["records"].as_array().map(Vec::len);
    assert_eq!(left, Some(records.len() - 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_person_declines_logs_in_writes_and_logs_out() {
    let reference = ReferenceServers::start();
    let account = reference.account("emma").await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = start(&reference, folder, 0).await;
    let site = format!("http://127.0.0.1:{}", server.port());
    let mut browser = Browser::start();

    // `localhost` leads to the address, and whoever is not logged in to the form.
    browser.goto(&format!("http://localhost:{}/account", server.port()));
    browser.arrive(&format!("{site}/login?return_to=/account"));
    decline(&mut browser, &site, &issuer(&reference), &account.did);
    log_in(&mut browser, &site, &issuer(&reference), "@Emma.test");
    let text = browser.text();
    assert!(
        text.contains("@emma.test") && text.contains(&account.did),
        "{text}"
    );
    let did = account.did.parse().expect("a DID");
    let pds = server.people.pds_of(&did, SystemClock.now()).await;
    let pds = pds.expect("the store answers").expect("emma is logged in");
    let record = write_and_read(&pds, "https://hooks.example/emma").await;
    assert_eq!(
        record.expect("written")["url"],
        "https://hooks.example/emma"
    );

    // Another start, and an access token that is over: emma notices nothing.
    let port = server.port();
    let folder = server.stop().await;
    end_access_token(folder.path(), &did).await;
    let server = start(&reference, folder, port).await;
    browser.goto(&format!("{site}/account"));
    assert!(browser.text().contains("@emma.test"));
    let pds = server.people.pds_of(&did, SystemClock.now()).await;
    let pds = pds.expect("the store answers").expect("emma is logged in");
    let record = write_and_read(&pds, "https://hooks.example/later").await;
    assert_eq!(
        record.expect("written")["url"],
        "https://hooks.example/later"
    );

    let mut thief = Person::at(&server);
    for cookie in browser.cookies() {
        let field = |name: &str| cookie[name].as_str().unwrap_or_default().to_owned();
        thief.cookies.insert(field("name"), field("value"));
    }
    assert_eq!(thief.account().await.output()["did"], account.did);
    manage_webhooks(&mut thief, &account.did).await;
    let (storage, session) = kept(&server.data(), &did).await;
    storage.close().await;
    browser.click("Log out");
    browser.arrive(&format!("{site}/login?logged_out=1"));
    assert!(browser.text().contains("You are logged out."));
    assert_eq!(thief.account().await.status, 401, "a copy of the cookie");
    let tokens = serde_json::from_slice(&session.tokens).expect("JSON");
    assert!(!can_be_refreshed(&tokens, &site).await, "they were revoked");
    let ended = write_and_read(&pds, "https://hooks.example/late").await;
    assert!(matches!(ended, Err(PdsError::LoggedOut)), "{ended:?}");
}
