//! DID documents as others write them, and as we do.

use loggia_identity::{DidDocument, DocumentError, KeyError, KeyLookupError, Multikey};
use loggia_syntax::Did;
use proptest::prelude::*;
use serde_json::{Value, json};

const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
const KEY: &str = "zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme";
const OTHER_KEY: &str = "zDnaeTiq1PdzvZXUaMdezchcMJQpBdH2VN4pgrrEhMCCbmwSb";

fn parse(document: &Value) -> DidDocument {
    DidDocument::parse(document.to_string().as_bytes()).expect("a document")
}

fn method(id: &str, kind: &str, key: &str) -> Value {
    json!({ "id": id, "type": kind, "controller": DID, "publicKeyMultibase": key })
}

#[test]
fn reads_what_the_directory_writes() {
    let document = parse(&json!({
        "@context": ["https://www.w3.org/ns/did/v1"],
        "id": DID,
        "alsoKnownAs": ["https://example.com", "at://alice.example.com"],
        "verificationMethod": [method(&format!("{DID}#atproto"), "Multikey", KEY)],
        "service": [{
            "id": "#atproto_pds",
            "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": "https://pds.example.com",
        }],
        "unknown": { "anything": [1, null] },
    }));
    assert_eq!(document.id().as_str(), DID);
    assert_eq!(
        document.claimed_handle().expect("a handle").as_str(),
        "alice.example.com"
    );
    let key = document.signing_key("#atproto").expect("a key");
    assert_eq!(key.to_multibase(), KEY);
    let service = document.service("#atproto_pds").expect("a service");
    assert_eq!(service.kind, "AtprotoPersonalDataServer");
    assert_eq!(service.endpoint, "https://pds.example.com");
    assert_eq!(document.service("#other"), None);
}

#[test]
fn reads_relative_and_absolute_ids_and_no_others() {
    let document = parse(&json!({
        "id": DID,
        "verificationMethod": [
            method("#atproto", "Multikey", KEY),
            method("did:web:other.example#theirs", "Multikey", KEY),
            method("bare", "Multikey", KEY),
            method("#", "Multikey", KEY),
        ],
        "service": [{ "id": format!("{DID}#x"), "type": "T", "serviceEndpoint": "https://x" }],
    }));
    let fragments: Vec<_> = document
        .verification_methods()
        .iter()
        .map(|method| method.fragment.as_str())
        .collect();
    assert_eq!(fragments, ["#atproto"]);
    assert!(document.service("#x").is_some());
}

#[test]
fn reads_legacy_keys() {
    let document = parse(&json!({
        "id": DID,
        "verificationMethod": [
            method("#k", "EcdsaSecp256k1VerificationKey2019", LEGACY_K256),
            method("#p", "EcdsaSecp256r1VerificationKey2019", LEGACY_P256),
        ],
    }));
    let key = document.signing_key("#k").expect("a key");
    assert_eq!(
        key,
        Multikey::from_did_key(MODERN_K256).expect("the same key")
    );
    let key = document.signing_key("#p").expect("a key");
    assert_eq!(
        key,
        Multikey::from_did_key(MODERN_P256).expect("the same key")
    );
}

/// Compressed points in base58btc without a multicodec prefix.
const LEGACY_K256: &str = "z25z9DTpsiYYJKGsWmSPJK2NFN8PcJtZig12K59UgW7q5t";
const LEGACY_P256: &str = "zxdM8dSstjrpZaRUwBmDvjGXweKuEMVN95A9oJBFjkWMh";
const MODERN_K256: &str = "did:key:zQ3shqwJEJyMBsBXCWyCBpUBMqxcon9oHB7mCvx4sSpMdLJwc";
const MODERN_P256: &str = "did:key:zDnaembgSGUhZULN2Caob4HLJPaxBh92N7rtH21TErzqf8HQo";

#[test]
fn a_key_is_found_strictly() {
    let document = parse(&json!({
        "id": DID,
        "verificationMethod": [
            method("#atproto", "Ed25519VerificationKey2020", KEY),
            method("#broken", "Multikey", "zzzz"),
            method("#twice", "Multikey", KEY),
            method(&format!("{DID}#twice"), "Multikey", OTHER_KEY),
            method("#same", "Multikey", KEY),
            method("#same", "Multikey", KEY),
            { "id": "#empty", "type": "Multikey" },
        ],
    }));
    let failure = |fragment: &str| document.signing_key(fragment).expect_err("no key");
    let unusable = |fragment: &str, source| KeyLookupError::Unusable {
        fragment: fragment.to_owned(),
        source,
    };
    assert_eq!(
        failure("#none"),
        KeyLookupError::Missing {
            fragment: "#none".into()
        }
    );
    assert_eq!(
        failure("#atproto"),
        unusable(
            "#atproto",
            KeyError::Type("Ed25519VerificationKey2020".into())
        )
    );
    assert_eq!(failure("#broken"), unusable("#broken", KeyError::Codec));
    assert_eq!(
        failure("#twice"),
        KeyLookupError::Ambiguous {
            fragment: "#twice".into()
        }
    );
    assert_eq!(failure("#empty"), unusable("#empty", KeyError::Absent));
    assert!(document.signing_key("#same").is_ok());
    assert!(document.signing_key("same").is_err());
}

#[test]
fn the_keys_of_account_and_space_do_not_stand_in_for_each_other() {
    for (there, absent) in [
        (DidDocument::ACCOUNT_KEY, DidDocument::SPACE_KEY),
        (DidDocument::SPACE_KEY, DidDocument::ACCOUNT_KEY),
    ] {
        let other_did = format!("did:web:other.example{absent}");
        let document = parse(&json!({
            "id": DID,
            "verificationMethod": [
                method(there, "Multikey", KEY),
                method(&other_did, "Multikey", KEY),
                method(&format!("{absent}_host"), "Multikey", KEY),
                method(&absent.to_uppercase(), "Multikey", KEY),
            ],
        }));
        assert!(document.signing_key(there).is_ok());
        let error = document.signing_key(absent).expect_err("no key");
        assert_eq!(
            error.to_string(),
            format!("the document has no key `{absent}`; add it to its `verificationMethod`")
        );
    }
}

#[test]
fn a_long_type_does_not_make_a_long_message() {
    let kind = "x".repeat(10_000);
    let document = parse(&json!({ "id": DID, "verificationMethod": [method("#a", &kind, KEY)] }));
    let Err(KeyLookupError::Unusable { source, .. }) = document.signing_key("#a") else {
        panic!("a key of no known type is usable");
    };
    assert!(source.to_string().len() < 200);
}

#[test]
fn entries_of_unknown_shape_are_left_out() {
    let document = parse(&json!({
        "id": DID,
        "alsoKnownAs": [1, "at://"],
        "verificationMethod": ["text", null, { "id": 3 }, {}],
        "service": [{ "id": "#a", "type": ["T"], "serviceEndpoint": "x" }, { "id": "#b",
            "type": "T", "serviceEndpoint": { "uri": "x" } }],
    }));
    assert!(document.verification_methods().is_empty());
    assert!(document.services().is_empty());
    assert_eq!(document.claimed_handle(), None);
    let document = parse(&json!({ "id": DID, "service": null, "verificationMethod": {} }));
    assert!(document.services().is_empty());
}

#[test]
fn refuses_what_is_no_document() {
    let refusal = |text: &str| DidDocument::parse(text.as_bytes()).expect_err("no document");
    for text in ["", "[]", "{}", "null", "{\"id\":1}", "<html>"] {
        assert!(matches!(refusal(text), DocumentError::Json(_)), "{text}");
    }
    assert!(matches!(refusal("{\"id\":\"x\"}"), DocumentError::Id(_)));
    let many = json!({ "id": DID, "service": vec![json!({}); 65] }).to_string();
    assert!(matches!(
        refusal(&many),
        DocumentError::TooMany {
            field: "service",
            limit: 64
        }
    ));
}

#[test]
fn what_is_written_is_read_again() {
    let did = Did::new("did:web:localhost%3A2510").expect("a DID");
    let document = DidDocument::new(did)
        .with_name("at://dev.test")
        .with_key("#atproto", Multikey::from_multibase(KEY).expect("a key"))
        .with_service(
            "#atproto_pds",
            "AtprotoPersonalDataServer",
            "http://localhost:2510",
        );
    let json = document.to_json();
    assert_eq!(
        json,
        json!({
            "@context": [
                "https://www.w3.org/ns/did/v1",
                "https://w3id.org/security/multikey/v1",
            ],
            "id": "did:web:localhost%3A2510",
            "alsoKnownAs": ["at://dev.test"],
            "verificationMethod": [{
                "id": "did:web:localhost%3A2510#atproto",
                "type": "Multikey",
                "controller": "did:web:localhost%3A2510",
                "publicKeyMultibase": KEY,
            }],
            "service": [{
                "id": "#atproto_pds",
                "type": "AtprotoPersonalDataServer",
                "serviceEndpoint": "http://localhost:2510",
            }],
        })
    );
    assert_eq!(parse(&json), document);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(DidDocument::parse(&bytes).is_err());
    }

    #[test]
    fn no_entry_panics(id in "\\PC{0,30}", kind in "\\PC{0,30}", key in "z?\\PC{0,60}") {
        let document = parse(&json!({
            "id": DID,
            "verificationMethod": [method(&id, &kind, &key), method("#a", "Multikey", &key)],
        }));
        prop_assert!(document.signing_key("#a").is_err());
    }
}
