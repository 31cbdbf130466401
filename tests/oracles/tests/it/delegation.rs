//! Delegation tokens.

use loggia_auth::{Delegations, MemoryReplayStore};
use proptest::prelude::*;
use rsky_space::credential::verify_delegation_token;
use serde_json::{Value, json};

use crate::world::{
    ALICE, AUTHORITY, Directory, MALLORY, SPACE, changed, forge, key_of, now, places, run, spoil,
};

fn header() -> Value {
    json!({ "typ": "atproto-space-delegation+jwt", "alg": "ES256K", "kid": "#atproto" })
}

fn claims() -> Value {
    let (now, audience) = (now().as_second(), format!("{AUTHORITY}#atproto_space_host"));
    json!({
        "iss": ALICE, "sub": SPACE, "aud": audience, "iat": now, "exp": now + 60, "jti": "one-token",
    })
}

/// Who delegates, if the other crate takes the token. Whose key to verify it with is for its caller to
/// find out.
fn theirs(token: &str, issuer: &Value) -> Option<String> {
    let key = key_of(issuer.as_str()?)?.public().to_did_key();
    let (space, authority) = (SPACE.to_string(), AUTHORITY.to_string());
    let now = u64::try_from(now().as_second()).expect("after 1970");
    verify_delegation_token(token, &space, &authority, &key, now).ok()
}

fn ours(token: &str) -> Option<String> {
    let delegations = Delegations::new(Directory, MemoryReplayStore::default());
    let delegation = run(delegations.verify(token, now())).ok()?;
    delegation.check_space(&SPACE).ok()?;
    Some(delegation.user().to_string())
}

fn headers() -> impl Strategy<Value = Value> {
    let changes = ["JWT", "at+jwt", "atproto-space-credential+jwt", ""];
    let changes = changes.map(|typ| ("typ", json!(typ)));
    changed(header(), [&changes[..], &[("typ", json!(null))]].concat())
}

fn all_claims() -> impl Strategy<Value = Value> {
    let now = now().as_second();
    let other = "at://did:web:space.example/space/app.example.group/other";
    let changes = vec![
        ("iss", json!(MALLORY)),
        ("iss", json!("did:web:nobody.example")),
        ("iss", json!("alice")),
        ("iss", json!(null)),
        ("sub", json!(other)),
        ("sub", json!("at://did:web:space.example")),
        ("sub", json!([SPACE])),
        ("aud", json!(AUTHORITY)),
        ("aud", json!(format!("{ALICE}#atproto_space_host"))),
        ("aud", json!(format!("{AUTHORITY}#atproto_space"))),
        ("aud", json!(null)),
        ("exp", json!(now - 60)),
        ("exp", json!("never")),
        ("exp", json!(null)),
        ("iat", json!("now")),
        ("iat", json!(null)),
        ("jti", json!("another-one")),
        ("jti", json!(7)),
        ("jti", json!(null)),
        ("more", json!({ "than": "anybody asked for" })),
    ];
    changed(claims(), changes)
}

#[test]
fn both_take_a_good_token() {
    let key = key_of(ALICE.as_str()).expect("Alice has one");
    let token = forge(&key, &header(), &claims());
    assert_eq!(ours(&token), Some(ALICE.to_string()));
    assert_eq!(theirs(&token, &json!(ALICE)), ours(&token));
}

proptest! {
    #[test]
    fn the_same_verdict(
        header in headers(),
        claims in all_claims(),
        signer in prop::sample::select(vec![ALICE, ALICE, ALICE, MALLORY]),
        place in places(),
    ) {
        let key = key_of(signer.as_str()).expect("both have one");
        let token = spoil(forge(&key, &header, &claims), place);
        prop_assert_eq!(ours(&token), theirs(&token, &claims["iss"]), "{} {}", header, claims);
    }
}
