//! Accounts whose keys are here.

use loggia_storage::{Account, KeySecret, MasterKey, Storage};

use crate::fixture::{Folder, Place, START, did, on_both};

on_both!(
    an_account_is_taken_in_once,
    secrets_of_accounts_change_with_the_master_key,
);

fn account(name: &str, number: u8) -> Account {
    Account {
        did: did(name),
        public: format!("z{number}"),
        secret: KeySecret::new([number; 32]),
        created_at: START,
    }
}

async fn insert(storage: &Storage, account: &Account) -> bool {
    let mut tx = storage.begin().await.expect("begins");
    let inserted = storage.accounts().insert(&mut tx, account).await;
    tx.commit().await.expect("commits");
    inserted.expect("inserts or does not")
}

async fn an_account_is_taken_in_once(place: Place) {
    let storage = place.open().await;
    let accounts = storage.accounts();
    assert_eq!(accounts.find(&did("alice")).await.expect("runs"), None);
    let (alice, bob) = (account("alice", 1), account("bob", 2));
    assert!(insert(&storage, &bob).await);
    assert!(insert(&storage, &alice).await);
    assert!(!insert(&storage, &account("alice", 3)).await);
    let found = accounts.find(&did("alice")).await.expect("runs");
    assert_eq!(found.as_ref(), Some(&alice));
    let listed = accounts.list(None, 9).await.expect("lists");
    assert_eq!(listed, [alice.clone(), bob.clone()]);
    let rest = accounts.list(Some(&alice.did), 9).await.expect("lists");
    assert_eq!(rest, [bob]);
    assert_eq!(accounts.list(None, 1).await.expect("lists"), [alice]);
}

async fn secrets_of_accounts_change_with_the_master_key(place: Place) {
    let storage = place.open().await;
    let alice = account("alice", 1);
    insert(&storage, &alice).await;
    let other = MasterKey::new([8; 32]);
    let done = storage.reseal(&other).await.expect("reseals");
    assert_eq!((done.values, done.unreadable), (2, 0));
    let storage = place.try_open(&other).await.expect("opens");
    let found = storage.accounts().find(&alice.did).await.expect("runs");
    assert_eq!(found, Some(alice));
}

#[tokio::test]
async fn secrets_of_accounts_are_not_in_the_file() {
    let folder = Folder::new();
    let storage = folder.open().await;
    insert(&storage, &account("alice", 0xAB)).await;
    let stored = folder.database();
    assert!(!stored.windows(16).any(|window| window == [0xAB; 16]));
}
