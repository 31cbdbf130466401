//! What the header of a proof may say, and how it is signed.

use super::*;

/// What is changed, and how.
type Change<'a> = (&'a str, &'a dyn Fn(&mut Value));

#[test]
fn headers_are_held_to_the_profile() {
    let private = |header: &mut Value| header["jwk"]["d"] = json!("AAAA");
    let changes: [Change<'_>; 17] = [
        ("no typ", &|h| {
            drop(h.as_object_mut().expect("an object").remove("typ"))
        }),
        ("JWT", &|h| h["typ"] = json!("JWT")),
        ("at+jwt", &|h| h["typ"] = json!("at+jwt")),
        ("none", &|h| h["alg"] = json!("none")),
        ("HS256", &|h| h["alg"] = json!("HS256")),
        ("RS256", &|h| h["alg"] = json!("RS256")),
        ("ES384", &|h| h["alg"] = json!("ES384")),
        ("ES256K over P-256", &|h| h["alg"] = json!("ES256K")),
        ("no jwk", &|h| {
            drop(h.as_object_mut().expect("an object").remove("jwk"))
        }),
        ("jwk is an array", &|h| {
            h["jwk"] = json!([
                "EC",
                "P-256",
                h["jwk"]["x"],
                h["jwk"]["y"],
                null,
                null,
                null
            ]);
        }),
        ("jwk is a text", &|h| h["jwk"] = json!("key")),
        ("jwk with d", &private),
        ("symmetric jwk", &|h| {
            h["jwk"] = json!({ "kty": "oct", "k": "AAAA" })
        }),
        ("another key", &|h| h["jwk"] = jwk(&stranger())),
        ("point off the curve", &|h| {
            h["jwk"]["y"] = h["jwk"]["x"].clone()
        }),
        ("crit", &|h| h["crit"] = json!(["b64"])),
        ("crit null", &|h| h["crit"] = json!(null)),
    ];
    for (what, change) in changes {
        let result = verify(&changed(|header, _| change(header)));
        assert_eq!(outcome(&result), (400, "invalid_dpop_proof"), "{what}");
    }
    let twice = header(&holder())
        .to_string()
        .replacen('{', r#"{"jwk":{},"#, 1);
    assert!(verify(&forge(&holder(), &twice, &claims().to_string())).is_err());
}

/// The public key's bytes as an HMAC secret.
#[test]
fn key_confusion() {
    let header = json!({ "typ": "dpop+jwt", "alg": "HS256", "jwk": jwk(&holder()) });
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims().to_string())
    );
    for secret in [
        holder().public().multikey().point().to_vec(),
        jwk(&holder()).to_string().into_bytes(),
    ] {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
        let tag = ring::hmac::sign(&key, signed.as_bytes());
        for signature in [tag.as_ref().to_vec(), [tag.as_ref(), tag.as_ref()].concat()] {
            let proof = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
            assert_eq!(name(&verify(&proof)), "invalid_dpop_proof");
        }
    }
}

#[test]
fn the_higher_s_is_taken_and_der_is_not() {
    let proof = changed(|_, _| {});
    let (signed, signature) = proof.rsplit_once('.').expect("three segments");
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let high = flip(
        Curve::P256,
        &signature.clone().try_into().expect("64 bytes"),
    );
    let with = |bytes: &[u8]| verify(&format!("{signed}.{}", URL_SAFE_NO_PAD.encode(bytes)));
    assert_eq!(name(&with(&high)), "accepted");
    let mut der = vec![0x30, 68, 2, 32];
    der.extend(&signature[..32]);
    der.extend([2, 32]);
    der.extend(&signature[32..]);
    for other in [&der[..], &[], &[0; 64], &[0xff; 64], &signature[..63]] {
        assert_eq!(name(&with(other)), "invalid_dpop_proof");
    }
    let unsigned = with(&signature[..63]).expect_err("refused");
    assert_eq!(unsigned.space_name(), "BadDpopProof");
    assert_eq!(
        with(&[1; 64]).expect_err("refused").space_name(),
        "BadDpopProofSignature"
    );
}

#[test]
fn k256_only_where_it_is_enabled() {
    let key = k256(3);
    let proof = forge(&key, &header(&key).to_string(), &claims().to_string());
    assert_eq!(name(&verify(&proof)), "invalid_dpop_proof");
    let result = verify_with(Profile::OAUTH.with_k256(), &[&proof]);
    assert_eq!(name(&result), "accepted");
    assert_eq!(
        name(&verify_with(Profile::SPACE, &[&proof])),
        "invalid_dpop_proof"
    );
}

#[test]
fn one_header_and_no_more() {
    let proof = changed(|_, _| {});
    let names = |proofs: &[&str]| {
        verify_with(Profile::OAUTH, proofs)
            .map_err(|error| (error.oauth_name(), error.space_name()))
    };
    assert_eq!(
        names(&[]).expect_err("none"),
        ("invalid_dpop_proof", "MissingDpopProof")
    );
    assert_eq!(
        names(&[&proof, &proof]).expect_err("two"),
        ("invalid_dpop_proof", "BadDpopProof")
    );
    assert_eq!(
        names(&[""]).expect_err("empty"),
        ("invalid_dpop_proof", "BadDpopProof")
    );
    assert!(
        names(&[&format!(" {proof}\t")]).is_ok(),
        "whitespace around a field is no part of it"
    );
    assert!(names(&[&format!("{proof}, {proof}")]).is_err());
    assert!(names(&[&"a".repeat(1 << 20)]).is_err());
}
