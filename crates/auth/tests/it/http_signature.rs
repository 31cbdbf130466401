//! Signed requests of October 2026.

use loggia_auth::headers::FieldFault;
use loggia_auth::http_signature::{
    Components, SignatureError, SignedFields, sign, verify_for_key, verify_with_keyid,
};
use loggia_auth::{CredentialError, PublicKey, Refusal as _};
use proptest::prelude::*;
use serde_json::Value;

use crate::shared;
use crate::world::{holder, k256, stranger};

const AUTHORIZATION: &str = "Atproto-Space credential";
const REPO: &str = "did:example:repo";

/// Which of our refusals is meant by the reference's words.
fn is_meant(error: &SignatureError, words: &str) -> bool {
    use SignatureError as E;
    match words {
        "invalid HTTP message signature" => matches!(error, E::Signature | E::Key(_)),
        "request requires exactly one \"authorization\" field" => {
            *error == E::Field("authorization", FieldFault::Absent)
        }
        "missing or malformed signature headers" => matches!(error, E::Unsigned(_) | E::Form(_)),
        "signature keyid does not match the credential key" => *error == E::KeyId,
        "signature key must be a P-256 did:key" => matches!(error, E::Curve | E::NoKeyId),
        covers if covers.starts_with("signature must cover exactly") => {
            matches!(error, E::Components(_))
        }
        other => panic!("unknown words: {other}"),
    }
}

#[test]
fn cases_of_the_reference() {
    let Some(text) = shared::read("vectors/http_signature_oct2026.json") else {
        return;
    };
    let vectors: Value = serde_json::from_str(&text).expect("a JSON file");
    let cases = vectors["cases"].as_array().expect("a list of cases");
    for case in cases {
        let what = case["name"].as_str().expect("a name");
        let field = |name: &str| {
            case["headers"][name]
                .as_str()
                .into_iter()
                .collect::<Vec<_>>()
        };
        let (authorization, audience) = (field("authorization"), field("atproto-space-audience"));
        let (input, signature) = (field("signature-input"), field("signature"));
        let fields = SignedFields {
            authorization: &authorization,
            audience: &audience,
            signature_input: &input,
            signature: &signature,
        };
        let result = if case["role"] == "credential_use" {
            let kid = case["credential_cnf_kid"].as_str().expect("a key");
            let key = PublicKey::from_did_key(kid).expect("a key");
            verify_for_key(&fields, Components::Use, &key).map(|()| key)
        } else {
            verify_with_keyid(&fields, Components::Exchange)
        };
        match result {
            Ok(key) => assert_eq!(case["expected"]["key"], key.to_did_key(), "{what}"),
            Err(error) => {
                let words = case["expected"]["message"].as_str();
                let words = words.unwrap_or_else(|| panic!("{what}: {error}"));
                assert!(is_meant(&error, words), "{what}: {error:?}, not {words}");
                let told = CredentialError::from(error);
                assert_eq!((told.status(), told.name()), (401, "BadSpaceSignature"));
            }
        }
    }
    assert_eq!(cases.len(), 19);
}

fn use_with(fields: &SignedFields<'_>) -> Result<(), SignatureError> {
    verify_for_key(fields, Components::Use, holder().public())
}

/// A credential in use, of which `change` may change the fields' values.
fn used(change: impl FnOnce(&mut [String; 4])) -> Result<(), SignatureError> {
    let made = sign(&holder(), AUTHORIZATION, Some(REPO)).expect("a signature");
    let mut values = [
        AUTHORIZATION.into(),
        REPO.into(),
        made.input,
        made.signature,
    ];
    change(&mut values);
    let values = values.each_ref().map(String::as_str);
    let [authorization, audience, input, signature] = values.each_ref().map(std::slice::from_ref);
    use_with(&SignedFields {
        authorization,
        audience,
        signature_input: input,
        signature,
    })
}

#[test]
fn what_we_sign_verifies() {
    assert_eq!(used(|_| {}), Ok(()));
    let made = sign(&holder(), "Bearer delegation", None).expect("a signature");
    let fields = SignedFields {
        authorization: &["Bearer delegation"],
        audience: &[],
        signature_input: &[&made.input],
        signature: &[&made.signature],
    };
    let key = verify_with_keyid(&fields, Components::Exchange);
    assert_eq!(key.as_ref(), Ok(holder().public()));
    assert!(
        sign(&k256(1), AUTHORIZATION, Some(REPO)).is_err(),
        "P-256 only"
    );
    let error = verify_for_key(&fields, Components::Exchange, stranger().public());
    assert_eq!(error, Err(SignatureError::KeyId));
}

#[test]
fn fields_are_single_or_joined() {
    let made = sign(&holder(), AUTHORIZATION, Some(REPO)).expect("a signature");
    let fields = SignedFields {
        authorization: &[AUTHORIZATION],
        audience: &[REPO],
        signature_input: &[&made.input],
        signature: &[&made.signature],
    };
    let joined = SignedFields {
        signature_input: &["other=(\"@method\");x=1.50", &made.input],
        signature: &["other=:YWJj:", &made.signature],
        ..fields
    };
    assert_eq!(use_with(&joined), Ok(()));
    let padded = format!("  {AUTHORIZATION}\t");
    assert_eq!(
        use_with(&SignedFields {
            authorization: &[&padded],
            ..fields
        }),
        Ok(())
    );
    for (fields, name, fault) in [
        (
            SignedFields {
                authorization: &[AUTHORIZATION; 2],
                ..fields
            },
            "authorization",
            FieldFault::Repeated,
        ),
        (
            SignedFields {
                audience: &[REPO; 2],
                ..fields
            },
            "atproto-space-audience",
            FieldFault::Repeated,
        ),
        (
            SignedFields {
                audience: &[],
                ..fields
            },
            "atproto-space-audience",
            FieldFault::Absent,
        ),
    ] {
        assert_eq!(use_with(&fields), Err(SignatureError::Field(name, fault)));
    }
    let unsigned = SignedFields {
        signature: &[],
        ..fields
    };
    assert_eq!(
        use_with(&unsigned),
        Err(SignatureError::Unsigned("Signature"))
    );
}

const COVERED: &str = "(\"authorization\" \"atproto-space-audience\")";

/// `Signature-Input` in other spellings of the same meaning.
#[test]
fn structured_fields() {
    let covered = COVERED;
    for input in [
        "atproto-space=(  \"authorization\"   \"atproto-space-audience\" )".into(),
        format!("  atproto-space={covered}  "),
        format!("a;b;c=?0;d=-1.5;e=tok/en,\tatproto-space={covered}"),
        format!("a=\"q\\\"\\\\\" , b=:: , atproto-space={covered}"),
        format!("atproto-space=1, atproto-space={covered}"),
    ] {
        assert_eq!(used(|values| values[2] = input.clone()), Ok(()), "{input}");
    }
}

/// And in spellings of none, or of another.
#[test]
fn broken_structured_fields() {
    let covered = COVERED;
    for input in [
        format!("atproto-space={covered}, atproto-space=1"),
        format!("atproto-space={covered},"),
        format!(",atproto-space={covered}"),
        format!("atproto-space={covered} x"),
        format!("Atproto-Space={covered}"),
        format!("atproto-space = {covered}"),
        format!("atproto-space={covered};Alg=\"x\""),
        format!("atproto-space={covered};x=é"),
        format!("atproto-space={covered};x=1.2345"),
        format!("atproto-space={covered};x=1234567890123456"),
        format!("atproto-space={covered};x=@1"),
        format!("atproto-space={covered};x=?2"),
        format!("atproto-space={covered};x=:***:"),
        format!("atproto-space={covered};x=\"open"),
        format!("atproto-space={covered};x=\"\\n\""),
        "atproto-space=(\"authorization\"\"atproto-space-audience\")".into(),
        "atproto-space=(\"authorization\" \"atproto-space-audience\"".into(),
        "atproto-space=(\"atproto-space-audience\" \"authorization\")".into(),
        "atproto-space=(\"authorization\" \"authorization\")".into(),
        "atproto-space=(authorization atproto-space-audience)".into(),
        "atproto-space=(\"Authorization\" \"atproto-space-audience\")".into(),
        "atproto-space".into(),
        "atproto-space=()".into(),
        "atproto-space=(\"authorization\";sf \"atproto-space-audience\")".into(),
        "atproto-space=(\"authorization\" \"atproto-space-audience\" \"@method\")".into(),
        "atproto-space=(\"authorization\")".into(),
        format!("atproto-space={covered}{}", ";a".repeat(5000)),
        (0..40).map(|n| format!("a{n}=1, ")).collect::<String>() + "atproto-space=" + covered,
    ] {
        let result = used(|values| values[2] = input.clone());
        assert!(result.is_err(), "{input:.120}");
    }
}

#[test]
fn parameters_are_signed_and_checked() {
    let covered = "(\"authorization\" \"atproto-space-audience\")";
    let base = |parameters: &str| {
        format!(
            "\"authorization\": {AUTHORIZATION}\n\"atproto-space-audience\": {REPO}\n\
             \"@signature-params\": {parameters}"
        )
    };
    let kid = holder().public().to_did_key();
    for (written, signed, expected) in [
        (";created=1;x", ";created=1;x", Ok(())),
        (";x=?1;y=?0;z=007;w=1.50", ";x;y=?0;z=7;w=1.5", Ok(())),
        (";x=1;x=2", ";x=2", Ok(())),
        (
            ";alg=\"ecdsa-p256-sha256\"",
            ";alg=\"ecdsa-p256-sha256\"",
            Ok(()),
        ),
        (
            &format!(";keyid=\"{kid}\""),
            &format!(";keyid=\"{kid}\""),
            Ok(()),
        ),
        (
            ";alg=ecdsa-p256-sha256",
            ";alg=ecdsa-p256-sha256",
            Err(SignatureError::Algorithm),
        ),
        (
            ";alg=\"hmac-sha256\"",
            ";alg=\"hmac-sha256\"",
            Err(SignatureError::Algorithm),
        ),
        (";alg", ";alg", Err(SignatureError::Algorithm)),
        (";keyid", ";keyid", Err(SignatureError::KeyId)),
        (";keyid=tok", ";keyid=tok", Err(SignatureError::KeyId)),
    ] {
        let signature = holder().sign(base(&format!("{covered}{signed}")).as_bytes());
        let signature = signature.expect("a signature");
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(signature);
        let result = used(|values| {
            values[2] = format!("atproto-space={covered}{written}");
            values[3] = format!("atproto-space=:{text}:");
        });
        assert_eq!(result, expected, "{written}");
    }
}

#[test]
fn a_line_break_cannot_stand_in_for_a_field() {
    let result =
        used(|values| values[0] = format!("{AUTHORIZATION}\n\"atproto-space-audience\": {REPO}"));
    assert_eq!(result, Err(SignatureError::FieldText("authorization")));
    let result = used(|values| values[1] = "did:web:é.example".into());
    assert_eq!(
        result,
        Err(SignatureError::FieldText("atproto-space-audience"))
    );
}

proptest! {
    #[test]
    fn no_text_panics(input in "\\PC{0,80}", signature in "[a-z=:;,()\"?0-9 .*-]{0,60}") {
        let result = used(|values| (values[2], values[3]) = (input, signature));
        prop_assert!(result.is_err());
    }

    #[test]
    fn a_flipped_bit_is_refused(place in 0_usize..4, byte in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut flipped = true;
        let result = used(|values| {
            let mut bytes = values[place].clone().into_bytes();
            let byte = byte.index(bytes.len());
            bytes[byte] ^= 1 << bit;
            match String::from_utf8(bytes) {
                Ok(text) => values[place] = text,
                // No field value: a server cannot even hand it over as text.
                Err(_) => flipped = false,
            }
        });
        prop_assert_eq!(result.is_err(), flipped);
    }
}
