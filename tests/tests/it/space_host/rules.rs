//! `com.atproto.simplespace.*`

use serde_json::{Value, json};

use crate::support::TestServer;
use crate::support::spaces::{
    COMMIT, CREATE, CREATE_SPACE, DELETE_SPACE, GET_SPACE, LIST_MEMBERS, PUT_MEMBER, REMOVE_MEMBER,
    SpaceReader, UPDATE_SPACE, ask, forum_of_members, let_in, open_forum, post_of, rule,
    write_post,
};

#[tokio::test]
async fn a_space_is_opened_shown_changed_and_closed() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let space = open_forum(&alice).await;
    assert_eq!(
        space,
        format!("at://{}/space/com.example.forum/main", alice.did)
    );
    let again = alice.procedure(CREATE_SPACE, &forum_of_members()).await;
    assert_eq!(
        (again.status, &again.body["error"]),
        (400, &json!("SpaceAlreadyExists"))
    );
    let mut unnamed = forum_of_members();
    unnamed.as_object_mut().expect("an object").remove("skey");
    let other = alice.procedure(CREATE_SPACE, &unnamed).await.output();
    let key = other["uri"].as_str().and_then(|uri| uri.rsplit('/').next());
    assert_eq!(key.map(str::len), Some(13), "a TID: {other}");

    let at = [("space", space.as_str())];
    let list = json!({
        "$type": "com.atproto.simplespace.defs#allowList",
        "allowed": ["https://app.example/client.json"],
    });
    let change = json!({ "space": space, "readPolicy": rule("publicPolicy"), "appAccess": list });
    let refused = bob.procedure(UPDATE_SPACE, &change).await;
    assert_eq!(
        (refused.status, &refused.body["error"]),
        (400, &json!("NotSpaceOwner"))
    );
    let changed = alice.procedure(UPDATE_SPACE, &change).await;
    assert_eq!(
        (changed.status, &changed.body),
        (200, &json!("")),
        "{changed:#?}"
    );
    let shown = json!({
        "uri": space,
        "readPolicy": rule("publicPolicy"),
        "writePolicy": rule("memberListPolicy"),
        "appAccess": list,
    });
    alice.query(GET_SPACE, &at).await.is(200, shown);
    let hidden = bob.query(GET_SPACE, &at).await;
    assert_eq!(hidden.body["error"], "SpaceNotFound", "{hidden:#?}");

    write_post(&alice, &space, "a", "x").await;
    write_post(&bob, &space, "a", "x").await;
    let input = json!({ "space": space });
    let refused = bob.procedure(DELETE_SPACE, &input).await;
    assert_eq!(refused.body["error"], "NotSpaceOwner");
    for _ in 0..2 {
        let closed = alice.procedure(DELETE_SPACE, &input).await;
        assert_eq!(
            (closed.status, &closed.body),
            (200, &json!("")),
            "{closed:#?}"
        );
    }
    let gone = alice.query(GET_SPACE, &at).await;
    assert_eq!(gone.body["error"], "SpaceNotFound");
    // The owner's records are gone, those of others are theirs; nobody writes any more.
    let of = |repo: &str| vec![("space", space.clone()), ("repo", repo.to_owned())];
    for (account, error) in [(&alice, json!("SpaceNotFound")), (&bob, Value::Null)] {
        let params = of(account.did.as_str());
        let params: Vec<_> = params
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let answer = account.query(COMMIT, &params).await;
        assert_eq!(answer.body["error"], error, "{answer:#?}");
        let refused = account
            .procedure(CREATE, &post_of(account, &space, "b", "x"))
            .await;
        assert_eq!(refused.body["error"], "SpaceNotFound");
    }
    let (_, refused) = ask(&server, &bob, &space).await;
    assert_eq!(
        (refused.status, &refused.body["error"]),
        (400, &json!("SpaceDeleted"))
    );
    // The tombstone stays until its owner opens the space anew.
    open_forum(&alice).await;
    write_post(&alice, &space, "a", "x").await;
}

#[tokio::test]
async fn rules_that_cannot_be_enforced_are_not_accepted() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let nobodys = json!({
        "$type": "com.atproto.simplespace.defs#managingAppPolicy",
        "managingApp": "https://app.example",
    });
    for (field, value, error) in [
        ("readPolicy", rule("moonPolicy"), "UnsupportedPolicy"),
        ("writePolicy", rule("moonPolicy"), "UnsupportedPolicy"),
        ("appAccess", rule("moonAccess"), "UnsupportedAppAccess"),
        ("readPolicy", nobodys, "InvalidRequest"),
        ("readPolicy", json!({}), "InvalidRequest"),
    ] {
        let mut input = forum_of_members();
        input[field] = value;
        let refused = alice.procedure(CREATE_SPACE, &input).await;
        let told = (refused.status, &refused.body["error"]);
        assert_eq!(told, (400, &json!(error)), "{field}");
    }
    let space = open_forum(&alice).await;
    let input = json!({ "space": space, "readPolicy": rule("moonPolicy") });
    let refused = alice.procedure(UPDATE_SPACE, &input).await;
    assert_eq!(refused.body["error"], "UnsupportedPolicy");
}

#[tokio::test]
async fn the_list_of_members_is_the_owners() {
    let server = TestServer::start().await;
    let (alice, bob, carol) = (
        server.account("alice"),
        server.account("bob"),
        server.account("carol"),
    );
    let space = open_forum(&alice).await;
    let_in(&alice, &space, &carol.did, (true, true)).await;
    let_in(&alice, &space, &bob.did, (true, true)).await;
    let_in(&alice, &space, &bob.did, (true, false)).await;
    let member = |did: &str, write: bool| json!({ "did": did, "read": true, "write": write });
    let (b, c) = (
        member(bob.did.as_str(), false),
        member(carol.did.as_str(), true),
    );
    let at = [("space", space.as_str())];
    let both = json!({ "members": [b, c] });
    alice.query(LIST_MEMBERS, &at).await.is(200, both);
    let first = [&at[..], &[("limit", "1")]].concat();
    let first = alice.query(LIST_MEMBERS, &first).await.output();
    let cursor = first["cursor"].as_str().expect("there is more");
    let rest = [&at[..], &[("cursor", cursor)]].concat();
    let rest = alice.query(LIST_MEMBERS, &rest).await;
    rest.is(200, json!({ "members": [c] }));

    let input = json!({ "space": space, "did": carol.did });
    let mut put = input.clone();
    put["read"] = json!(true);
    put["write"] = json!(true);
    for (method, input) in [(REMOVE_MEMBER, &input), (PUT_MEMBER, &put)] {
        let refused = bob.procedure(method, input).await;
        assert_eq!(refused.body["error"], "NotSpaceOwner", "{method}");
    }
    let hidden = bob.query(LIST_MEMBERS, &at).await;
    assert_eq!(hidden.body["error"], "SpaceNotFound");
    for _ in 0..2 {
        let removed = alice.procedure(REMOVE_MEMBER, &input).await;
        assert_eq!(removed.status, 200, "{removed:#?}");
    }
    alice
        .query(LIST_MEMBERS, &at)
        .await
        .is(200, json!({ "members": [b] }));
}

#[tokio::test]
async fn who_loses_the_right_to_read_loses_their_credentials() {
    let server = TestServer::start().await;
    let (alice, bob, carol) = (
        server.account("alice"),
        server.account("bob"),
        server.account("carol"),
    );
    let space = open_forum(&alice).await;
    write_post(&alice, &space, "a", "x").await;
    let at = [("space", space.as_str())];
    let read = async |reader: &SpaceReader| {
        let answer = reader.query(&server, COMMIT, &alice.did, &at).await;
        answer.body["error"].as_str().unwrap_or("reads").to_owned()
    };
    let remove = json!({ "space": space, "did": bob.did });
    for ending in ["remove", "put", "update"] {
        let_in(&alice, &space, &bob.did, (true, true)).await;
        let_in(&alice, &space, &carol.did, (true, true)).await;
        let (bobs, carols) = (
            SpaceReader::of(&server, &bob, &space).await,
            SpaceReader::of(&server, &carol, &space).await,
        );
        assert_eq!(
            (read(&bobs).await, read(&carols).await),
            ("reads".into(), "reads".into())
        );
        match ending {
            "remove" => {
                let removed = alice.procedure(REMOVE_MEMBER, &remove).await;
                assert_eq!(removed.status, 200);
            }
            "put" => let_in(&alice, &space, &bob.did, (false, true)).await,
            _ => {
                let list = json!({ "$type": rule("allowList")["$type"], "allowed": [] });
                let input = json!({ "space": space, "appAccess": list });
                assert_eq!(alice.procedure(UPDATE_SPACE, &input).await.status, 200);
            }
        }
        assert_eq!(read(&bobs).await, "CredentialRevoked", "{ending}");
        let others = if ending == "update" {
            "CredentialRevoked"
        } else {
            "reads"
        };
        assert_eq!(read(&carols).await, others, "{ending}");
    }
}
