//! Services of the protocol: registered by the name of an entry in a DID document, told of advances.

use serde_json::{Value, json};

use crate::support::spaces::{
    COMMIT, DELETE_SPACE, ENDED, NOTIFY, REGISTER, REMOVE_MEMBER, SpaceReader, UNREGISTER, let_in,
    open_forum, write_post,
};
use crate::support::{Account, Answer, Receiver, Syncer, TestServer};

/// The input that registers a service.
fn service(space: &str, service: &str) -> Value {
    json!({ "space": space, "service": service })
}

#[track_caller]
fn is_registered(answer: Answer) -> Value {
    let output = answer.output();
    let keys: Vec<_> = output.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["expiresAt", "id"], "{output}");
    output
}

/// Bob reads and writes in a forum of Alice's.
async fn forum<'a>(server: &'a TestServer) -> (Account<'a>, Account<'a>, String, SpaceReader) {
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let space = open_forum(&alice).await;
    let_in(&alice, &space, &bob.did, (true, true)).await;
    let reader = SpaceReader::of(server, &bob, &space).await;
    (alice, bob, space, reader)
}

#[tokio::test]
async fn in_0016_mode_a_service_is_told_at_its_method_with_a_token_that_verifies() {
    let server = TestServer::start().await;
    let (alice, bob, space, reader) = forum(&server).await;
    let mut syncer = Syncer::start().await;
    let name = syncer.service.clone();
    let input = service(&space, &name);
    let first = is_registered(reader.procedure(&server, REGISTER, &input).await);
    let again = is_registered(reader.procedure(&server, REGISTER, &input).await);
    assert_eq!(first["id"], again["id"]);

    write_post(&bob, &space, "a", "one").await;
    let told = syncer.told(NOTIFY, &alice, &name).await;
    let params = [("space", space.as_str()), ("repo", bob.did.as_str())];
    let commit = bob.query(COMMIT, &params).await.output();
    let expected = json!({
        "space": space,
        "repo": bob.did,
        "repoRev": commit["commit"]["rev"],
        "rev": commit["commit"]["rev"],
        "hash": commit["commit"]["hash"],
        "spaceRev": told["spaceRev"],
    });
    assert_eq!(told, expected, "the first has none before it");

    // The owner's own writes are in the same sequence.
    write_post(&alice, &space, "b", "two").await;
    let next = syncer.told(NOTIFY, &alice, &name).await;
    assert_eq!(
        (&next["repo"], &next["prevSpaceRev"]),
        (&json!(alice.did), &told["spaceRev"])
    );
    let repos = reader.repos(&server, &space, None).await;
    let entry = |told: &Value| {
        json!({
            "did": told["repo"],
            "repoRev": told["repoRev"],
            "hash": told["hash"],
            "spaceRev": told["spaceRev"],
        })
    };
    let cursor = &next["spaceRev"];
    assert_eq!(
        repos,
        json!({ "repos": [entry(&told), entry(&next)], "cursor": cursor })
    );
    // Whoever has heard the first goes on from there, and whoever has heard all gets nothing more.
    let rest = reader
        .repos(&server, &space, told["spaceRev"].as_str())
        .await;
    assert_eq!(rest, json!({ "repos": [entry(&next)], "cursor": cursor }));
    let rest = reader.repos(&server, &space, cursor.as_str()).await;
    assert_eq!(rest, json!({ "repos": [] }));

    let input = json!({ "space": space });
    assert_eq!(alice.procedure(DELETE_SPACE, &input).await.status, 200);
    let end = syncer.told(ENDED, &alice, &name).await;
    assert_eq!(end, input);
    syncer.has_no_more();
}

#[tokio::test]
async fn in_0016_mode_unregistering_twice_is_fine_both_times() {
    let server = TestServer::start().await;
    let (alice, bob, space, reader) = forum(&server).await;
    let mut syncer = Syncer::start().await;
    // A bare DID stands for its PDS, and is the audience as it is.
    let input = service(&space, &syncer.did);
    is_registered(reader.procedure(&server, REGISTER, &input).await);
    write_post(&bob, &space, "a", "one").await;
    let did = syncer.did.clone();
    syncer.told(NOTIFY, &alice, &did).await;

    // Somebody else's registration is not theirs to end.
    let carol = server.account("carol");
    let_in(&alice, &space, &carol.did, (true, false)).await;
    let other = SpaceReader::of(&server, &carol, &space).await;
    assert_eq!(
        other.procedure(&server, UNREGISTER, &input).await.status,
        200
    );
    write_post(&bob, &space, "b", "two").await;
    syncer.told(NOTIFY, &alice, &did).await;

    for _ in 0..2 {
        let done = reader.procedure(&server, UNREGISTER, &input).await;
        assert_eq!(done.status, 200, "{done:#?}");
    }
    write_post(&bob, &space, "c", "three").await;
    let unknown = service(&format!("{space}2"), &syncer.did);
    let answer = alice.procedure(UNREGISTER, &unknown).await;
    answer.fails(400, "SpaceNotFound", "This host knows no such space.");
    syncer.has_no_more();
}

#[tokio::test]
async fn a_service_that_was_away_hears_the_newest_state_alone() {
    let server = TestServer::start().await;
    let (alice, bob, space, reader) = forum(&server).await;
    let mut syncer = Syncer::answering(&[503]).await;
    let name = syncer.service.clone();
    is_registered(
        reader
            .procedure(&server, REGISTER, &service(&space, &name))
            .await,
    );
    write_post(&bob, &space, "a", "one").await;
    let first = syncer.told(NOTIFY, &alice, &name).await;
    // The attempt has failed, and what waits is superseded twice.
    syncer.answer(&[503, 503]);
    write_post(&bob, &space, "b", "two").await;
    write_post(&bob, &space, "c", "three").await;
    let params = [("space", space.as_str()), ("repo", bob.did.as_str())];
    let commit = bob.query(COMMIT, &params).await.output();
    let newest = &commit["commit"]["rev"];
    let mut last = first;
    while last["rev"] != *newest {
        last = syncer.told(NOTIFY, &alice, &name).await;
    }
    // Its gap is marked: what was missed is read from the list.
    let repos = reader.repos(&server, &space, None).await;
    assert_eq!(repos["repos"][0]["spaceRev"], last["spaceRev"]);
    assert!(last["prevSpaceRev"].as_str() < last["spaceRev"].as_str());
}

#[tokio::test]
async fn each_author_and_the_whole_space_are_registered_in_either_shape() {
    let server = TestServer::start().await;
    let (alice, bob, space, reader) = forum(&server).await;
    let (mut all, mut bobs) = (Syncer::start().await, Syncer::start().await);
    let (mut all_hooks, mut bobs_hooks) = (Receiver::start(), Receiver::start());
    let (all_name, bobs_name) = (all.service.clone(), bobs.service.clone());
    let hook = |url: &str| json!({ "space": space, "serviceDid": "did:web:feed.example.com", "endpoint": url });
    let mut of_bob = service(&space, &bobs_name);
    of_bob["repo"] = json!(bob.did);
    let mut hook_of_bob = hook(&bobs_hooks.url);
    hook_of_bob["author"] = json!(bob.did);
    let mut both = hook(&all_hooks.url);
    let inputs = [
        service(&space, &all_name),
        of_bob,
        hook(&all_hooks.url),
        hook_of_bob,
    ];
    for input in &inputs {
        reader.procedure(&server, REGISTER, input).await.output();
    }
    // Registered for everybody and for one author, a place hears of each write once.
    both["author"] = json!(bob.did);
    reader.procedure(&server, REGISTER, &both).await.output();

    write_post(&alice, &space, "a", "one").await;
    assert_eq!(
        all.told(NOTIFY, &alice, &all_name).await["repo"],
        json!(alice.did)
    );
    all_hooks.next().await;
    write_post(&bob, &space, "b", "two").await;
    for (syncer, name) in [(&mut all, &all_name), (&mut bobs, &bobs_name)] {
        assert_eq!(
            syncer.told(NOTIFY, &alice, name).await["repo"],
            json!(bob.did)
        );
        syncer.has_no_more();
    }
    for hooks in [&mut all_hooks, &mut bobs_hooks] {
        let body: Value = serde_json::from_slice(&hooks.next().await.body).expect("JSON");
        assert_eq!(body["did"], json!(bob.did));
        hooks.has_no_more();
    }

    let mut wrong = service(&space, &all_name);
    wrong["repo"] = json!("bob");
    let answer = reader.procedure(&server, REGISTER, &wrong).await;
    assert_eq!(
        (answer.status, &answer.body["error"]),
        (400, &json!("InvalidRequest"))
    );
}

#[tokio::test]
async fn a_removed_member_hears_nothing_more() {
    let server = TestServer::start().await;
    let (alice, bob, space, reader) = forum(&server).await;
    let mut syncer = Syncer::start().await;
    let mut receiver = Receiver::start();
    let name = syncer.service.clone();
    is_registered(
        reader
            .procedure(&server, REGISTER, &service(&space, &name))
            .await,
    );
    // An account that may read registers in its own name as well.
    let hook = json!({ "space": space, "serviceDid": "did:web:feed.example.com", "endpoint": receiver.url });
    bob.procedure(REGISTER, &hook).await.output();
    write_post(&alice, &space, "a", "one").await;
    syncer.told(NOTIFY, &alice, &name).await;
    receiver.next().await;

    let gone = json!({ "space": space, "did": bob.did });
    assert_eq!(alice.procedure(REMOVE_MEMBER, &gone).await.status, 200);
    write_post(&alice, &space, "b", "two").await;
    let message = "the space does not let you read it";
    bob.procedure(REGISTER, &hook)
        .await
        .fails(403, "Forbidden", message);
    let answer = reader
        .procedure(&server, REGISTER, &service(&space, &name))
        .await;
    let message = "the space credential has been revoked: get a new one";
    answer.fails(401, "CredentialRevoked", message);
    syncer.has_no_more();
    receiver.has_no_more();
}

#[tokio::test]
async fn a_service_that_cannot_be_found_or_called_is_not_registered() {
    let server = TestServer::start().await;
    let (_, _, space, reader) = forum(&server).await;
    let syncer = Syncer::start().await;
    for (name, status, error) in [
        (
            format!("{}#nothing", syncer.did),
            400,
            "ServiceNotResolvable",
        ),
        (
            "did:web:localhost%3A1".to_owned(),
            400,
            "ServiceNotResolvable",
        ),
        (format!("{}#", syncer.did), 400, "InvalidRequest"),
        ("syncer.example.com".to_owned(), 400, "InvalidRequest"),
    ] {
        let answer = reader
            .procedure(&server, REGISTER, &service(&space, &name))
            .await;
        assert_eq!(
            (answer.status, &answer.body["error"]),
            (status, &json!(error)),
            "{name}"
        );
    }
}
