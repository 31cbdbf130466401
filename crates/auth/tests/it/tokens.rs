//! Tokens made by the reference implementation's code.

use std::sync::Arc;

use jiff::Timestamp;
use loggia_auth::jws::Compact;
use loggia_auth::key::LowS;
use loggia_auth::service_auth::{Audiences, Expected, Limits};
use loggia_auth::{MemoryReplayStore, PublicKey, ServiceAuth};
use loggia_identity::DidDocument;
use loggia_syntax::{Did, Nsid};
use serde_json::Value;

use crate::shared;
use crate::world::Directory;

pub fn vectors() -> Option<Value> {
    let text = shared::read("vectors/tokens.json")?;
    Some(serde_json::from_str(&text).expect("a JSON file"))
}

pub fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .expect("a text")
}

pub fn directory(vectors: &Value) -> Arc<Directory> {
    let directory = Arc::new(Directory::default());
    for name in ["user_k256", "authority_p256"] {
        let key = text(vectors, &format!("/keys/{name}/did_key"));
        let did = Did::new(text(vectors, &format!("/keys/{name}/did"))).expect("a DID");
        let key = PublicKey::from_did_key(key).expect("a key");
        directory.know(DidDocument::new(did).with_key("#atproto", *key.multikey()));
    }
    directory
}

#[tokio::test]
async fn service_auth_of_the_reference() {
    let Some(vectors) = vectors() else { return };
    let verifier = ServiceAuth::new(directory(&vectors), MemoryReplayStore::default());
    let now = Timestamp::from_second(vectors["now"].as_i64().expect("a time")).expect("a time");
    let syncer = "did:web:syncer.example.com#atproto_space_syncer";
    let space = "did:example:space";
    let write = "com.atproto.space.notifyWrite";
    let deleted = "com.atproto.space.notifySpaceDeleted";
    // All carry the same jti; one issuer's second one is a replay.
    let cases = [
        ("leg1_bare_aud", write, space, "did:example:alice", ""),
        (
            "leg1_space_host_aud",
            write,
            space,
            "did:example:alice",
            "BadJwtAudience",
        ),
        (
            "leg2_forwarded",
            deleted,
            syncer,
            space,
            "BadJwtLexiconMethod",
        ),
        ("leg2_forwarded", write, syncer, space, ""),
        ("leg2_forwarded", write, syncer, space, "JwtReplayed"),
    ];
    for (case, method, audience, issuer, refusal) in cases {
        let token = text(
            &vectors,
            &format!("/tokens/service_auth_notify_write_{case}"),
        );
        let (method, audiences) = (Nsid::new(method).expect("an NSID"), [audience.to_owned()]);
        let audiences = Audiences::OneOf(&audiences);
        let expected = Expected {
            audiences,
            method: &method,
            now,
            limits: Limits::default(),
        };
        match verifier.verify(token, &expected).await {
            Ok(verified) => assert_eq!((verified.issuer().as_str(), ""), (issuer, refusal)),
            Err(error) => assert_eq!(error.name(), refusal, "{case}: {error:?}"),
        }
    }
}

#[test]
fn signatures_of_all_tokens() {
    let Some(vectors) = vectors() else { return };
    let key = |name: &str| {
        PublicKey::from_did_key(text(&vectors, &format!("/keys/{name}/did_key"))).expect("a key")
    };
    let (user, authority) = (key("user_k256"), key("authority_p256"));
    for (token, signer, other) in [
        ("delegation", &user, &authority),
        ("space_credential", &authority, &user),
        ("service_auth_notify_space_deleted", &authority, &user),
        ("service_auth_notify_write_leg1_bare_aud", &user, &authority),
    ] {
        let token = Compact::parse(text(&vectors, &format!("/tokens/{token}"))).expect("a token");
        assert_eq!(token.verify(signer, LowS::Required), Ok(()));
        assert!(token.verify(other, LowS::Required).is_err());
    }
}
