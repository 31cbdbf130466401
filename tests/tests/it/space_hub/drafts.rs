//! What drafts of the protocol said otherwise, where the settings allow it.

use loggia_delivery::{Clock as _, SystemClock};
use loggia_server::space_hub::HostAudience;
use serde_json::{Value, json};

use crate::space_copies::scene::{free_port, until};
use crate::support::spaces::{
    COMMIT, NOTIFY, REGISTER, SpaceReader, let_in, open_forum, write_post,
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
