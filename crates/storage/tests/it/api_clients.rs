//! Clients of the API.

use loggia_storage::{ApiClient, ApiClientId, Storage};

use crate::fixture::{Place, START, on_both, seconds};

on_both!(
    a_client_is_found_by_the_hash_of_its_key,
    two_clients_never_share_a_key,
    a_key_is_revoked_once_and_for_all,
);

fn client(number: u8) -> ApiClient {
    ApiClient {
        id: ApiClientId::new(seconds(i64::from(number)), [number; 10]),
        name: format!("client {number}"),
        origins: vec![format!("https://{number}.example.com")],
        requests_per_minute: Some(600),
        created_at: START,
        revoked_at: None,
    }
}

async fn insert(storage: &Storage, client: &ApiClient, hash: [u8; 32]) {
    let mut tx = storage.begin().await.expect("begins");
    let clients = storage.api_clients();
    let inserted = clients.insert(&mut tx, client, &hash).await;
    inserted.expect("inserts");
    tx.commit().await.expect("commits");
}

async fn revoke(storage: &Storage, id: ApiClientId) -> bool {
    let mut tx = storage.begin().await.expect("begins");
    let clients = storage.api_clients();
    let revoked = clients.revoke(&mut tx, id, seconds(100)).await;
    let revoked = revoked.expect("revokes or does not");
    tx.commit().await.expect("commits");
    revoked
}

async fn a_client_is_found_by_the_hash_of_its_key(place: Place) {
    let storage = place.open().await;
    let (first, mut second) = (client(1), client(2));
    second.origins = Vec::new();
    second.requests_per_minute = None;
    insert(&storage, &second, [2; 32]).await;
    insert(&storage, &first, [1; 32]).await;
    let clients = storage.api_clients();
    assert_eq!(
        clients.find(&[1; 32]).await.expect("finds"),
        Some(first.clone())
    );
    assert_eq!(clients.find(&[3; 32]).await.expect("finds"), None);
    assert_eq!(clients.list().await.expect("lists"), [first, second]);
}

async fn two_clients_never_share_a_key(place: Place) {
    let storage = place.open().await;
    insert(&storage, &client(1), [1; 32]).await;
    let mut tx = storage.begin().await.expect("begins");
    let clients = storage.api_clients();
    let second = clients.insert(&mut tx, &client(2), &[1; 32]).await;
    second.expect_err("the key is another client's");
}

async fn a_key_is_revoked_once_and_for_all(place: Place) {
    let storage = place.open().await;
    insert(&storage, &client(1), [1; 32]).await;
    assert!(revoke(&storage, client(1).id).await);
    assert!(!revoke(&storage, client(1).id).await, "it was already");
    assert!(!revoke(&storage, client(2).id).await, "there is none");
    let found = storage.api_clients().find(&[1; 32]).await.expect("finds");
    assert_eq!(
        found.and_then(|client| client.revoked_at),
        Some(seconds(100))
    );
}
