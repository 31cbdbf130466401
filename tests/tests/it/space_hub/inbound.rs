//! News of repositories from their hosts: whose is taken, in which order, and what it leads to.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use loggia_delivery::{Clock, SystemClock};
use loggia_syntax::Tid;
use serde_json::{Value, json};

use crate::support::notices::registration;
use crate::support::rows::Database;
use crate::support::spaces::{
    CREATE, DELETE_SPACE, ENDED, NOTIFY, REGISTER, REVOKED, SpaceReader, let_in, open_forum,
    post_of, write_post,
};
use crate::support::{Account, Answer, Receiver, Syncer, TestServer};

/// A revision so many seconds from now.
fn rev(seconds: i64) -> Tid {
    let time = SystemClock.now() + SignedDuration::from_secs(seconds);
    let micros = u64::try_from(time.as_microsecond()).expect("after 1970");
    Tid::from_micros(micros, 1).expect("a revision")
}

fn news(space: &str, author: &Account<'_>, rev: &Tid) -> Value {
    json!({
        "space": space,
        "repo": author.did,
        "repoRev": rev.as_str(),
        "hash": { "$bytes": "5aAKqZkayKXuMQmETYSlVYO9IFcq0//NQnkvPDaxg60" },
    })
}

/// Tells a server news, with a token for this audience.
async fn tell(server: &TestServer, by: &Account<'_>, audience: &str, input: &Value) -> Answer {
    let token = by.token_for(audience, NOTIFY, SystemClock.now());
    server.procedure(NOTIFY, Some(&token), input).await
}

#[tokio::test]
async fn news_of_a_repository_elsewhere_is_put_in_sequence_and_passed_on() {
    let (server, elsewhere) = (TestServer::start().await, TestServer::start().await);
    let alice = server.account("alice");
    let carol = elsewhere.account("carol");
    let space = open_forum(&alice).await;
    let_in(&alice, &space, &carol.did, (true, true)).await;
    let mut syncer = Syncer::start().await;
    let name = syncer.service.clone();
    let input = json!({ "space": space, "service": name });
    alice.procedure(REGISTER, &input).await.output();

    let (early, late) = (rev(-20), rev(-10));
    let host = format!("{}#atproto_space_host", alice.did);
    let answer = tell(&server, &carol, &host, &news(&space, &carol, &early)).await;
    answer.is(200, json!({ "success": true }));
    let told = syncer.told(NOTIFY, &alice, &name).await;
    assert_eq!(
        (&told["repo"], &told["rev"]),
        (&json!(carol.did), &json!(early.as_str()))
    );

    // The bare DID will do, and so will the older name of the revision.
    let mut older = news(&space, &carol, &late);
    older["rev"] = older
        .as_object_mut()
        .expect("an object")
        .remove("repoRev")
        .expect("a revision");
    let answer = tell(&server, &carol, alice.did.as_str(), &older).await;
    answer.is(200, json!({ "success": true }));
    let next = syncer.told(NOTIFY, &alice, &name).await;
    assert_eq!(
        (&next["repoRev"], &next["rev"]),
        (&json!(late.as_str()), &json!(late.as_str()))
    );
    assert_eq!(next["prevSpaceRev"], told["spaceRev"]);

    // Old news is taken politely, and told to nobody.
    for old in [&early, &late] {
        let answer = tell(&server, &carol, &host, &news(&space, &carol, old)).await;
        answer.is(200, json!({ "success": true }));
    }
    let reader = SpaceReader::of(&server, &alice, &space).await;
    let repos = reader.repos(&server, &space, None).await;
    assert_eq!(repos["repos"][0]["spaceRev"], next["spaceRev"]);
    assert_eq!(repos["repos"].as_array().map(Vec::len), Some(1));
    syncer.has_no_more();
}

#[tokio::test]
async fn only_the_author_tells_and_only_the_authority_is_told() {
    let server = TestServer::start().await;
    let (alice, bob, carol) = (
        server.account("alice"),
        server.account("bob"),
        server.account("carol"),
    );
    let space = open_forum(&alice).await;
    let_in(&alice, &space, &bob.did, (true, true)).await;
    let_in(&alice, &space, &carol.did, (true, false)).await;
    let host = format!("{}#atproto_space_host", alice.did);
    let of = |author: &Account<'_>| news(&space, author, &rev(-1));
    let forbidden = [
        (
            &carol,
            &*host,
            of(&bob),
            "iss does not match claimed writer",
        ),
        (
            &bob,
            &*server.did,
            of(&bob),
            &*format!("aud does not match the space authority: it must be {host}"),
        ),
        (&carol, &*host, of(&carol), "writer is not authorized"),
    ];
    for (by, audience, input, message) in forbidden {
        let answer = tell(&server, by, audience, &input).await;
        answer.fails(403, "Forbidden", message);
    }
    let answer = tell(&server, &bob, bob.did.as_str(), &of(&bob)).await;
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (401, &json!("BadJwtAudience"))
    );
    let answer = server.procedure(NOTIFY, None, &of(&bob)).await;
    answer.fails(401, "AuthMissing", "authentication is required");
    let reader = SpaceReader::of(&server, &alice, &space).await;
    assert_eq!(
        reader.repos(&server, &space, None).await,
        json!({ "repos": [] })
    );
}

#[tokio::test]
async fn news_of_the_future_and_of_no_space_is_refused() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let space = open_forum(&alice).await;
    let host = format!("{}#atproto_space_host", alice.did);
    let ahead = news(&space, &alice, &rev(310));
    let message = "The revision lies in the future by more than clocks may differ.";
    tell(&server, &alice, &host, &ahead)
        .await
        .fails(400, "FutureRev", message);
    let near = news(&space, &alice, &rev(290));
    tell(&server, &alice, &host, &near)
        .await
        .is(200, json!({ "success": true }));
    let mut short = news(&space, &alice, &rev(295));
    short["hash"]["$bytes"] = json!("AAAA");
    tell(&server, &alice, &host, &short)
        .await
        .fails(400, "InvalidRequest", "`hash` has 32 bytes");

    let message = "This host knows no such space.";
    let unknown = news(&format!("{space}2"), &alice, &rev(-1));
    tell(&server, &alice, &host, &unknown)
        .await
        .fails(400, "SpaceNotFound", message);
    let end = json!({ "space": space });
    assert_eq!(alice.procedure(DELETE_SPACE, &end).await.status, 200);
    tell(&server, &alice, &host, &news(&space, &alice, &rev(299)))
        .await
        .fails(400, "SpaceNotFound", message);
}

#[tokio::test]
async fn writers_at_once_form_one_chain_for_a_service() {
    let (server, elsewhere) = (TestServer::start().await, TestServer::start().await);
    let alice = server.account("alice");
    let space = open_forum(&alice).await;
    let mut syncer = Syncer::start().await;
    let name = syncer.service.clone();
    let input = json!({ "space": space, "service": name });
    alice.procedure(REGISTER, &input).await.output();
    let names = ["a", "b", "c", "d", "e", "f"];
    let writers = names.map(|name| elsewhere.account(name));
    for writer in &writers {
        let_in(&alice, &space, &writer.did, (true, true)).await;
    }
    let told = writers.iter().map(|writer| async {
        let input = news(&space, writer, &rev(-1));
        let answer = tell(&server, writer, alice.did.as_str(), &input).await;
        answer.is(200, json!({ "success": true }));
    });
    futures_util::future::join_all(told).await;
    let mut heard = Vec::new();
    for _ in names {
        heard.push(syncer.told(NOTIFY, &alice, &name).await);
    }
    assert_eq!(heard[0].get("prevSpaceRev"), None);
    for pair in heard.windows(2) {
        assert_eq!(pair[1]["prevSpaceRev"], pair[0]["spaceRev"], "{heard:#?}");
    }
    let reader = SpaceReader::of(&server, &alice, &space).await;
    let repos = reader.repos(&server, &space, None).await;
    let listed: Vec<_> = repos["repos"].as_array().expect("a list").iter().collect();
    let order = |list: &[&Value], field: &str| -> Vec<Value> {
        list.iter().map(|one| one[field].clone()).collect()
    };
    let heard: Vec<_> = heard.iter().collect();
    assert_eq!(order(&listed, "did"), order(&heard, "repo"));
    assert_eq!(order(&listed, "spaceRev"), order(&heard, "spaceRev"));
}

#[tokio::test]
async fn a_revocation_is_of_the_authority_and_for_an_account_here() {
    let (server, elsewhere) = (TestServer::start().await, TestServer::start().await);
    let alice = elsewhere.account("alice");
    let bob = server.account("bob");
    let space = format!("at://{}/space/com.example.forum/main", alice.did);
    let input = json!({ "space": space, "credentials": ["a", "b"] });
    let call = async |by: &Account<'_>, audience: &str| {
        let token = by.token_for(audience, REVOKED, SystemClock.now());
        server.procedure(REVOKED, Some(&token), &input).await
    };
    let issuer = "Revocation issuer is not the space authority";
    call(&bob, bob.did.as_str())
        .await
        .fails(403, "Forbidden", issuer);
    let audience = "Revocation audience does not match an account of this host";
    for other in [&*server.did, alice.did.as_str()] {
        call(&alice, other).await.fails(403, "Forbidden", audience);
    }
    for _ in 0..2 {
        let done = call(&alice, bob.did.as_str()).await;
        assert_eq!(done.status, 200, "{done:#?}");
    }
}

#[tokio::test]
async fn a_space_elsewhere_is_gone_when_its_authority_says_so() {
    let (server, elsewhere) = (TestServer::start().await, TestServer::start().await);
    let (alice, bob) = (elsewhere.account("alice"), server.account("bob"));
    let space = open_forum(&alice).await;
    let unknown = format!("{space}2");
    let mut receiver = Receiver::start();
    let reader = SpaceReader::of(&elsewhere, &alice, &space).await;
    let input = registration(&space, &receiver.url);
    let registered = reader.procedure(&server, REGISTER, &input).await.output();
    let secret = registered["secret"].as_str().expect("a secret");
    // Nobody here can ask who reads a space elsewhere: the registration ends with the credential.
    let until: jiff::Timestamp = registered["expiresAt"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .expect("a time");
    assert!(until < SystemClock.now() + SignedDuration::from_mins(11));
    write_post(&bob, &space, "a", "one").await;
    receiver.next().await.verified(secret);

    let end = async |by: &Account<'_>, space: &str| {
        let token = by.token_for(&server.did, ENDED, SystemClock.now());
        let input = json!({ "space": space });
        server.procedure(ENDED, Some(&token), &input).await
    };
    let message = "only the authority of a space may say that it is gone";
    end(&bob, &space).await.fails(403, "Forbidden", message);
    for space in [&space, &unknown] {
        end(&alice, space).await.is(200, json!({ "success": true }));
    }
    let told = receiver.next().await.verified(secret);
    assert_eq!(told["spaceUri"], json!(space));
    let post = post_of(&bob, &space, "b", "two");
    let answer = bob.procedure(CREATE, &post).await;
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (400, &json!("SpaceNotFound"))
    );
    // What is said of spaces that nobody here has anything in is not remembered.
    let mut rows = Database::sqlite(&server.data()).await;
    assert_eq!(rows.number("SELECT count(*) FROM space_tombstone").await, 1);
    receiver.has_no_more();
}

#[tokio::test]
async fn a_revocation_ends_what_was_registered_with_the_credential() {
    let (server, elsewhere) = (TestServer::start().await, TestServer::start().await);
    let (alice, bob) = (elsewhere.account("alice"), server.account("bob"));
    let space = open_forum(&alice).await;
    let mut receiver = Receiver::start();
    let reader = SpaceReader::of(&elsewhere, &alice, &space).await;
    let input = registration(&space, &receiver.url);
    reader.procedure(&server, REGISTER, &input).await.output();
    let claims = reader.credential.split('.').nth(1).expect("three parts");
    let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).expect("base64url");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    let revocation = json!({ "space": space, "credentials": [claims["jti"]] });
    let token = alice.token_for(bob.did.as_str(), REVOKED, SystemClock.now());
    let done = server.procedure(REVOKED, Some(&token), &revocation).await;
    assert_eq!(done.status, 200, "{done:#?}");
    write_post(&bob, &space, "a", "one").await;
    let message = "the space credential has been revoked: get a new one";
    let answer = reader.procedure(&server, REGISTER, &input).await;
    answer.fails(401, "CredentialRevoked", message);
    receiver.has_no_more();
}
