//! Secrets that webhooks name.

use loggia_delivery::Secret;
use loggia_storage::{
    MasterKey, NewWispSecret, Resealed, Storage, StorageError, WispSecret, WispSecretId,
    WispSecretInserted,
};
use loggia_syntax::Did;

use crate::fixture::{Place, did, on_both, seconds};

on_both!(
    a_secret_is_found_by_its_owner_and_name_and_listed_without_its_token,
    names_are_unique_and_their_number_is_bounded,
    rotating_and_deleting_are_of_that_secret_only,
    of_many_at_once_one_makes_it,
    another_master_key_opens_them,
    one_that_does_not_open_is_an_error_and_no_missing_one,
);

const MOST: u32 = 3;

fn token(number: u8) -> Secret {
    Secret::plain(&format!("wsk_{number}")).expect("short enough")
}

fn new(owner: &str, name: &str, number: u8) -> NewWispSecret {
    NewWispSecret {
        id: WispSecretId::new(seconds(i64::from(number)), [number; 10]),
        owner: did(owner),
        name: name.to_owned(),
        token: token(number),
    }
}

async fn insert(storage: &Storage, new: &NewWispSecret) -> WispSecretInserted {
    let mut tx = storage.begin().await.expect("begins");
    let secrets = storage.wisp_secrets();
    let inserted = secrets.insert(&mut tx, new, MOST, seconds(1)).await;
    tx.commit().await.expect("commits");
    inserted.expect("runs")
}

async fn find(storage: &Storage, owner: &Did, name: &str) -> Result<Option<Secret>, StorageError> {
    let mut tx = storage.begin().await.expect("begins");
    storage
        .wisp_secrets()
        .find_within(&mut tx, owner, name)
        .await
}

async fn a_secret_is_found_by_its_owner_and_name_and_listed_without_its_token(place: Place) {
    let storage = place.open().await;
    for new in [
        new("alice", "b", 1),
        new("alice", "a", 2),
        new("bob", "a", 3),
    ] {
        assert_eq!(insert(&storage, &new).await, WispSecretInserted::Done);
    }
    let alice = did("alice");
    assert_eq!(
        find(&storage, &alice, "a").await.expect("reads"),
        Some(token(2))
    );
    assert_eq!(
        find(&storage, &did("bob"), "a").await.expect("reads"),
        Some(token(3))
    );
    assert_eq!(find(&storage, &did("bob"), "b").await.expect("reads"), None);
    assert_eq!(find(&storage, &alice, "A").await.expect("reads"), None);
    let meta = |name: &str| WispSecret {
        name: name.to_owned(),
        created_at: seconds(1),
        rotated_at: None,
    };
    let listed = storage.wisp_secrets().list(&alice).await.expect("lists");
    assert_eq!(listed, [meta("a"), meta("b")]);
}

async fn names_are_unique_and_their_number_is_bounded(place: Place) {
    let storage = place.open().await;
    for (number, name) in (1..).zip(["a", "b", "c"]) {
        let inserted = insert(&storage, &new("alice", name, number)).await;
        assert_eq!(inserted, WispSecretInserted::Done);
    }
    let again = insert(&storage, &new("alice", "a", 4)).await;
    assert_eq!(again, WispSecretInserted::Duplicate);
    let more = insert(&storage, &new("alice", "d", 5)).await;
    assert_eq!(more, WispSecretInserted::TooMany);
    let other = insert(&storage, &new("bob", "a", 6)).await;
    assert_eq!(other, WispSecretInserted::Done);
    assert_eq!(
        find(&storage, &did("alice"), "a").await.expect("reads"),
        Some(token(1))
    );
}

async fn rotating_and_deleting_are_of_that_secret_only(place: Place) {
    let storage = place.open().await;
    for new in [
        new("alice", "a", 1),
        new("alice", "b", 2),
        new("bob", "a", 3),
    ] {
        insert(&storage, &new).await;
    }
    let (secrets, alice) = (storage.wisp_secrets(), did("alice"));
    let mut tx = storage.begin().await.expect("begins");
    let rotated = secrets
        .rotate(&mut tx, &alice, "a", &token(9), seconds(5))
        .await;
    assert!(rotated.expect("runs"));
    let missing = secrets
        .rotate(&mut tx, &alice, "z", &token(9), seconds(5))
        .await;
    assert!(!missing.expect("runs"));
    assert!(secrets.delete(&mut tx, &alice, "b").await.expect("runs"));
    assert!(!secrets.delete(&mut tx, &alice, "b").await.expect("runs"));
    tx.commit().await.expect("commits");
    assert_eq!(
        find(&storage, &alice, "a").await.expect("reads"),
        Some(token(9))
    );
    assert_eq!(find(&storage, &alice, "b").await.expect("reads"), None);
    assert_eq!(
        find(&storage, &did("bob"), "a").await.expect("reads"),
        Some(token(3))
    );
    let listed = secrets.list(&alice).await.expect("lists");
    let names: Vec<_> = listed
        .iter()
        .map(|secret| (&*secret.name, secret.rotated_at))
        .collect();
    assert_eq!(names, [("a", Some(seconds(5)))]);
}

async fn of_many_at_once_one_makes_it(place: Place) {
    let storage = place.open().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..10 {
        let storage = storage.clone();
        tasks.spawn(async move { insert(&storage, &new("alice", "a", number)).await });
    }
    let all = tasks.join_all().await;
    let done = all
        .iter()
        .filter(|&&inserted| inserted == WispSecretInserted::Done);
    assert_eq!(done.count(), 1);
    let others = all
        .iter()
        .filter(|&&inserted| inserted == WispSecretInserted::Duplicate);
    assert_eq!(others.count(), 9);
}

async fn another_master_key_opens_them(place: Place) {
    let storage = place.open().await;
    insert(&storage, &new("alice", "a", 1)).await;
    let other = MasterKey::new([8; 32]);
    let done = storage.reseal(&other).await.expect("reseals");
    // The check of the key is one more.
    let resealed = Resealed {
        values: 2,
        unreadable: 0,
    };
    assert_eq!(done, resealed);
    let storage = place.try_open(&other).await.expect("the new key opens");
    assert_eq!(
        find(&storage, &did("alice"), "a").await.expect("reads"),
        Some(token(1))
    );
}

async fn one_that_does_not_open_is_an_error_and_no_missing_one(place: Place) {
    let storage = place.open().await;
    insert(&storage, &new("alice", "a", 1)).await;
    insert(&storage, &new("alice", "b", 2)).await;
    place
        .damage(
            "UPDATE wisp_secret SET token =
                 (SELECT other.token FROM wisp_secret other WHERE other.name = 'b')
             WHERE name = 'a'",
        )
        .await;
    assert!(find(&storage, &did("alice"), "a").await.is_err());
    assert_eq!(
        find(&storage, &did("alice"), "b").await.expect("reads"),
        Some(token(2))
    );
}
