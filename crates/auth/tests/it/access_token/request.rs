//! A token and its proof together.

use super::*;

/// A request with a token and a proof by this key.
async fn call(
    access: &DpopAccess<MemoryReplayStore>,
    key: &SigningKey,
    id: u8,
    at: Timestamp,
    nonce: Option<&str>,
) -> Result<Arc<AccessToken>, AccessError> {
    let (target, token) = (Target::parse(URL).expect("a URL"), own_token(&k256(1)));
    let new = NewProof {
        method: "POST",
        target: &target,
        token: Some(&token),
        nonce,
        now: at,
        id: [id; 16],
    };
    let proof = mint(key, &new).expect("a proof");
    let authorization = format!("DPoP {token}");
    let request = AccessRequest {
        authorization: &[&authorization],
        dpop: &[&proof],
        method: "POST",
        target: &target,
        now: at,
    };
    access.verify(&request).await
}

fn access() -> DpopAccess<MemoryReplayStore> {
    DpopAccess::new(
        own_tokens(),
        MemoryReplayStore::default(),
        Nonces::new(&[9; 32]),
    )
}

#[tokio::test]
async fn a_caller_learns_the_nonce_and_is_proved_once() {
    let access = access();
    let error = call(&access, &holder(), 1, now(), None)
        .await
        .expect_err("no nonce yet");
    assert_eq!(
        error.answer(),
        (
            401,
            "use_dpop_nonce",
            "the DPoP proof needs the server's current nonce (DPoP-Nonce)".into()
        )
    );
    assert!(error.wants_nonce());
    assert_eq!(
        error.challenge().as_deref(),
        Some(
            "DPoP algs=\"ES256\", error=\"use_dpop_nonce\", \
             error_description=\"the DPoP proof needs the server's current nonce (DPoP-Nonce)\""
        )
    );
    let nonce = access.nonce(now());
    let caller = call(&access, &holder(), 1, now(), Some(&nonce))
        .await
        .expect("a proof");
    assert_eq!(caller.subject, ALICE);
    let result = call(&access, &holder(), 1, now(), Some(&nonce)).await;
    assert_eq!(outcome(&result), (401, "invalid_dpop_proof"));
    let result = call(&access, &holder(), 2, now(), Some(&nonce)).await;
    assert_eq!(name(&result), "accepted");
    let late = now() + SignedDuration::from_secs(180);
    let result = call(&access, &holder(), 3, late, Some(&nonce)).await;
    assert_eq!(outcome(&result), (401, "use_dpop_nonce"));
}

#[tokio::test]
async fn a_stolen_token_is_worth_nothing() {
    let access = access();
    let nonce = access.nonce(now());
    let error = call(&access, &stranger(), 1, now(), Some(&nonce))
        .await
        .expect_err("not theirs");
    assert_eq!(
        error.answer(),
        (401, "invalid_token", "Invalid DPoP key binding".into())
    );
    let result = call(&access, &holder(), 1, now(), Some(&nonce)).await;
    assert_eq!(
        name(&result),
        "accepted",
        "the same jti, by another key, used nothing up"
    );
}

#[tokio::test]
async fn authorization_fields() {
    let (access, target) = (access(), Target::parse(URL).expect("a URL"));
    let token = own_token(&k256(1));
    let dpop = format!("DPoP {token}");
    let bearer = format!("Bearer {token}");
    for (authorization, expected) in [
        (&[][..], (401, "AuthMissing")),
        (&[&*dpop, &*dpop], (401, "invalid_token")),
        (&[&*dpop, &*bearer], (401, "invalid_token")),
        (&[&*bearer], (400, "InvalidToken")),
        (&["Basic YTpi"], (400, "InvalidToken")),
        (&[""], (400, "InvalidToken")),
        (&["DPoP"], (400, "InvalidToken")),
        (&["DPoP "], (400, "InvalidToken")),
        (&[&*dpop], (401, "invalid_dpop_proof")),
    ] {
        let request = AccessRequest {
            authorization,
            dpop: &[],
            method: "POST",
            target: &target,
            now: now(),
        };
        let result = access.verify(&request).await;
        assert_eq!(outcome(&result), expected, "{authorization:.40?}");
    }
    let challenge = AccessError::Absent.challenge();
    assert_eq!(challenge.as_deref(), Some("DPoP algs=\"ES256\""));
}
