//! Space credentials that were taken back, and what was registered with them.

use loggia_storage::{
    Caps, IssuedCredential, NewRegistration, Registered, RegistrationId, RegistrationShape,
    Revoked, RevokedCredentials, Storage,
};
use loggia_syntax::SpaceRef;

use crate::fixture::{Place, did, endpoint, on_both, seconds};

on_both!(
    a_revocation_is_of_one_credential_of_one_space_and_stays_over_a_restart,
    a_revocation_is_forgotten_after_its_time_and_not_before,
    a_full_list_refuses_and_forgets_none,
    one_authority_fills_its_own_share_and_no_more,
    a_credential_that_was_given_out_here_can_always_be_taken_back,
    what_was_registered_with_a_revoked_credential_goes_with_it,
    nothing_is_registered_with_a_credential_that_was_taken_back_meanwhile,
    readers_leave_room_for_the_authority,
);

fn space(name: &str) -> SpaceRef {
    let text = format!("at://did:plc:abc123/space/com.example.forum/{name}");
    SpaceRef::new(text).expect("a good space")
}

async fn revoke(storage: &Storage, name: &str, id: &str, until: i64) -> Revoked {
    let mut tx = storage.begin().await.expect("begins");
    let revoked = storage
        .revoked_credentials()
        .revoke(&mut tx, &space(name), id, (seconds(until), seconds(0)))
        .await;
    tx.commit().await.expect("commits");
    revoked.expect("runs")
}

async fn is_revoked(storage: &Storage, name: &str, id: &str) -> bool {
    let revoked = storage.revoked_credentials();
    revoked.is_revoked(&space(name), id).await.expect("runs")
}

/// Registers endpoint `number` for a space, as a reader with this credential or as the authority.
async fn register(
    storage: &Storage,
    name: &str,
    number: u8,
    credential: Option<&str>,
) -> Registered {
    let new = NewRegistration {
        id: RegistrationId::new(seconds(0), [number; 10]),
        space: space(name),
        service: did("feed").to_string(),
        shape: RegistrationShape::Webhook,
        author: None,
        older_spelling: false,
        endpoint: endpoint(number),
        created_by: did("authority"),
        reader: None,
        credential: credential.map(str::to_owned),
        expires_at: seconds(100),
    };
    let caps = Caps {
        per_space: 4,
        per_authority: 100,
        per_caller: 6,
    };
    let mut tx = storage.begin().await.expect("begins");
    let registrations = storage.registrations();
    let registered = registrations
        .register(&mut tx, new, &caps, seconds(0))
        .await;
    tx.commit().await.expect("commits");
    registered.expect("registers")
}

async fn active(storage: &Storage, name: &str) -> Vec<Option<String>> {
    let mut tx = storage.begin().await.expect("begins");
    let registrations = storage.registrations();
    let found = registrations
        .list_active(&mut tx, &space(name), seconds(0))
        .await;
    let found = found.expect("lists").into_iter();
    found.map(|one| one.credential).collect()
}

const KEPT: Revoked = Revoked::Kept {
    endpoints: Vec::new(),
};

async fn a_revocation_is_of_one_credential_of_one_space_and_stays_over_a_restart(place: Place) {
    let storage = place.open().await;
    assert!(!is_revoked(&storage, "main", "a").await);
    for _ in 0..2 {
        assert_eq!(revoke(&storage, "main", "a", 60).await, KEPT);
    }
    storage.close().await;
    let storage = place.open().await;
    assert!(is_revoked(&storage, "main", "a").await);
    assert!(!is_revoked(&storage, "main", "b").await);
    assert!(!is_revoked(&storage, "other", "a").await);
}

async fn a_revocation_is_forgotten_after_its_time_and_not_before(place: Place) {
    let storage = place.open().await;
    for id in ["a", "b", "c"] {
        assert_eq!(revoke(&storage, "main", id, 60).await, KEPT);
    }
    // The later end counts.
    assert_eq!(revoke(&storage, "main", "c", 90).await, KEPT);
    let revoked = storage.revoked_credentials();
    assert_eq!(revoked.sweep(seconds(60), 10).await.expect("runs"), 0);
    assert_eq!(revoked.sweep(seconds(61), 1).await.expect("runs"), 1);
    assert_eq!(revoked.sweep(seconds(61), 10).await.expect("runs"), 1);
    assert!(is_revoked(&storage, "main", "c").await);
}

/// As many revocations by as many authorities as there may be.
async fn fill(place: &Place) {
    assert_eq!(RevokedCredentials::MOST, 100_000);
    place
        .damage(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
             INSERT INTO revoked_credential (space, id, until)
             SELECT 'at://did:plc:stranger' || (i % 100) || '/space/com.example.forum/main',
                 'filler ' || i, 9000000000000 FROM n",
        )
        .await;
}

async fn a_full_list_refuses_and_forgets_none(place: Place) {
    let storage = place.open().await;
    assert_eq!(revoke(&storage, "main", "b", 60).await, KEPT);
    fill(&place).await;
    assert_eq!(revoke(&storage, "main", "a", 60).await, Revoked::Full);
    assert!(!is_revoked(&storage, "main", "a").await);
    assert_eq!(revoke(&storage, "main", "b", 60).await, KEPT);
    assert!(is_revoked(&storage, "main", "b").await);
}

async fn one_authority_fills_its_own_share_and_no_more(place: Place) {
    let storage = place.open().await;
    assert_eq!(RevokedCredentials::MOST_OF_AUTHORITY, 5_000);
    place
        .damage(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
             INSERT INTO revoked_credential (space, id, until)
             SELECT 'at://did:plc:abc123/space/com.example.forum/' || (i % 7),
                 'filler ' || i, 9000000000000 FROM n",
        )
        .await;
    assert_eq!(revoke(&storage, "main", "a", 60).await, Revoked::Full);
    for authority in ["did:plc:abc12", "did:plc:abc1234"] {
        let text = format!("at://{authority}/space/com.example.forum/main");
        let space = SpaceRef::new(text).expect("a good space");
        let revoked = storage.revoked_credentials();
        let mut tx = storage.begin().await.expect("begins");
        let kept = revoked.revoke(&mut tx, &space, "a", (seconds(60), seconds(0)));
        assert_eq!(kept.await.expect("runs"), KEPT, "{authority}");
        tx.commit().await.expect("commits");
    }
}

async fn a_credential_that_was_given_out_here_can_always_be_taken_back(place: Place) {
    let storage = place.open().await;
    fill(&place).await;
    let spaces = storage.spaces();
    let mut tx = storage.begin().await.expect("begins");
    for (holder, id) in [("bob", "b1"), ("carol", "c1"), ("carol", "c2")] {
        let issued = IssuedCredential {
            space: space("main"),
            id: id.to_owned(),
            holder: did(holder),
            until: seconds(60),
        };
        let kept = spaces.keep_credential(&mut tx, &issued, 9, seconds(0));
        assert!(kept.await.expect("runs"));
    }
    let carol = did("carol");
    let taken = spaces
        .revoke_credentials(&mut tx, &space("main"), Some(&carol), (1, seconds(1)))
        .await;
    let first = taken.expect("runs").credentials;
    assert_eq!(first[&carol], ["c1"], "one at a time");
    let taken = spaces
        .revoke_credentials(&mut tx, &space("main"), Some(&carol), (9, seconds(1)))
        .await;
    let rest = taken.expect("runs").credentials;
    assert_eq!(rest[&carol], ["c2"]);
    tx.commit().await.expect("commits");
    // The same when its authority says so from elsewhere.
    assert_eq!(revoke(&storage, "main", "b1", 60).await, KEPT);
    assert_eq!(revoke(&storage, "main", "made up", 60).await, Revoked::Full);
    for id in ["b1", "c1", "c2"] {
        assert!(is_revoked(&storage, "main", id).await, "{id}");
    }
}

async fn what_was_registered_with_a_revoked_credential_goes_with_it(place: Place) {
    let storage = place.open().await;
    let is_new = |registered| assert!(matches!(registered, Registered::New(_)), "{registered:?}");
    is_new(register(&storage, "main", 1, Some("a")).await);
    is_new(register(&storage, "main", 2, Some("a")).await);
    is_new(register(&storage, "main", 3, None).await);
    is_new(register(&storage, "other", 4, Some("a")).await);
    let again = register(&storage, "main", 1, Some("a")).await;
    assert!(matches!(again, Registered::Renewed(_)), "{again:?}");
    let revoked = revoke(&storage, "main", "a", 60).await;
    let Revoked::Kept { mut endpoints } = revoked else {
        panic!("there is room")
    };
    endpoints.sort();
    assert_eq!(endpoints, [endpoint(1).id, endpoint(2).id]);
    assert_eq!(active(&storage, "main").await, [None]);
    assert_eq!(active(&storage, "other").await, [Some("a".to_owned())]);
}

async fn nothing_is_registered_with_a_credential_that_was_taken_back_meanwhile(place: Place) {
    let storage = place.open().await;
    assert_eq!(revoke(&storage, "main", "a", 60).await, KEPT);
    let refused = register(&storage, "main", 1, Some("a")).await;
    assert_eq!(refused, Registered::Ended);
    let other = register(&storage, "other", 1, Some("a")).await;
    assert!(matches!(other, Registered::New(_)), "{other:?}");
}

async fn readers_leave_room_for_the_authority(place: Place) {
    let storage = place.open().await;
    let reader = Some("a");
    for (name, number, credential, fits) in [
        ("main", 1, reader, true),
        ("main", 2, reader, true),
        ("main", 3, reader, false),
        ("main", 3, None, true),
        ("main", 4, None, true),
        ("main", 5, None, false),
        ("other", 6, reader, true),
        // Three readers are half of what one authority may have in all its spaces.
        ("third", 7, reader, false),
        ("third", 7, None, true),
        ("third", 8, None, false),
    ] {
        let registered = register(&storage, name, number, credential).await;
        let is_new = matches!(registered, Registered::New(_));
        assert_eq!(
            is_new, fits,
            "{name} {number} {credential:?}: {registered:?}"
        );
    }
}
