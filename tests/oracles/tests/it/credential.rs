//! Space credentials that are bound to a DPoP key. The other crate knows no others.

use std::sync::Arc;

use loggia_auth::dpop::{NewProof, Target, mint};
use loggia_auth::http_signature::SignedFields;
use loggia_auth::space_credential::{
    CredentialRequest, MemoryRevocations, Profiles, SpaceAudience,
};
use loggia_auth::{Jwk, MemoryReplayStore, PublicKey, SigningKey, SpaceCredentials};
use proptest::prelude::*;
use rsky_space::credential::verify_space_credential;
use serde_json::{Value, json};

use crate::world::{
    AUTHORITY, Directory, MALLORY, SPACE, changed, forge, key_of, now, places, run, spoil,
};

const URL: &str = "https://host.example/xrpc/com.atproto.space.getRepo";

/// Whoever reads; the engine cannot compute the public half of a P-256 key by itself.
fn reader() -> SigningKey {
    let public = "did:key:zDnaeoA2SUkGYYDAVZBKgd4xWMGadgX2U29YPw8iEvCuELmfi";
    let public = PublicKey::from_did_key(public).expect("a key");
    SigningKey::p256([0x33; 32], public.multikey()).expect("a pair")
}

fn thumbprint() -> String {
    Jwk::new(*reader().public().multikey()).thumbprint()
}

fn header() -> Value {
    json!({ "typ": "atproto-space-credential+jwt", "alg": "ES256K", "kid": "#atproto_space" })
}

fn claims() -> Value {
    let now = now().as_second();
    json!({
        "iss": AUTHORITY, "sub": SPACE, "cnf": { "jkt": thumbprint() },
        "iat": now, "exp": now + 3600, "jti": "one-credential",
    })
}

/// The key that the credential is bound to, if the other crate takes it and it is the reader's: to
/// compare it is left to its caller.
fn theirs(token: &str) -> Option<String> {
    let key = key_of(AUTHORITY.as_str()).expect("the authority has one");
    let key = key.public().to_did_key();
    let (space, authority) = (SPACE.to_string(), AUTHORITY.to_string());
    let now = u64::try_from(now().as_second()).expect("after 1970");
    let bound = verify_space_credential(token, &space, &authority, &key, now).ok()?;
    (bound == thumbprint()).then_some(bound)
}

/// The same, shown with a proof by the reader's key.
fn ours(token: &str) -> Option<String> {
    let target = Target::parse(URL).expect("a URL");
    let proof = NewProof {
        method: "GET",
        target: &target,
        token: Some(token),
        nonce: None,
        now: now(),
        id: [7; 16],
    };
    let proof = mint(&reader(), &proof).expect("a proof");
    let request = CredentialRequest {
        fields: SignedFields {
            authorization: &[&format!("DPoP {token}")],
            audience: &[],
            signature_input: &[],
            signature: &[],
        },
        dpop: &[&proof],
        method: "GET",
        target: &target,
        now: now(),
    };
    let profiles = Profiles {
        october: false,
        august: true,
    };
    let revoked = Arc::new(MemoryRevocations::default());
    let used = MemoryReplayStore::default();
    let credentials = SpaceCredentials::new(Directory, revoked, used, profiles);
    let reader = run(credentials.verify(&request, SpaceAudience::Handler)).ok()?;
    reader.check_space(&SPACE).ok()?;
    Some(thumbprint())
}

fn headers() -> impl Strategy<Value = Value> {
    let changes = ["JWT", "at+jwt", "atproto-space-delegation+jwt", ""];
    let changes = changes.map(|typ| ("typ", json!(typ)));
    changed(header(), [&changes[..], &[("typ", json!(null))]].concat())
}

fn all_claims() -> impl Strategy<Value = Value> {
    let now = now().as_second();
    let other = "at://did:web:space.example/space/app.example.group/other";
    let stranger = Jwk::new(*key_of(MALLORY.as_str()).expect("a key").public().multikey());
    let changes = vec![
        ("iss", json!(MALLORY)),
        ("iss", json!("space.example")),
        ("iss", json!(null)),
        ("sub", json!(other)),
        (
            "sub",
            json!("at://did:web:mallory.example/space/app.example.group/test"),
        ),
        ("sub", json!(null)),
        ("cnf", json!({ "jkt": stranger.thumbprint() })),
        ("cnf", json!({ "jkt": "" })),
        ("cnf", json!({ "jkt": 7 })),
        ("cnf", json!({ "kid": reader().public().to_did_key() })),
        ("cnf", json!({})),
        ("cnf", json!(null)),
        ("exp", json!(now - 60)),
        ("exp", json!(format!("{}", now + 60))),
        ("exp", json!(null)),
        ("iat", json!(null)),
        ("jti", json!("another-one")),
        ("jti", json!(null)),
        ("more", json!(["than", "anybody", "asked", "for"])),
    ];
    changed(claims(), changes)
}

#[test]
fn both_take_a_good_credential() {
    let key = key_of(AUTHORITY.as_str()).expect("the authority has one");
    let token = forge(&key, &header(), &claims());
    assert_eq!(ours(&token), Some(thumbprint()));
    assert_eq!(theirs(&token), ours(&token));
}

proptest! {
    #[test]
    fn the_same_verdict(
        header in headers(),
        claims in all_claims(),
        signer in prop::sample::select(vec![AUTHORITY, AUTHORITY, AUTHORITY, MALLORY]),
        place in places(),
    ) {
        let key = key_of(signer.as_str()).expect("both have one");
        let token = spoil(forge(&key, &header, &claims), place);
        prop_assert_eq!(ours(&token), theirs(&token), "{} {}", header, claims);
    }
}
