//! What is told of a space that is hosted elsewhere.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::scene::{Scene, beside, free_port, reading, told, until};
use crate::support::foreign_host::ForeignHost;
use crate::support::notices::{WRITE, space_id_of};
use crate::support::process::ServerProcess;
use crate::support::{Receiver, TestServer};

#[tokio::test]
async fn each_change_elsewhere_is_told_once_and_what_was_there_before_is_not() {
    let host = ForeignHost::start().await;
    let alice = host.author("alice");
    host.write(&alice, "old", Some("there already"));
    host.write(&alice, "older", Some("gone already"));
    host.write(&alice, "older", None);
    let mut scene = Scene::of(host).await;
    scene.converges(&alice).await;

    let made = scene.host.write(&alice, "a", Some("one"));
    scene.tells(&alice, &[("a", made)]).await;
    let changed = scene.host.write(&alice, "a", Some("two"));
    scene.tells(&alice, &[("a", changed)]).await;
    scene.host.write(&alice, "a", None);
    scene.host.write(&alice, "old", None);
    scene.converges(&alice).await;
    let mut arrived = Vec::new();
    for _ in 0..2 {
        arrived.push(scene.receiver.next().await.verified(&scene.secret));
    }
    arrived.sort_by_key(|body| body["rkey"].to_string());
    let expected = ["a", "old"].map(|rkey| told(&scene.host, &alice, rkey, None));
    assert_eq!(arrived, expected);

    // Somebody who comes later is new altogether.
    let bob = scene.host.author("bob");
    let first = scene.host.write(&bob, "a", Some("hello"));
    scene.tells(&bob, &[("a", first)]).await;
    scene.converges(&bob).await;
    let service = format!("{}#loggia", scene.server.did);
    assert!(scene.host.now().registered.contains(&service));
    scene.receiver.has_no_more();
}

#[tokio::test]
async fn news_have_one_repository_fetched_and_a_gap_the_list_read() {
    let mut scene = Scene::visiting(ForeignHost::start().await, 3600).await;
    let (alice, bob) = (scene.host.author("alice"), scene.host.author("bob"));
    let lists = format!("listRepos {}", scene.host.authority);
    let listed = scene.host.now().called(&lists);
    let first = scene.host.write(&alice, "a", Some("one"));
    let heard = scene.host.announce(&scene.server, &alice, None).await;
    assert_eq!(heard.status, 200, "{heard:#?}");
    scene.tells(&alice, &[("a", first)]).await;
    assert_eq!(
        scene.host.now().called(&lists),
        listed,
        "nothing was missed"
    );

    // Nobody hears of Bob's write, until something comes after it.
    let second = scene.host.write(&bob, "a", Some("two"));
    let prev = scene.host.entry(&bob)["spaceRev"].clone();
    let third = scene.host.write(&alice, "b", Some("three"));
    let heard = scene
        .host
        .announce(&scene.server, &alice, Some(&prev))
        .await;
    assert_eq!(heard.status, 200, "{heard:#?}");
    scene.converges(&alice).await;
    scene.converges(&bob).await;
    let mut arrived = Vec::new();
    for _ in 0..2 {
        arrived.push(scene.receiver.next().await.verified(&scene.secret));
    }
    arrived.sort_by_key(|body| body["did"].to_string());
    let expected = [
        told(&scene.host, &alice, "b", third.as_deref()),
        told(&scene.host, &bob, "a", second.as_deref()),
    ];
    assert_eq!(arrived, expected);

    // The same again, and from somebody else.
    let again = scene
        .host
        .announce(&scene.server, &alice, Some(&prev))
        .await;
    assert_eq!(again.status, 200, "{again:#?}");
    let mallory = scene.server.account("mallory");
    let entry = scene.host.entry(&alice);
    let input = json!({
        "space": scene.host.space,
        "repo": alice,
        "repoRev": entry["repoRev"],
        "hash": entry["hash"],
    });
    let refused = mallory.procedure(WRITE, &input).await;
    assert_eq!(refused.body["error"], "SpaceNotFound", "{refused:#?}");
    scene.converges(&alice).await;
    scene.receiver.has_no_more();
}

#[tokio::test]
async fn after_a_restart_the_copy_goes_on_where_it_was() {
    let host = ForeignHost::start().await;
    let alice = host.author("alice");
    let port = free_port();
    let server = TestServer::start_with(|config| reading(config, port, 3600)).await;
    server.account("reader");
    let mut receiver = Receiver::start();
    let secret = host.register(&server, &receiver.url).await;
    let storage = beside(&server).await;
    until("the list is read", async || {
        let found = storage.space_copies().find_space(&host.space).await;
        found.expect("runs").filter(|space| space.is_listed)
    })
    .await;
    // It is visited once an hour, and after each start.
    let first = host.write(&alice, "a", Some("one"));
    storage.close().await;
    let folder = server.stop().await;
    let server = TestServer::start_in(folder, |config| reading(config, port, 3600)).await;
    let arrived = receiver.next().await.verified(&secret);
    assert_eq!(arrived, told(&host, &alice, "a", first.as_deref()));
    let folder = server.stop().await;
    let second = host.write(&alice, "b", Some("two"));
    let _server = TestServer::start_in(folder, |config| reading(config, port, 3600)).await;
    let arrived = receiver.next().await.verified(&secret);
    assert_eq!(arrived, told(&host, &alice, "b", second.as_deref()));
    receiver.has_no_more();
}

#[tokio::test]
async fn of_a_space_that_is_gone_the_end_is_told_and_nothing_is_kept() {
    let mut scene = Scene::start().await;
    let alice = scene.host.author("alice");
    let made = scene.host.write(&alice, "a", Some("one"));
    scene.tells(&alice, &[("a", made)]).await;
    {
        let mut host = scene.host.now();
        host.revoke();
        host.refuses = Some("SpaceDeleted");
    }
    let end =
        json!({ "space": space_id_of(scene.host.space.as_str()), "spaceUri": scene.host.space });
    assert_eq!(scene.receiver.next().await.verified(&scene.secret), end);
    assert_eq!(scene.copy(&alice).await, None);
    scene.receiver.has_no_more();
}

/// Killed at any moment: everything is told, and what is told twice has the same name.
#[tokio::test]
async fn nothing_is_lost_or_told_twice_when_the_server_is_killed() {
    let host = ForeignHost::start().await;
    let alice = host.author("alice");
    let folder = tempfile::tempdir().expect("a folder");
    // The port that a process gets is not known before it has it.
    let mut process = ServerProcess::start(folder.path(), &[]).await;
    let port = process.port;
    process.kill();
    let mut config = loggia_server::config::Config::defaults();
    reading(&mut config, port, 1);
    process.set("space_readers", config.space_readers[0].as_str());
    process.set("space_visit_seconds", "1");
    process.spawn_again();
    process.ready().await;
    process.caller("reader");
    let mut receiver = Receiver::start();
    let secret = register(&host, &process, &receiver.url).await;
    let listed = || host.now().called(&format!("listRepos {}", host.authority));
    until("it is copied", async || (listed() > 1).then_some(())).await;

    let mut written = BTreeMap::new();
    for round in 0..4_u32 {
        for number in 0..5 {
            let rkey = format!("{round}-{number}");
            let cid = host.write(&alice, &rkey, Some(&rkey));
            written.insert(rkey, json!(cid));
        }
        // Somewhere between the list and the last of the deliveries.
        let before = host.now().called(&format!("listRepoOps {alice}"));
        let called = || host.now().called(&format!("listRepoOps {alice}"));
        until("the log is asked for", async || {
            (called() > before).then_some(())
        })
        .await;
        process.kill();
        process.spawn_again();
        process.ready().await;
    }
    let mut arrived: BTreeMap<String, (String, Value)> = BTreeMap::new();
    while arrived.len() < written.len() {
        let arrival = receiver.next().await;
        let id = arrival.headers["webhook-id"]
            .to_str()
            .expect("text")
            .to_owned();
        let body = arrival.verified(&secret);
        let rkey = body["rkey"].as_str().expect("a key").to_owned();
        let first = arrived
            .entry(rkey)
            .or_insert((id.clone(), body["cid"].clone()));
        assert_eq!(first.0, id, "the same change under two names");
    }
    let arrived: BTreeMap<_, _> = arrived
        .into_iter()
        .map(|(rkey, (_, cid))| (rkey, cid))
        .collect();
    assert_eq!(arrived, written);
}

pub(super) async fn register(
    host: &ForeignHost,
    process: &ServerProcess,
    endpoint: &str,
) -> String {
    use crate::support::http;
    use crate::support::notices::{REGISTER, registration};
    use loggia_delivery::{Clock, SystemClock};
    let method = REGISTER.parse().expect("an NSID");
    let audience = format!("did:web:localhost%3A{}", process.port);
    let token = host.token(&audience, &method, SystemClock.now());
    let url = format!("http://127.0.0.1:{}/xrpc/{REGISTER}", process.port);
    let input = registration(host.space.as_str(), endpoint);
    let sent = http()
        .post(url)
        .bearer_auth(token)
        .json(&input)
        .send()
        .await;
    let output: Value = sent.expect("it answers").json().await.expect("JSON");
    let secret = output["secret"].as_str().map(str::to_owned);
    secret.unwrap_or_else(|| panic!("no secret: {output}"))
}
