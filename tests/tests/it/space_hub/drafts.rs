//! What drafts of the protocol said otherwise, where the settings allow it.

use loggia_delivery::{Clock as _, SystemClock};
use loggia_server::space_hub::HostAudience;
use loggia_syntax::Nsid;
use serde_json::{Value, json};

use crate::space_copies::scene::{free_port, until};
use crate::support::foreign_host::ForeignHost;
use crate::support::spaces::{
    COMMIT, NOTIFY, REGISTER, REMOVE_MEMBER, SpaceReader, let_in, open_forum, write_post,
};
use crate::support::{Syncer, TestServer};

#[tokio::test]
async fn whoever_registers_an_endpoint_alone_is_told_there_in_their_own_name() {
    let server = TestServer::start_with(|config| config.space_drafts = true).await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let space = open_forum(&alice).await;
    let_in(&alice, &space, &bob.did, (true, true)).await;
    let reader = SpaceReader::of(&server, &bob, &space).await;
    let mut syncer = Syncer::start().await;
    let port = syncer.did.rsplit("%3A").next().expect("a port");
    let url = format!("http://localhost:{port}");
    let input = json!({ "space": space, "endpoint": url });
    let registered = reader.procedure(&server, REGISTER, &input).await.output();
    assert!(registered["expiresAt"].is_string(), "{registered}");
    assert!(registered.get("secret").is_none(), "{registered}");
    write_post(&alice, &space, "a", "one").await;
    let told = syncer.told(NOTIFY, &alice, bob.did.as_str()).await;
    assert_eq!(told["repo"], json!(alice.did));

    // Of one author only.
    let input = json!({ "space": space, "endpoint": url, "repo": bob.did });
    reader.procedure(&server, REGISTER, &input).await.output();
    for wrong in [
        json!({ "space": space, "endpoint": 1 }),
        json!({ "space": space, "endpoint": "http://10.0.0.1/" }),
    ] {
        let refused = reader.procedure(&server, REGISTER, &wrong).await;
        assert_eq!(refused.status, 400, "{refused:#?}");
    }
    syncer.has_no_more();
}

/// The URL of a service's only entry.
fn url_of(syncer: &Syncer) -> String {
    let port = syncer.did.rsplit("%3A").next().expect("a port");
    format!("http://localhost:{port}")
}

#[tokio::test]
async fn each_url_of_a_draft_is_told_whoever_else_names_its_maker() {
    let server = TestServer::start_with(|config| config.space_drafts = true).await;
    let alice = server.account("alice");
    let (bob, mallory) = (server.account("bob"), server.account("mallory"));
    let space = open_forum(&alice).await;
    for member in [&bob, &mallory] {
        let_in(&alice, &space, &member.did, (true, true)).await;
    }
    let mut both = [Syncer::start().await, Syncer::start().await];
    let reader = SpaceReader::of(&server, &bob, &space).await;
    let mut ids = Vec::new();
    for syncer in &both {
        let input = json!({ "space": space, "endpoint": url_of(syncer) });
        let registered = reader.procedure(&server, REGISTER, &input).await.output();
        ids.push(registered["id"].clone());
    }
    assert_ne!(ids[0], ids[1], "one for each URL");
    // As a service Bob is at his PDS, which is this server: that is somewhere else.
    let stranger = SpaceReader::of(&server, &mallory, &space).await;
    let input = json!({ "space": space, "service": bob.did });
    stranger.procedure(&server, REGISTER, &input).await.output();
    write_post(&alice, &space, "a", "one").await;
    for syncer in &mut both {
        let told = syncer.told(NOTIFY, &alice, bob.did.as_str()).await;
        assert_eq!(told["repo"], json!(alice.did));
    }

    // Who was put out hears nothing more at any of their URLs.
    let gone = json!({ "space": space, "did": bob.did });
    assert_eq!(alice.procedure(REMOVE_MEMBER, &gone).await.status, 200);
    write_post(&alice, &space, "b", "two").await;
    let mut syncer = Syncer::start().await;
    let input = json!({ "space": space, "service": syncer.service });
    alice.procedure(REGISTER, &input).await.output();
    write_post(&alice, &space, "c", "three").await;
    let service = syncer.service.clone();
    syncer.told(NOTIFY, &alice, &service).await;
    for syncer in &mut both {
        syncer.has_no_more();
    }
}

#[tokio::test]
async fn nobody_is_asked_for_a_hash_of_whose_writes_the_space_takes_no_note() {
    let home = TestServer::start_with(|config| config.space_drafts = true).await;
    let alice = home.account("alice");
    let space = open_forum(&alice).await;
    let (stranger, mut host) = (ForeignHost::start().await, Syncer::start().await);
    stranger.now().moved_to = Some(url_of(&host));
    let news = json!({ "space": space, "repo": stranger.authority, "rev": "3l2tkbx7225co" });
    let method = Nsid::from_static(NOTIFY);
    let tell = async || {
        let token = stranger.token(alice.did.as_str(), &method, SystemClock.now());
        home.procedure(NOTIFY, Some(&token), &news).await
    };
    tell()
        .await
        .fails(403, "Forbidden", "writer is not authorized");
    host.has_no_more();
    // The host of who may write is asked, and has to answer.
    let_in(&alice, &space, &stranger.authority, (true, true)).await;
    assert_eq!(tell().await.status, 400);
    assert_eq!(host.next().await.path, format!("/xrpc/{COMMIT}"));
}

#[tokio::test]
async fn news_without_a_hash_has_the_one_that_its_author_has_signed() {
    let port = free_port();
    let away = TestServer::start().await;
    let bob = away.account("bob");
    let authority = format!("did:web:alice.localhost%3A{port}");
    let space = format!("at://{authority}/space/com.example.forum/main");
    // The space's host is not there yet, so that it is not told by the author's.
    write_post(&bob, &space, "a", "one").await;
    let params = [("space", space.as_str()), ("repo", bob.did.as_str())];
    let commit = bob.query(COMMIT, &params).await.output();
    let home = TestServer::start_with(|config| {
        config.bind.set_port(port);
        config.space_drafts = true;
    })
    .await;
    let alice = home.account("alice");
    assert_eq!(open_forum(&alice).await, space);
    let_in(&alice, &space, &bob.did, (true, true)).await;
    let news = json!({ "space": space, "repo": bob.did, "rev": commit["commit"]["rev"] });
    let tell = async |news: Value| {
        let token = bob.token_for(&authority, NOTIFY, SystemClock.now());
        home.procedure(NOTIFY, Some(&token), &news).await
    };
    let later = json!({ "space": space, "repo": bob.did, "rev": "7zzzzzzzzzzzz" });
    assert_eq!(tell(later).await.body["error"], "FutureRev");
    // The author's host has just failed to find the authority, and remembers that for some seconds.
    until("the author's host is asked", async || {
        let told = tell(news.clone()).await;
        (told.status == 200).then_some(())
    })
    .await;
    let reader = SpaceReader::of(&home, &alice, &space).await;
    let listed = reader.repos(&home, &space, None).await;
    let entry = &listed["repos"][0];
    assert_eq!(entry["hash"], commit["commit"]["hash"]);
    assert_eq!(entry["repoRev"], commit["commit"]["rev"]);
}

#[tokio::test]
async fn a_host_that_refuses_a_fragment_is_called_once_more_by_its_bare_name_if_that_is_set() {
    let auto = TestServer::start_with(|config| config.space_host_audience = HostAudience::Auto);
    let auto = auto.await;
    let bob = auto.account("bob");
    let mut host = Syncer::answering(&[401, 200, 403, 403]).await;
    let space = format!("at://{}/space/com.example.forum/main", host.did);
    let (bare, fragment) = (host.did.clone(), format!("{}#atproto_space_host", host.did));
    write_post(&bob, &space, "a", "one").await;
    for audience in [&fragment, &bare] {
        let told = host.told(NOTIFY, &bob, audience).await;
        assert_eq!(told["repo"], json!(bob.did));
    }
    // Once more and no more than that.
    write_post(&bob, &space, "b", "two").await;
    for audience in [&fragment, &bare] {
        host.told(NOTIFY, &bob, audience).await;
    }

    let strict = TestServer::start().await;
    let carol = strict.account("carol");
    host.answer(&[403, 200]);
    write_post(&carol, &space, "a", "one").await;
    host.told(NOTIFY, &carol, &fragment).await;
    write_post(&carol, &space, "b", "two").await;
    host.told(NOTIFY, &carol, &fragment).await;
    host.has_no_more();
}
