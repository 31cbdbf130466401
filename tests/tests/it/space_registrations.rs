//! `com.atproto.space.registerNotify`: who may register which endpoint, for how long.

use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{Clock, SystemClock};
use serde_json::{Value, json};

use crate::support::notices::{
    CID, DELETED, REGISTER, WRITE, forum, old_forum, post, registration,
};
use crate::support::{Receiver, TestServer};

const ENDPOINT: &str = "https://feed.example.com/webhooks/space-writes";

fn time(value: &Value) -> Timestamp {
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| panic!("no time: {value}"))
}

#[tokio::test]
async fn a_registration_lasts_a_day_and_is_renewed_under_its_id() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let before = SystemClock.now();
    let first = alice
        .procedure(REGISTER, &registration(&forum(&alice), ENDPOINT))
        .await
        .output();
    let keys: Vec<_> = first.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["expiresAt", "id", "secret"], "{first}");
    let lasts = time(&first["expiresAt"]).duration_since(before);
    let day = SignedDuration::from_hours(24);
    // On the wire a time has milliseconds, the clock more.
    let earliest = day - SignedDuration::from_millis(1);
    assert!(
        lasts >= earliest && lasts < day + SignedDuration::from_mins(1),
        "{lasts}"
    );
    assert!(
        first["secret"]
            .as_str()
            .is_some_and(|secret| secret.starts_with("whsec_")),
        "{first}"
    );

    // The older spelling is the same space.
    let renewed = alice
        .procedure(REGISTER, &registration(&old_forum(&alice), ENDPOINT))
        .await
        .output();
    assert_eq!(
        renewed,
        json!({ "id": first["id"], "expiresAt": renewed["expiresAt"] })
    );
    assert!(time(&renewed["expiresAt"]) >= time(&first["expiresAt"]));

    // Who lost the secret gets another one for another URL, of which the query is a part.
    let other = registration(&forum(&alice), &format!("{ENDPOINT}?again"));
    let other = alice.procedure(REGISTER, &other).await.output();
    assert_ne!(other["id"], first["id"]);
    assert_ne!(other["secret"], first["secret"]);
}

#[tokio::test]
async fn only_the_authority_of_a_space_registers_for_it() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let message = "This host knows no such space.";
    for space in [forum(&alice), old_forum(&alice)] {
        let input = registration(&space, ENDPOINT);
        bob.procedure(REGISTER, &input)
            .await
            .fails(404, "SpaceNotFound", message);
        let answer = server.procedure(REGISTER, None, &input).await;
        answer.fails(401, "AuthMissing", "authentication is required");
    }
    for space in [
        "at://did:web:x.example/com.example.forum/main",
        "ats://",
        "forum",
        "",
    ] {
        let answer = alice
            .procedure(REGISTER, &registration(space, ENDPOINT))
            .await;
        let message = answer.body["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        answer.fails(400, "InvalidRequest", &message);
        assert!(
            message.starts_with("`space`: "),
            "{space} answers {message}"
        );
    }
}

#[tokio::test]
async fn an_endpoint_that_may_not_be_called_is_invalid() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let refused = [
        (
            "http://feed.example.com/",
            "plain http is allowed only to this machine, in development",
        ),
        (
            "https://user@feed.example.com/",
            "the URL holds credentials",
        ),
        (
            "https://192.168.1.1/",
            "the address 192.168.1.1 may not be reached: private",
        ),
        (
            "http://169.254.169.254/latest/meta-data",
            "plain http is allowed only to this machine, in development",
        ),
        (
            "https://169.254.169.254/latest/meta-data",
            "the address 169.254.169.254 may not be reached: a cloud's metadata service",
        ),
        (
            "https://[fd00:ec2::254]/",
            "the address fd00:ec2::254 may not be reached: a cloud's metadata service",
        ),
    ];
    for (endpoint, reason) in refused {
        let answer = alice
            .procedure(REGISTER, &registration(&forum(&alice), endpoint))
            .await;
        answer.fails(400, "InvalidEndpoint", &format!("`endpoint`: {reason}"));
    }
}

#[tokio::test]
async fn registrations_are_capped_for_each_space_and_each_caller() {
    let server = TestServer::start_with(|config| {
        config.registrations_per_space = 2;
        config.registrations_per_caller = 3;
    });
    let server = server.await;
    let (alice, bob) = (server.account("alice"), server.account("bob"));
    let input = |space: &str, number: u32| registration(space, &format!("{ENDPOINT}/{number}"));
    let spaces = [
        forum(&alice),
        format!("at://{}/space/com.example.forum/second", alice.did),
    ];
    for (space, number) in [(0, 1), (0, 2), (1, 3)] {
        alice
            .procedure(REGISTER, &input(&spaces[space], number))
            .await
            .output();
    }
    let full = "this space cannot have more registrations: let some expire first";
    alice
        .procedure(REGISTER, &input(&spaces[0], 4))
        .await
        .fails(400, "TooManyRegistrations", full);
    let full = "you cannot have more registrations: let some expire first";
    alice
        .procedure(REGISTER, &input(&spaces[1], 4))
        .await
        .fails(400, "TooManyRegistrations", full);
    // A renewal is no new one, and others have caps of their own.
    alice
        .procedure(REGISTER, &input(&spaces[0], 1))
        .await
        .output();
    bob.procedure(REGISTER, &input(&forum(&bob), 1))
        .await
        .output();
}

#[tokio::test]
async fn the_keys_of_a_body_decide_which_shape_it_has() {
    let server = TestServer::start().await;
    let alice = server.account("alice");
    let receiver = Receiver::start();
    let space = forum(&alice);
    let mixed = json!({ "space": space, "service": "did:web:a.example", "serviceDid": "did:web:a.example", "endpoint": receiver.url });
    let mut notice = post(&space, &alice);
    notice["repo"] = json!(alice.did.as_str());
    notice["rev"] = json!("3l2tkbx7225co");
    let neither = [
        (
            REGISTER,
            mixed,
            "it mixes two shapes, `service` with `serviceDid` and `endpoint`; send either `service`, or `serviceDid` and `endpoint`",
        ),
        (
            REGISTER,
            json!({ "space": space, "serviceDid": "did:web:a.example" }),
            "it has `serviceDid` without `endpoint`; send either `service`, or `serviceDid` and `endpoint`",
        ),
        (
            REGISTER,
            json!({ "space": space }),
            "it has no key that tells its shape; send either `service`, or `serviceDid` and `endpoint`",
        ),
        (
            WRITE,
            notice,
            "it mixes two shapes, `repo` with `did` and `collection` and `rkey`; send either `repo`, or `did` and `collection` and `rkey`",
        ),
        (
            WRITE,
            json!({ "space": space, "did": alice.did.as_str(), "cid": CID }),
            "it has `did` without `collection` and `rkey`; send either `repo`, or `did` and `collection` and `rkey`",
        ),
        (DELETED, json!({}), "`space` is missing"),
    ];
    for (nsid, input, why) in neither {
        let message = format!("input does not fit: $: {why}");
        alice
            .procedure(nsid, &input)
            .await
            .fails(400, "InvalidRequest", &message);
    }
}
