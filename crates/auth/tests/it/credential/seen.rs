//! What is still checked of a credential that was verified before.

use super::*;

#[tokio::test]
async fn a_credential_that_was_seen_is_still_checked() {
    let directory = world();
    let verifier = verifier(&directory, BOTH);
    let token = credential(&october());
    let at = |seconds| now() + SignedDuration::from_secs(seconds);
    for seconds in [0, 604] {
        assert_eq!(
            name(&use_october(&verifier, &token, &holder(), at(seconds)).await),
            "accepted"
        );
    }
    let late = use_october(&verifier, &token, &holder(), at(605)).await;
    assert_eq!(outcome(&late), (401, "JwtExpired"));
    assert_eq!(
        name(&use_october(&verifier, &token, &stranger(), at(1)).await),
        "BadSpaceSignature"
    );
    assert_eq!(directory.counts().1, 0);

    // The authority changes its key.
    let new_key =
        DidDocument::new(AUTHORITY).with_key("#atproto_space", *stranger().public().multikey());
    directory.know(new_key.clone());
    directory.change(new_key);
    let result = use_october(&verifier, &token, &holder(), at(2)).await;
    assert_eq!(outcome(&result), (401, "BadJwtSignature"));
}

/// What is shared between two proofs was verified for the first of them alone.
#[tokio::test]
async fn a_credential_that_was_seen_is_not_verified_twice() {
    let verifier = verifier(&world(), BOTH);
    let at = |seconds| now() + SignedDuration::from_secs(seconds);
    let token = credential(&october());
    let first = use_october(&verifier, &token, &holder(), at(0)).await;
    let again = use_october(&verifier, &token, &holder(), at(1)).await;
    let (first, again) = (first.expect("a reader"), again.expect("a reader"));
    assert!(std::ptr::eq(first.credential(), again.credential()));

    let token = credential(&august());
    let first = use_august(&verifier, &token, &holder(), 1).await;
    let again = use_august(&verifier, &token, &holder(), 2).await;
    let (first, again) = (first.expect("a reader"), again.expect("a reader"));
    assert!(std::ptr::eq(first.credential(), again.credential()));
}

#[tokio::test]
async fn a_changed_key_is_found() {
    let directory = Arc::new(Directory::default());
    directory.know(DidDocument::new(AUTHORITY));
    directory.change(
        DidDocument::new(AUTHORITY)
            .with_key("#atproto_space", *authority_key().public().multikey()),
    );
    let result = use_october(
        &verifier(&directory, BOTH),
        &credential(&october()),
        &holder(),
        now(),
    )
    .await;
    assert_eq!(name(&result), "accepted");
}

#[tokio::test]
async fn revoked_credentials_are_refused() {
    let revocations = Arc::new(MemoryRevocations::new(1));
    let verifier = SpaceCredentials::new(
        world(),
        Arc::clone(&revocations),
        MemoryReplayStore::default(),
        BOTH,
    );
    let token = credential(&october());
    let reader = use_october(&verifier, &token, &holder(), now())
        .await
        .expect("a reader");
    let id = reader.credential().id().to_owned();
    let other =
        SpaceRef::new("at://did:web:space.example/space/app.example.group/other").expect("a space");
    revocations.revoke(&other, &id, now()).expect("room");
    assert_eq!(
        name(&use_october(&verifier, &token, &holder(), now()).await),
        "accepted"
    );
    revocations
        .revoke(&SPACE, &id, now())
        .expect_err("no room: nothing is forgotten");
    let later = now() + MemoryRevocations::KEEP + SignedDuration::from_secs(1);
    revocations.revoke(&SPACE, &id, later).expect("room again");
    revocations.revoke(&SPACE, &id, later).expect("once more");
    let result = use_october(&verifier, &token, &holder(), now()).await;
    assert_eq!(outcome(&result), (401, "CredentialRevoked"));
}
