//! What goes over the wire, byte for byte, for every profile. Codes are known ones, or computed here
//! from the definition of HMAC (RFC 2104) and not with the library that the crate uses.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use loggia_delivery::{
    CustomHeaders, DeliveryId, Dressing, Due, Endpoint, Lease, NodeId, Notification, Profile,
    PublicKey, Request, Secret, Secrets, Target, signature,
};
use loggia_syntax::Nsid;
use sha2::{Digest, Sha256};

use crate::world::{START, endpoint};

const BODY: &[u8] = br#"{"id":"1","event":"create"}"#;
const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

/// HMAC-SHA256 by its definition.
pub fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::digest([&block.map(|byte| byte ^ 0x36)[..], message].concat());
    Sha256::digest([&block.map(|byte| byte ^ 0x5c)[..], &inner[..]].concat()).to_vec()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn plain(text: &str) -> Secrets {
    Secrets::one(Secret::plain(text).expect("a good text"))
}

fn due(profile: Profile, secrets: Secrets) -> Due {
    let endpoint = Endpoint {
        profile,
        secrets,
        ..endpoint(1, "https://a.example/hook")
    };
    let notification = Notification {
        id: ID.parse().expect("is one"),
        kind: Nsid::from_static("com.atproto.space.notifyWrite"),
        subject: "a space".to_owned(),
        body: Bytes::from_static(BODY),
        created_at: START,
        deadline: START + SignedDuration::from_hours(1),
    };
    Due {
        id: DeliveryId {
            notification: notification.id,
            endpoint: endpoint.id,
        },
        notification: Arc::new(notification),
        deadline: START + SignedDuration::from_hours(1),
        attempts: 1,
        earlier: 5,
        key: Some("projection-42".to_owned()),
        since: START,
        lease: Lease {
            node: NodeId::new("here"),
            until: START + SignedDuration::from_mins(5),
        },
        endpoint: Arc::new(endpoint),
    }
}

fn request_at(due: &Due, token: Option<&str>, now: Timestamp) -> Request {
    let timeout = Duration::from_secs(10);
    let dressing = Dressing {
        token,
        now,
        timeout,
    };
    due.endpoint.profile.wire().request(due, &dressing)
}

/// Names and values as they would stand in the request.
fn lines(request: &Request) -> Vec<String> {
    let headers = request.headers.iter();
    headers
        .map(|(name, value)| format!("{name}: {value}"))
        .collect()
}

const ID: &str = "018bcfe5-6800-7707-8707-070707070707";

/// The three headers of Standard Webhooks for one key.
fn standard(key: &[u8]) -> [String; 3] {
    let signed = [format!("{ID}.1700000000.").as_bytes(), BODY].concat();
    let code = BASE64_STANDARD.encode(hmac(key, &signed));
    [
        format!("webhook-id: {ID}"),
        "webhook-timestamp: 1700000000".to_owned(),
        format!("webhook-signature: v1,{code}"),
    ]
}

fn check(profile: Profile, secrets: Secrets, own: &[&str], standard: &[String]) {
    let request = request_at(&due(profile, secrets), None, NOW);
    let mut expected = vec!["content-type: application/json".to_owned()];
    expected.extend(own.iter().map(|&line| line.to_owned()));
    expected.extend_from_slice(standard);
    assert_eq!(lines(&request), expected, "{profile:?}");
    assert_eq!(&request.body[..], BODY);
    assert_eq!(request.target.as_str(), "https://a.example/hook");
}

#[test]
fn our_own_and_the_notices_of_spaces_are_standard_webhooks() {
    for profile in [Profile::Standard, Profile::SpaceWebhook] {
        let secrets = Secrets::one(Secret::generate([9; 32]));
        check(profile, secrets, &[], &standard(&[9; 32]));
        check(profile, Secrets::default(), &[], &standard(&[])[..2]);
    }
}

#[test]
fn wisp_signs_the_body_with_the_secret_as_it_is_written() {
    let code = "a8038f51a2713ed1728737cc9e1aaa743fade3061b4cf17a634dc433c88de650";
    assert_eq!(hex(&hmac(b"whsec_test", BODY)), code);
    let own = [
        "user-agent: wisp.place-webhook/1.0",
        "idempotency-key: projection-42",
        &format!("x-webhook-signature: sha256={code}"),
    ];
    let standard = standard(b"whsec_test");
    check(Profile::Wisp, plain("whsec_test"), &own, &standard);
    check(Profile::Wisp, Secrets::default(), &own[..2], &[]);
    let newer = [&["user-agent: wisp.place-webhook/2.0"], &own[1..]].concat();
    check(Profile::Wisp2, plain("whsec_test"), &newer, &standard);
    check(Profile::Wisp2, Secrets::default(), &newer[..2], &[]);
}

#[test]
fn hapnd_counts_attempts_from_the_last_replay() {
    let own = [
        "x-hapnd-delivery-id: projection-42",
        "x-hapnd-attempt: 2",
        "x-hapnd-signature: sha256=a8038f51a2713ed1728737cc9e1aaa743fade3061b4cf17a634dc433c88de650",
    ];
    let headers = standard(b"whsec_test");
    check(Profile::Hapnd, plain("whsec_test"), &own, &headers);
}

#[test]
fn while_two_secrets_hold_those_of_hapnd_sign_in_turn_and_others_with_the_newest() {
    let secrets = || Secrets {
        current: Secret::plain("whsec_new").ok(),
        previous: Secret::plain("whsec_old")
            .ok()
            .map(|old| (old, NOW + SignedDuration::from_hours(1))),
        others: Vec::new(),
    };
    let signed = |profile: Profile, header: &str, attempts: u32, now: Timestamp| {
        let due = Due {
            attempts,
            ..due(profile, secrets())
        };
        let request = request_at(&due, None, now);
        let mut own = request.headers.into_iter();
        let own = own.find(|(name, _)| name == header);
        own.expect("is signed").1
    };
    let by = |key: &str| format!("sha256={}", hex(&hmac(key.as_bytes(), BODY)));
    let hapnd = |attempts, now| signed(Profile::Hapnd, "x-hapnd-signature", attempts, now);
    for (attempts, key) in (0..5).zip(["new", "old", "new", "old", "new"]) {
        let key = by(&format!("whsec_{key}"));
        assert_eq!(hapnd(attempts, NOW), key, "{attempts}");
        let wisp = signed(Profile::Wisp, "x-webhook-signature", attempts, NOW);
        assert_eq!(wisp, by("whsec_new"), "{attempts}");
        let later = NOW + SignedDuration::from_hours(1);
        assert_eq!(hapnd(attempts, later), by("whsec_new"), "{attempts}");
    }
}

#[test]
fn hapnds_key_is_the_whole_text_and_that_of_standard_webhooks_its_bytes() {
    let secret = Secret::generate([3; 32]);
    let text = format!("whsec_{}", BASE64_STANDARD.encode([3; 32]));
    assert_eq!(*secret.to_text(), text);
    let signature = format!(
        "x-hapnd-signature: sha256={}",
        hex(&hmac(text.as_bytes(), BODY))
    );
    let own = [
        "x-hapnd-delivery-id: projection-42",
        "x-hapnd-attempt: 2",
        &signature,
    ];
    check(
        Profile::Hapnd,
        Secrets::one(secret),
        &own,
        &standard(&[3; 32]),
    );
}

#[test]
fn bettermode_signs_milliseconds_and_body() {
    let code = "26c92173ec6fc22520efdd676c753ed1fd62ee403d58b6385bb98952cfa04f32";
    let signed = [b"1700000000000:", BODY].concat();
    assert_eq!(hex(&hmac(b"signing-secret", &signed)), code);
    let own = [
        "x-bettermode-request-timestamp: 1700000000000",
        &format!("x-bettermode-signature: {code}"),
    ];
    let standard = standard(b"signing-secret");
    check(
        Profile::Bettermode,
        plain("signing-secret"),
        &own,
        &standard,
    );
}

#[test]
fn a_stream_is_unsigned_unless_it_has_a_secret() {
    check(Profile::Stream, Secrets::default(), &[], &[]);
    check(Profile::Stream, plain("x"), &[], &standard(b"x"));
}

#[test]
fn a_service_is_called_with_a_token_and_no_other_authorization() {
    let mut due = due(Profile::SpaceProtocol, Secrets::default());
    let headers = CustomHeaders::new([("Authorization", "Basic x"), ("X-Team", "y")]);
    let target = Target::new("https://service.example/").expect("a good URL");
    due.endpoint = Arc::new(Endpoint {
        headers: headers.expect("good headers"),
        target,
        ..(*due.endpoint).clone()
    });
    let request = request_at(&due, Some("a.b.c"), NOW);
    let expected = [
        "content-type: application/json",
        "authorization: Bearer a.b.c",
        "x-team: y",
    ];
    assert_eq!(lines(&request), expected);
    let method = "https://service.example/xrpc/com.atproto.space.notifyWrite";
    assert_eq!(request.target.as_str(), method);
}

#[test]
fn a_delivery_without_a_key_is_named_by_its_notification() {
    let mut due = due(Profile::Wisp, Secrets::default());
    due.key = None;
    let lines = lines(&request_at(&due, None, NOW));
    assert!(lines.contains(&format!("idempotency-key: {ID}")));
}

#[test]
fn during_a_rotation_both_secrets_sign_where_there_is_room_for_both() {
    let secrets = plain("old").rotate(
        Secret::plain("new").expect("a good text"),
        NOW,
        SignedDuration::from_hours(24),
    );
    let due = due(Profile::Wisp, secrets);
    let both = |now: Timestamp| -> Vec<String> {
        let lines = lines(&request_at(&due, None, now)).into_iter();
        lines.filter(|line| line.contains("signature")).collect()
    };
    let code = |key: &[u8], at: &str| {
        let signed = [format!("{ID}.{at}.").as_bytes(), BODY].concat();
        format!("v1,{}", BASE64_STANDARD.encode(hmac(key, &signed)))
    };
    let own = format!("x-webhook-signature: sha256={}", hex(&hmac(b"new", BODY)));
    let (new, old) = (code(b"new", "1700000000"), code(b"old", "1700000000"));
    assert_eq!(
        both(NOW),
        [own.clone(), format!("webhook-signature: {new} {old}")]
    );
    let later = NOW + SignedDuration::from_hours(24);
    let new = code(b"new", "1700086400");
    assert_eq!(both(later), [own, format!("webhook-signature: {new}")]);
}

// The vectors that the libraries of the Standard Webhooks project share, of either scheme.
const MESSAGE: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const SECONDS: i64 = 1_614_265_330;
const PAYLOAD: &[u8] = br#"{"test": 2432232314}"#;

#[test]
fn the_published_vectors_hold_for_both_schemes() {
    let symmetric = (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    );
    let asymmetric = (
        "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==",
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
    );
    for (text, code) in [symmetric, asymmetric] {
        let secret = Secret::from_text(text).expect("the published secret is well formed");
        assert_eq!(signature::sign(&secret, MESSAGE, SECONDS, PAYLOAD), code);
        assert_eq!(*secret.to_text(), text);
    }
}

#[test]
fn a_key_pair_is_verified_with_its_public_half_alone() {
    let secret = Secret::generate_ed25519([4; 32]);
    let public = secret.public_key().expect("it has one").to_text();
    let public = PublicKey::from_text(&public).expect("it was just written");
    let code = signature::sign(&secret, MESSAGE, SECONDS, PAYLOAD);
    let code = code.strip_prefix("v1a,").expect("the scheme of key pairs");
    let raw = BASE64_STANDARD.decode(code).expect("base64");
    let message = [format!("{MESSAGE}.{SECONDS}.").as_bytes(), PAYLOAD].concat();
    let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, public.as_bytes());
    assert!(key.verify(&message, &raw).is_ok());

    let verify = |header: &str, body: &[u8], key: PublicKey| {
        let timestamp = SECONDS.to_string();
        let signed = signature::Signed {
            id: MESSAGE,
            timestamp: &timestamp,
            signature: header,
        };
        let now = Timestamp::from_second(SECONDS).expect("in range");
        signed.verify(body, &[key], now, signature::TOLERANCE)
    };
    let other = Secret::generate_ed25519([5; 32])
        .public_key()
        .expect("it has one");
    let mixed = format!("v1,AAAA v1a,not-base64 v1a,{code}");
    assert!(verify(&mixed, PAYLOAD, public).is_ok());
    assert!(verify(&mixed, b"{}", public).is_err());
    assert!(verify(&mixed, PAYLOAD, other).is_err());
    assert!(
        verify(&format!("v1,{code}"), PAYLOAD, public).is_err(),
        "of the other scheme"
    );
}

#[test]
fn keys_of_both_kinds_sign_side_by_side_during_a_rotation() {
    let old = Secret::generate([1; 32]);
    let new = Secret::generate_ed25519([2; 32]);
    let overlap = SignedDuration::from_hours(1);
    let secrets = Secrets::one(old.clone()).rotate(new.clone(), NOW, overlap);
    let request = request_at(&due(Profile::Standard, secrets), None, NOW);
    let header = |name: &str| {
        let mut headers = request.headers.iter();
        let found = headers.find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    };
    let signed = signature::Signed::find(header).expect("all three headers");
    assert!(signed.signature.starts_with("v1a,") && signed.signature.contains(" v1,"));
    for secret in [old, new] {
        let verified = signed.verify(&request.body, &[secret], NOW, signature::TOLERANCE);
        assert!(verified.is_ok());
    }
}

#[test]
fn owners_headers_come_last_and_the_limit_is_not_on_the_wire() {
    let mut due = due(Profile::Standard, Secrets::default());
    let headers = CustomHeaders::new([("X-Team", "blue")]).expect("good headers");
    due.endpoint = Arc::new(Endpoint {
        headers,
        per_second: Some(NonZeroU32::MIN),
        ..(*due.endpoint).clone()
    });
    let lines = lines(&request_at(&due, None, NOW));
    assert_eq!(lines.last().map(String::as_str), Some("x-team: blue"));
    assert_eq!(lines.len(), 4);
}
