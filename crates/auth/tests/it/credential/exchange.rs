//! A delegation becomes a credential.

use loggia_auth::Delegations;
use loggia_auth::http_signature::SignatureFields;
use loggia_auth::space_credential::{Exchange, ExchangeError, Exchanged};

use super::*;
use crate::delegation::{delegations, token as delegation_token};
use crate::tokens::{directory, text, vectors};

#[tokio::test]
async fn the_credential_of_the_reference() {
    let Some(vectors) = vectors() else { return };
    let verifier = SpaceCredentials::new(
        directory(&vectors),
        Arc::new(MemoryRevocations::default()),
        MemoryReplayStore::default(),
        BOTH,
    );
    let authorization = format!("DPoP {}", text(&vectors, "/tokens/space_credential"));
    let target = Target::parse(text(&vectors, "/tokens/dpop_proof_resource/htu")).expect("a URL");
    let fields = SignedFields {
        authorization: &[&authorization],
        ..SignedFields::default()
    };
    let proof = text(&vectors, "/tokens/dpop_proof_resource/proof");
    let request = CredentialRequest {
        fields,
        dpop: &[proof],
        method: "GET",
        target: &target,
        now: now(),
    };
    let reader = verifier
        .verify(&request, SpaceAudience::Authority)
        .await
        .expect("a reader");
    assert_eq!(
        reader.credential().space().as_str(),
        "at://did:example:space/space/app.bsky.group/test"
    );
    let result = verifier.verify(&request, SpaceAudience::Authority).await;
    assert_eq!(name(&result), "BadDpopProof", "used before");
}

const EXCHANGE: &str = "https://space.example.com/xrpc/com.atproto.space.getSpaceCredential";

/// A request for a credential; the proof and the signature are for this `Authorization`.
struct Wish {
    authorization: String,
    proof: String,
    signed: SignatureFields,
}

impl Wish {
    fn new(token: &str) -> Self {
        let target = Target::parse(EXCHANGE).expect("a URL");
        let new = NewProof {
            method: "POST",
            target: &target,
            token: None,
            nonce: None,
            now: now(),
            id: [8; 16],
        };
        let authorization = format!("Bearer {token}");
        Self {
            proof: mint_proof(&holder(), &new).expect("a proof"),
            signed: sign(&holder(), &authorization, None).expect("a signature"),
            authorization,
        }
    }

    /// Sends it with a proof, with a signature, with both or neither.
    async fn send<D: loggia_identity::ResolveDid>(
        &self,
        exchange: &Exchange<D, MemoryReplayStore>,
        proof: bool,
        signed: bool,
    ) -> Result<Exchanged, ExchangeError> {
        let target = Target::parse(EXCHANGE).expect("a URL");
        let fields = SignedFields {
            authorization: &[&self.authorization],
            audience: &[],
            signature_input: &[self.signed.input.as_str()][usize::from(!signed)..],
            signature: &[self.signed.signature.as_str()][usize::from(!signed)..],
        };
        let request = CredentialRequest {
            fields,
            dpop: &[self.proof.as_str()][usize::from(!proof)..],
            method: "POST",
            target: &target,
            now: now(),
        };
        exchange.verify(&request).await
    }
}

fn exchange(profiles: Profiles) -> Exchange<Arc<Directory>, MemoryReplayStore> {
    Exchange::new(delegations(), profiles)
}

#[tokio::test]
async fn an_exchange_binds_to_the_key_that_was_shown() {
    let wish = Wish::new(&delegation_token(&k256(1)));
    let exchanged = wish
        .send(&exchange(BOTH), true, false)
        .await
        .expect("August");
    assert_eq!(exchanged.binding, KeyBinding::Dpop(JKT.into()));
    assert_eq!(*exchanged.delegation.space(), SPACE);
    for with_proof in [false, true] {
        let exchanged = wish
            .send(&exchange(BOTH), with_proof, true)
            .await
            .expect("October");
        assert_eq!(exchanged.binding, october());
    }
    let other = SpaceRef::new("at://did:web:space.example/space/app.example.group/other");
    let result = exchanged.delegation.check_space(&other.expect("a space"));
    assert_eq!(outcome(&result), (400, "InvalidDelegationToken"));
}

#[tokio::test]
async fn an_exchange_is_made_once() {
    let wish = Wish::new(&delegation_token(&k256(1)));
    let exchange = exchange(BOTH);
    assert_eq!(name(&wish.send(&exchange, true, false).await), "accepted");
    let again = wish.send(&exchange, true, false).await;
    assert_eq!(name(&again), "BadDpopProof", "the proof is looked at first");
    assert_eq!(
        name(&wish.send(&exchange, false, true).await),
        "JwtReplayed"
    );
}

#[tokio::test]
async fn an_exchange_needs_a_key_in_an_enabled_form() {
    let wish = Wish::new(&delegation_token(&k256(1)));
    let only = |october, august| exchange(Profiles { october, august });
    for (exchange, proof, signed, expected) in [
        (only(true, true), false, false, (401, "MissingDpopProof")),
        (only(false, true), false, true, (401, "MissingDpopProof")),
        (only(true, false), true, false, (401, "BadSpaceSignature")),
        (only(true, false), false, false, (401, "BadSpaceSignature")),
        (only(false, false), true, true, (400, "InvalidToken")),
    ] {
        let result = wish.send(&exchange, proof, signed).await;
        assert_eq!(outcome(&result), expected);
        let after = wish.send(&exchange, proof, signed).await;
        assert_eq!(outcome(&after), expected, "the delegation was not used up");
    }
}

#[tokio::test]
async fn an_exchange_needs_a_delegation() {
    for (token, expected) in [
        (String::new(), (401, "MissingJwt")),
        ("x".into(), (401, "BadJwt")),
        (delegation_token(&k256(3)), (401, "BadJwtSignature")),
        (credential(&october()), (401, "BadJwtType")),
    ] {
        let result = Wish::new(&token).send(&exchange(BOTH), false, true).await;
        assert_eq!(outcome(&result), expected, "{token:.40}");
    }
    let mut wish = Wish::new(&delegation_token(&k256(1)));
    wish.authorization = wish.authorization.replace("Bearer", "DPoP");
    let result = wish.send(&exchange(BOTH), false, true).await;
    assert_eq!(outcome(&result), (400, "InvalidToken"));
}

#[tokio::test]
async fn the_exchange_of_the_reference() {
    let Some(vectors) = vectors() else { return };
    let mut wish = Wish::new(text(&vectors, "/tokens/delegation"));
    wish.proof = text(&vectors, "/tokens/dpop_proof_exchange_no_ath").to_owned();
    let delegations = Delegations::new(directory(&vectors), MemoryReplayStore::default());
    let exchange = Exchange::new(delegations, BOTH);
    let exchanged = wish
        .send(&exchange, true, false)
        .await
        .expect("an exchange");
    assert_eq!(exchanged.delegation.user().as_str(), "did:example:alice");
    assert_eq!(exchanged.binding, KeyBinding::Dpop(JKT.into()));
}
