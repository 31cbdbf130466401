//! Space credentials of both forms, and their exchange.

mod claims;
mod exchange;
mod seen;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use loggia_auth::dpop::{NewProof, Target, mint as mint_proof};
use loggia_auth::http_signature::{SignedFields, sign};
use loggia_auth::space_credential::{
    CredentialRequest, KeyBinding, MemoryRevocations, NewCredential, Profiles, SpaceAudience, mint,
};
use loggia_auth::{
    CredentialError, Jwk, MemoryReplayStore, Refusal, SigningKey, SpaceCredentials, SpaceReader,
};
use loggia_identity::DidDocument;
use loggia_syntax::{Did, SpaceRef};
use serde_json::{Value, json};

use crate::spoil::spoiled;
use crate::world::{Directory, authority_key, forge, holder, k256, name, now, outcome, stranger};

pub const AUTHORITY_TEXT: &str = "did:web:space.example";
pub const AUTHORITY: Did = Did::from_static(AUTHORITY_TEXT);
pub const SPACE: SpaceRef =
    SpaceRef::from_static("at://did:web:space.example/space/app.example.group/test");
const REPO_TEXT: &str = "did:web:alice.example";
const REPO: Did = Did::from_static(REPO_TEXT);
const URL: &str = "https://host.example/xrpc/com.atproto.space.getRepo";
const BOTH: Profiles = Profiles {
    october: true,
    august: true,
};
const KID: &str = "did:key:zDnaeoA2SUkGYYDAVZBKgd4xWMGadgX2U29YPw8iEvCuELmfi";
const JKT: &str = "iAzi3C-OjPVWNyPopGebSBzQGxyqWSYHSp2clxH5mSI";

type Verifier = SpaceCredentials<Arc<Directory>, Arc<MemoryRevocations>, MemoryReplayStore>;

fn world() -> Arc<Directory> {
    let directory = Arc::new(Directory::default());
    let document = DidDocument::new(AUTHORITY)
        .with_key("#atproto_space", *authority_key().public().multikey())
        .with_key("#atproto", *k256(1).public().multikey());
    directory.know(document);
    directory
}

fn verifier(directory: &Arc<Directory>, profiles: Profiles) -> Verifier {
    let revocations = Arc::new(MemoryRevocations::default());
    SpaceCredentials::new(
        Arc::clone(directory),
        revocations,
        MemoryReplayStore::default(),
        profiles,
    )
}

fn october() -> KeyBinding {
    KeyBinding::HttpSignature(holder().public().clone())
}

fn august() -> KeyBinding {
    KeyBinding::Dpop(Jwk::new(*holder().public().multikey()).thumbprint())
}

pub fn credential(binding: &KeyBinding) -> String {
    let new = NewCredential {
        space: &SPACE,
        binding,
        fragment: "#atproto_space",
        now: now(),
        lifetime: binding.usual_lifetime(),
        id: [1; 16],
    };
    mint(&authority_key(), &new).expect("a credential")
}

/// Uses a credential as October does, signed by this key.
async fn use_october(
    verifier: &Verifier,
    token: &str,
    key: &SigningKey,
    at: Timestamp,
) -> Result<SpaceReader, CredentialError> {
    let authorization = format!("Atproto-Space {token}");
    let made = sign(key, &authorization, Some(REPO_TEXT)).expect("a signature");
    let fields = SignedFields {
        authorization: &[&authorization],
        audience: &[REPO_TEXT],
        signature_input: &[&made.input],
        signature: &[&made.signature],
    };
    let target = Target::parse(URL).expect("a URL");
    let request = CredentialRequest {
        fields,
        dpop: &[],
        method: "GET",
        target: &target,
        now: at,
    };
    verifier.verify(&request, SpaceAudience::Is(&REPO)).await
}

/// Uses a credential as August does, with a proof by this key.
async fn use_august(
    verifier: &Verifier,
    token: &str,
    key: &SigningKey,
    id: u8,
) -> Result<SpaceReader, CredentialError> {
    let target = Target::parse(URL).expect("a URL");
    let new = NewProof {
        method: "GET",
        target: &target,
        token: Some(token),
        nonce: None,
        now: now(),
        id: [id; 16],
    };
    let proof = mint_proof(key, &new).expect("a proof");
    let authorization = format!("DPoP {token}");
    let fields = SignedFields {
        authorization: &[&authorization],
        ..SignedFields::default()
    };
    let request = CredentialRequest {
        fields,
        dpop: &[&proof],
        method: "GET",
        target: &target,
        now: now(),
    };
    verifier.verify(&request, SpaceAudience::Is(&REPO)).await
}

#[tokio::test]
async fn october_is_the_default() {
    let verifier = verifier(&world(), Profiles::default());
    let token = credential(&october());
    let reader = use_october(&verifier, &token, &holder(), now())
        .await
        .expect("a reader");
    assert_eq!(*reader.credential().space(), SPACE);
    assert_eq!(*reader.credential().authority(), AUTHORITY);
    assert_eq!(
        reader.credential().expires().as_second(),
        now().as_second() + 600
    );
    assert!(reader.check_space(&SPACE).is_ok());
    let other =
        SpaceRef::new("at://did:web:space.example/space/app.example.group/other").expect("a space");
    assert_eq!(
        outcome(&reader.check_space(&other)),
        (400, "InvalidCredential")
    );

    // A signature may be sent again; that of another key may not.
    assert_eq!(
        name(&use_october(&verifier, &token, &holder(), now()).await),
        "accepted"
    );
    let stolen = use_october(&verifier, &token, &stranger(), now()).await;
    assert_eq!(outcome(&stolen), (401, "BadSpaceSignature"));
    let result = use_august(&verifier, &credential(&august()), &holder(), 1).await;
    assert_eq!(
        outcome(&result),
        (400, "InvalidToken"),
        "August is switched off"
    );
}

#[tokio::test]
async fn august_where_it_is_enabled() {
    let verifier = verifier(&world(), BOTH);
    let token = credential(&august());
    let reader = use_august(&verifier, &token, &holder(), 1)
        .await
        .expect("a reader");
    assert_eq!(
        reader.credential().expires().as_second(),
        now().as_second() + 7200
    );
    assert_eq!(
        name(&use_august(&verifier, &token, &holder(), 1).await),
        "BadDpopProof"
    );
    assert_eq!(
        name(&use_august(&verifier, &token, &holder(), 2).await),
        "accepted"
    );
    assert_eq!(
        name(&use_august(&verifier, &token, &stranger(), 3).await),
        "DpopKeyMismatch"
    );
    let result = use_august(&verifier, &credential(&october()), &holder(), 4).await;
    assert_eq!(
        outcome(&result),
        (401, "BadJwtCnf"),
        "bound for the other form"
    );
    let result = use_october(&verifier, &token, &holder(), now()).await;
    assert_eq!(
        outcome(&result),
        (401, "BadJwtCnf"),
        "bound for the other form"
    );
    let only = Profiles {
        october: false,
        august: true,
    };
    let result = use_october(&self::verifier(&world(), only), &token, &holder(), now()).await;
    assert_eq!(outcome(&result), (400, "InvalidToken"));
}

#[tokio::test]
async fn the_audience_is_named() {
    let verifier = verifier(&world(), Profiles::default());
    let authorization = format!("Atproto-Space {}", credential(&october()));
    let target = Target::parse(URL).expect("a URL");
    for (said, wanted, expected) in [
        (REPO_TEXT, SpaceAudience::Is(&REPO), "accepted"),
        (AUTHORITY_TEXT, SpaceAudience::Authority, "accepted"),
        (
            "did:web:whoever.example",
            SpaceAudience::Handler,
            "accepted",
        ),
        (REPO_TEXT, SpaceAudience::Authority, "BadSpaceAudience"),
        (AUTHORITY_TEXT, SpaceAudience::Is(&REPO), "BadSpaceAudience"),
        (
            "did:web:space.example#atproto_space_host",
            SpaceAudience::Authority,
            "BadSpaceAudience",
        ),
        ("", SpaceAudience::Authority, "BadSpaceAudience"),
    ] {
        let made = sign(&holder(), &authorization, Some(said)).expect("a signature");
        let fields = SignedFields {
            authorization: &[&authorization],
            audience: &[said],
            signature_input: &[&made.input],
            signature: &[&made.signature],
        };
        let request = CredentialRequest {
            fields,
            dpop: &[],
            method: "GET",
            target: &target,
            now: now(),
        };
        let result = verifier.verify(&request, wanted).await;
        assert_eq!(name(&result), expected, "{said}");
        let twice = SignedFields {
            audience: &[said, said],
            ..fields
        };
        let request = CredentialRequest {
            fields: twice,
            ..request
        };
        assert_eq!(
            name(&verifier.verify(&request, wanted).await),
            "BadSpaceSignature"
        );
    }
}

#[tokio::test]
async fn authorization_fields() {
    let verifier = verifier(&world(), BOTH);
    let target = Target::parse(URL).expect("a URL");
    let token = credential(&october());
    let authorization = format!("Atproto-Space {token}");
    let lower = format!("atproto-space {token}");
    for (authorization, expected) in [
        (&[][..], (401, "MissingJwt")),
        (&["Atproto-Space"], (401, "MissingJwt")),
        (&["DPoP "], (401, "MissingJwt")),
        (
            &[&*authorization, &*authorization],
            (401, "BadSpaceSignature"),
        ),
        (&["Bearer x"], (400, "InvalidToken")),
        (&[""], (400, "InvalidToken")),
        (&["Atproto-Space x"], (401, "BadJwt")),
        (&[&*authorization], (401, "BadSpaceSignature")),
        (&[&*lower], (401, "BadSpaceSignature")),
    ] {
        let fields = SignedFields {
            authorization,
            ..SignedFields::default()
        };
        let request = CredentialRequest {
            fields,
            dpop: &[],
            method: "GET",
            target: &target,
            now: now(),
        };
        let result = verifier.verify(&request, SpaceAudience::Handler).await;
        assert_eq!(outcome(&result), expected, "{authorization:.40?}");
    }
    let august = format!("DPoP {}", credential(&august()));
    let fields = SignedFields {
        authorization: &[&august],
        ..SignedFields::default()
    };
    let request = CredentialRequest {
        fields,
        dpop: &[],
        method: "GET",
        target: &target,
        now: now(),
    };
    let result = verifier.verify(&request, SpaceAudience::Handler).await;
    assert_eq!(outcome(&result), (401, "MissingDpopProof"));
}
