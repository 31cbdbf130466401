//! The server's own keys.

use loggia_storage::{
    KeyRole, KeySecret, KeyState, NewServerKey, ServerKey, Storage, StorageError,
};

use crate::fixture::{Folder, Place, START, on_both, seconds};

on_both!(
    a_role_has_one_current_key,
    of_two_nodes_that_start_at_once_one_makes_the_keys,
    a_key_that_retires_loses_its_secret,
    a_key_that_does_not_open_is_an_error_that_names_it,
    joining_leaves_the_tables_as_they_are,
);

/// A key whose secret is this byte, 32 times.
pub fn new(role: KeyRole, number: u8) -> NewServerKey {
    NewServerKey {
        role,
        public: format!("z{role}{number}"),
        secret: KeySecret::new([number; 32]),
    }
}

pub async fn insert(storage: &Storage, key: &NewServerKey) -> bool {
    let mut tx = storage.begin().await.expect("begins");
    let keys = storage.server_keys();
    let inserted = keys.insert_missing(&mut tx, key, START).await;
    let inserted = inserted.expect("inserts or does not");
    tx.commit().await.expect("commits");
    inserted
}

async fn rotate(storage: &Storage, key: &NewServerKey, at: i64) {
    let mut tx = storage.begin().await.expect("begins");
    let keys = storage.server_keys();
    let rotated = keys.rotate(&mut tx, key, seconds(at)).await;
    rotated.expect("rotates");
    tx.commit().await.expect("commits");
}

pub async fn list(storage: &Storage) -> Vec<ServerKey> {
    storage.server_keys().list().await.expect("lists")
}

async fn a_role_has_one_current_key(place: Place) {
    let storage = place.open().await;
    assert!(insert(&storage, &new(KeyRole::Tokens, 1)).await);
    assert!(!insert(&storage, &new(KeyRole::Tokens, 2)).await);
    assert!(insert(&storage, &new(KeyRole::Atproto, 3)).await);
    let keys = list(&storage).await;
    let found: Vec<_> = keys.iter().map(|key| (key.role, &*key.public)).collect();
    assert_eq!(
        found,
        [
            (KeyRole::Atproto, "zatproto3"),
            (KeyRole::Tokens, "ztokens1")
        ]
    );
    assert_eq!(keys[1].state, KeyState::Current(KeySecret::new([1; 32])));
}

async fn of_two_nodes_that_start_at_once_one_makes_the_keys(place: Place) {
    drop(place.open().await);
    let mut starts = tokio::task::JoinSet::new();
    for node in [1, 2, 3, 4] {
        let storage = place.open().await;
        starts.spawn(async move {
            let mut tx = storage.begin().await.expect("begins");
            for role in KeyRole::ALL {
                let made = storage
                    .server_keys()
                    .insert_missing(&mut tx, &new(role, node), START)
                    .await;
                made.expect("inserts or does not");
            }
            tx.commit().await.expect("commits");
            list(&storage).await
        });
    }
    let seen = starts.join_all().await;
    assert_eq!(seen[0].len(), 3);
    assert!(seen.iter().all(|keys| *keys == seen[0]), "{seen:#?}");
    // All three are of the same node: they were made in one transaction.
    let secrets: Vec<_> = seen[0].iter().map(|key| &key.state).collect();
    assert!(secrets.iter().all(|state| *state == secrets[0]));
}

async fn a_key_that_retires_loses_its_secret(place: Place) {
    let storage = place.open().await;
    insert(&storage, &new(KeyRole::Tokens, 1)).await;
    rotate(&storage, &new(KeyRole::Tokens, 2), 60).await;
    rotate(&storage, &new(KeyRole::Tokens, 3), 90).await;
    let states: Vec<_> = list(&storage)
        .await
        .into_iter()
        .map(|key| (key.public, key.state))
        .collect();
    assert_eq!(
        states,
        [
            ("ztokens1".to_owned(), KeyState::Retired(seconds(60))),
            ("ztokens2".to_owned(), KeyState::Retired(seconds(90))),
            (
                "ztokens3".to_owned(),
                KeyState::Current(KeySecret::new([3; 32]))
            ),
        ]
    );
    let keys = storage.server_keys();
    assert_eq!(keys.sweep(seconds(60), 10).await.expect("runs"), 0);
    assert_eq!(keys.sweep(seconds(61), 10).await.expect("runs"), 1);
    assert_eq!(keys.sweep(seconds(1000), 10).await.expect("runs"), 1);
    assert_eq!(list(&storage).await.len(), 1, "a current key stays");
}

#[tokio::test]
async fn secrets_of_keys_are_not_in_the_file() {
    let folder = Folder::new();
    let storage = folder.open().await;
    insert(&storage, &new(KeyRole::Atproto, 0xAB)).await;
    let stored = folder.database();
    assert!(!stored.windows(16).any(|window| window == [0xAB; 16]));
    let shown = format!("{:?}", list(&storage).await[0].state);
    assert_eq!(shown, "Current(KeySecret)");
}

async fn a_key_that_does_not_open_is_an_error_that_names_it(place: Place) {
    let storage = place.open().await;
    insert(&storage, &new(KeyRole::Atproto, 1)).await;
    place
        .damage("UPDATE server_key SET secret = unhex('01')")
        .await;
    let error = storage.server_keys().list().await.expect_err("damaged");
    assert!(matches!(error, StorageError::BadRow(_)), "{error:?}");
    assert_eq!(
        error.to_string(),
        "row zatproto1 of table server_key has an unusable secret"
    );
}

async fn joining_leaves_the_tables_as_they_are(place: Place) {
    place.join().await.expect_err("there are no tables");
    let storage = place.open().await;
    let joined = place.join().await.expect("the tables are up to date");
    assert!(insert(&joined, &new(KeyRole::Tokens, 1)).await);
    assert_eq!(list(&storage).await, list(&joined).await);

    place
        .damage("DELETE FROM _sqlx_migrations WHERE version <> 1")
        .await;
    let error = place.join().await.expect_err("as if made by an older one");
    assert!(matches!(error, StorageError::OtherVersion), "{error:?}");
    place
        .damage(
            "INSERT INTO _sqlx_migrations
             SELECT 9999, 'later', installed_on, success, checksum, 0 FROM _sqlx_migrations",
        )
        .await;
    let error = place.join().await.expect_err("as if made by a newer one");
    assert!(matches!(error, StorageError::OtherVersion), "{error:?}");
}
