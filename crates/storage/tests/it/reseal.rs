//! Another master key.

use loggia_delivery::{NodeId, Queue as _, Secret, Secrets};
use loggia_storage::{KeyRole, MasterKey, Resealed, StorageError};

use crate::fixture::{Place, endpoint, on_both, seconds};
use crate::server_keys::{insert, list, new};

on_both!(
    everything_is_readable_under_the_new_key_and_nothing_under_the_old_one,
    what_did_not_open_before_is_left_and_counted,
    what_is_written_to_see_whether_it_can_be_is_no_secret,
    a_failure_changes_nothing,
);

fn other() -> MasterKey {
    MasterKey::new([8; 32])
}

async fn everything_is_readable_under_the_new_key_and_nothing_under_the_old_one(place: Place) {
    let storage = place.open().await;
    for role in KeyRole::ALL {
        insert(&storage, &new(role, 1)).await;
    }
    // More than one page of them, with and without secrets.
    let mut endpoints = Vec::new();
    let mut tx = storage.begin().await.expect("begins");
    for index in 0..=600_u16 {
        let [high, low] = index.to_be_bytes();
        let mut endpoint = endpoint(low);
        let random = [0, 0, high, low, 0, 0, 0, 0, 0, 0];
        endpoint.id = loggia_delivery::EndpointId::new(seconds(0), random);
        endpoint.secrets = match index % 3 {
            0 => Secrets::default(),
            1 => Secrets::one(Secret::generate([low; 32])),
            _ => Secrets {
                current: Some(Secret::generate([low; 32])),
                previous: Some((Secret::generate([high; 32]), seconds(60))),
                others: Vec::new(),
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

    let error = place.try_open(&crate::fixture::key()).await;
    assert!(matches!(error, Err(StorageError::WrongKey)));
    let storage = place.try_open(&other()).await.expect("the new key opens");
    assert_eq!(list(&storage).await, keys);
    for endpoint in endpoints {
        let found = storage.endpoints().find(endpoint.id).await;
        assert_eq!(found.expect("readable"), Some(endpoint));
    }
}

async fn what_did_not_open_before_is_left_and_counted(place: Place) {
    let storage = place.open().await;
    insert(&storage, &new(KeyRole::Atproto, 1)).await;
    insert(&storage, &new(KeyRole::Tokens, 2)).await;
    place
        .damage("UPDATE server_key SET secret = unhex('01') WHERE role = 'tokens'")
        .await;
    let done = storage.reseal(&other()).await.expect("reseals");
    let resealed = Resealed {
        values: 2,
        unreadable: 1,
    };
    assert_eq!(done, resealed);
}

async fn what_is_written_to_see_whether_it_can_be_is_no_secret(place: Place) {
    let storage = place.open().await;
    insert(&storage, &new(KeyRole::Atproto, 1)).await;
    storage.check_writable(seconds(0)).await.expect("writes");
    let done = storage.reseal(&other()).await.expect("reseals");
    assert_eq!((done.values, done.unreadable), (2, 0));
    let storage = place.try_open(&other()).await.expect("the new key opens");
    storage.check_writable(seconds(1)).await.expect("writes");
}

async fn a_failure_changes_nothing(place: Place) {
    let storage = place.open().await;
    insert(&storage, &new(KeyRole::Atproto, 1)).await;
    place
        .execute(
            "CREATE TRIGGER full_disk BEFORE UPDATE ON server_key
                 BEGIN SELECT RAISE(ABORT, 'no'); END",
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
                 AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
             CREATE TRIGGER full_disk BEFORE UPDATE ON server_key
                 FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        .await;
    let error = storage.reseal(&other()).await.expect_err("cannot write");
    assert!(matches!(error, StorageError::Sql { .. }), "{error:?}");
    let storage = place.open().await;
    assert_eq!(list(&storage).await.len(), 1, "readable under the old key");
}

/// Other nodes would go on sealing under the old key.
#[tokio::test]
async fn nodes_that_live_are_in_the_way() {
    let place = Place::postgres().await;
    let storage = place.open().await;
    let (node, minute) = (NodeId::new("other"), jiff::SignedDuration::from_mins(1));
    let deliveries = storage.deliveries();
    let beat = deliveries.heartbeat(&node, minute, seconds(0)).await;
    beat.expect("beats");
    let error = storage.reseal(&other()).await.expect_err("one lives");
    assert!(matches!(error, StorageError::InUse(1)), "{error:?}");
}
