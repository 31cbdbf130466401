//! Whatever bit of a token is flipped, it proves nothing.

use std::sync::Arc;

use loggia_auth::attestation::{Clients, ClientsSettings};
use loggia_auth::dpop::{Expected, NewProof, Profile, Target, mint};
use loggia_auth::http_signature::{SignedFields, sign};
use loggia_auth::space_credential::{
    CredentialRequest, KeyBinding, NothingRevoked, Profiles, SpaceAudience,
};
use loggia_auth::{Attestations, MemoryReplayStore, Proof, SpaceCredentials};
use loggia_identity::DidDocument;
use proptest::prelude::*;

use crate::access_token::{own_token, own_tokens};
use crate::attestation;
use crate::credential::{AUTHORITY, AUTHORITY_TEXT, credential};
use crate::delegation;
use crate::remote_keys::set;
use crate::world::{
    ALICE, Browser, Directory, Web, authority_key, holder, k256, now, run, token as service_token,
    verifier, verify as verify_service,
};

/// The token with one bit flipped; none if it is no text any more, which no header can carry.
fn flipped(token: &str, byte: usize, bit: u8) -> Option<String> {
    let mut bytes = token.to_owned().into_bytes();
    bytes[byte] ^= 1 << bit;
    String::from_utf8(bytes).ok()
}

fn bound() -> KeyBinding {
    KeyBinding::HttpSignature(holder().public().clone())
}

/// A credential in use, whoever signed the request for it.
fn is_credential(token: &str) -> bool {
    let directory = Arc::new(Directory::default());
    directory.know(
        DidDocument::new(AUTHORITY)
            .with_key("#atproto_space", *authority_key().public().multikey()),
    );
    let verifier = SpaceCredentials::new(
        directory,
        NothingRevoked,
        MemoryReplayStore::default(),
        Profiles::default(),
    );
    let authorization = format!("Atproto-Space {token}");
    let made = sign(&holder(), &authorization, Some(AUTHORITY_TEXT)).expect("a signature");
    let fields = SignedFields {
        authorization: &[&authorization],
        audience: &[AUTHORITY_TEXT],
        signature_input: &[&made.input],
        signature: &[&made.signature],
    };
    let target = Target::parse("https://host.example/").expect("a URL");
    let request = CredentialRequest {
        fields,
        dpop: &[],
        method: "GET",
        target: &target,
        now: now(),
    };
    run(verifier.verify(&request, SpaceAudience::Authority)).is_ok()
}

fn is_attestation(token: &str) -> bool {
    let id = "https://app.example.com/client-metadata.json";
    let keys = set(&[("key-1", &holder())]);
    let web = Web::with(id, format!(r#"{{"client_id":"{id}","jwks":{keys}}}"#));
    let clients = Clients::new(Browser(web), ClientsSettings::default());
    let verifier = Attestations::new(clients, MemoryReplayStore::default());
    run(verifier.verify(token, &AUTHORITY, now())).is_ok()
}

fn is_proof(proof: &str) -> bool {
    let target = Target::parse("https://host.example/xrpc/a.b.c").expect("a URL");
    let expected = Expected {
        method: "GET",
        target: &target,
        token: Some("token"),
        nonces: None,
        now: now(),
    };
    Proof::verify(&[proof], Profile::SPACE, &expected).is_ok()
}

fn proof() -> String {
    let target = Target::parse("https://host.example/xrpc/a.b.c").expect("a URL");
    let new = NewProof {
        method: "GET",
        target: &target,
        token: Some("token"),
        nonce: None,
        now: now(),
        id: [1; 16],
    };
    mint(&holder(), &new).expect("a proof")
}

fn is_access_token(token: &str) -> bool {
    run(own_tokens().verify(token, now())).is_ok()
}

fn is_service_auth(token: &str) -> bool {
    let directory = Directory::of(&ALICE, &k256(1));
    run(verify_service(&verifier(&directory), token)).is_ok()
}

fn is_delegation(token: &str) -> bool {
    run(delegation::delegations().verify(token, now())).is_ok()
}

type Kind = (&'static str, fn(&str) -> bool, fn() -> String);

const KINDS: [Kind; 6] = [
    ("service auth", is_service_auth, || service_token(&k256(1))),
    ("proof", is_proof, proof),
    ("access token", is_access_token, || own_token(&k256(1))),
    ("credential", is_credential, || credential(&bound())),
    ("delegation", is_delegation, || delegation::token(&k256(1))),
    ("attestation", is_attestation, || {
        attestation::token(&holder(), "key-1", 1, now())
    }),
];

#[test]
fn the_tokens_are_good_as_they_are() {
    for (kind, verifies, make) in KINDS {
        assert!(verifies(&make()), "{kind}");
    }
}

/// By this a request finds its verifier.
#[test]
fn tokens_tell_their_type() {
    use loggia_auth::jws::unverified_type;
    let types = KINDS.map(|(_, _, make)| unverified_type(&make()));
    let expected = [
        "JWT",
        "dpop+jwt",
        "at+jwt",
        "atproto-space-credential+jwt",
        "atproto-space-delegation+jwt",
        "atproto-client-attestation+jwt",
    ];
    assert_eq!(types, expected.map(|typ| Some(typ.to_owned())));
    assert_eq!(unverified_type("opaque"), None);
}

/// Every bit of every kind of token.
#[test]
fn a_flipped_bit_is_refused() {
    let of_a_kind = |(kind, verifies, make): Kind| {
        let token = make();
        let places = (0..token.len()).flat_map(|byte| (0..8).map(move |bit| (byte, bit)));
        for token in places.filter_map(|(byte, bit)| flipped(&token, byte, bit)) {
            assert!(!verifies(&token), "{kind}: {token}");
        }
    };
    std::thread::scope(|scope| {
        for kind in KINDS {
            scope.spawn(move || of_a_kind(kind));
        }
    });
}

proptest! {
    /// No kind of token is taken for another.
    #[test]
    fn tokens_are_not_confused(one in 0..KINDS.len(), other in 0..KINDS.len()) {
        prop_assume!(one != other);
        prop_assert!(!KINDS[one].1(&KINDS[other].2()));
    }

    #[test]
    fn no_text_is_a_token(kind in 0..KINDS.len(), text in "\\PC{0,100}") {
        prop_assert!(!KINDS[kind].1(&text));
    }
}
