//! Another master key.

use loggia_delivery::{Secret, Secrets};
use loggia_storage::{KeyRole, MasterKey, Resealed, StorageError};

use crate::fixture::{Folder, endpoint, seconds};
use crate::server_keys::{insert, list, new};

fn other() -> MasterKey {
    MasterKey::new([8; 32])
}

#[tokio::test]
async fn everything_is_readable_under_the_new_key_and_nothing_under_the_old_one() {
    let folder = Folder::new();
    let storage = folder.open().await;
    for role in KeyRole::ALL {
        insert(&storage, &new(role, 1)).await;
    }
    // More than one page of them, with and without secrets.
    let mut endpoints = Vec::new();
    let mut tx = storage.begin().await.expect("begins");
    for index in 0..=600_u16 {
        let [high, low] = index.to_be_bytes();
        let mut endpoint = endpoint(low);
        let random = [high, low, 0, 0, 0, 0, 0, 0, 0, 0];
        endpoint.id = loggia_delivery::EndpointId::new(seconds(0), random);
        endpoint.secrets = match index % 3 {
            0 => Secrets::default(),
            1 => Secrets::one(Secret::generate([low; 32])),
            _ => Secrets {
                current: Some(Secret::generate([low; 32])),
                previous: Some((Secret::generate([high; 32]), seconds(60))),
            },
        };
        let inserted = storage.endpoints().insert(&mut tx, &endpoint).await;
        inserted.expect("inserts");
        endpoints.push(endpoint);
    }
    tx.commit().await.expect("commits");
    let keys = list(&storage).await;

    let done = storage.reseal(&other()).await.expect("reseals");
    // The check of the key, three keys, two secrets in every three endpoints, and a third more.
    let resealed = Resealed {
        values: 1 + 3 + 200 + 2 * 200,
        unreadable: 0,
    };
    assert_eq!(done, resealed);

    let error = folder.try_open(&crate::fixture::key()).await;
    assert!(matches!(error, Err(StorageError::WrongKey)));
    let storage = folder.try_open(&other()).await.expect("the new key opens");
    assert_eq!(list(&storage).await, keys);
    for endpoint in endpoints {
        let found = storage.endpoints().find(endpoint.id).await;
        assert_eq!(found.expect("readable"), Some(endpoint));
    }
}

#[tokio::test]
async fn what_did_not_open_before_is_left_and_counted() {
    let folder = Folder::new();
    let storage = folder.open().await;
    insert(&storage, &new(KeyRole::Atproto, 1)).await;
    insert(&storage, &new(KeyRole::Tokens, 2)).await;
    folder
        .execute("UPDATE server_key SET secret = X'01' WHERE role = 'tokens'")
        .await;
    let done = storage.reseal(&other()).await.expect("reseals");
    let resealed = Resealed {
        values: 2,
        unreadable: 1,
    };
    assert_eq!(done, resealed);
}

#[tokio::test]
async fn a_failure_changes_nothing() {
    let folder = Folder::new();
    let storage = folder.open().await;
    insert(&storage, &new(KeyRole::Atproto, 1)).await;
    folder
        .execute(
            "CREATE TRIGGER full BEFORE UPDATE ON server_key BEGIN SELECT RAISE(ABORT, 'no'); END",
        )
        .await;
    let error = storage.reseal(&other()).await.expect_err("cannot write");
    assert!(matches!(error, StorageError::Sql { .. }), "{error:?}");
    let storage = folder.open().await;
    assert_eq!(list(&storage).await.len(), 1, "readable under the old key");
}
