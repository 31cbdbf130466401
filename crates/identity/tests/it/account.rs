//! Accounts under both of their names.

use loggia_identity::{
    AccountError, Accounts, CacheSettings, CachedNames, CachedResolver, HandleState, NameResolver,
    Resolver,
};
use loggia_syntax::{AtIdentifier, Did, Handle};

use crate::world::{Answer, World, at};

const ALICE: Did = Did::from_static("did:web:alice.example.org");
const HANDLE: Handle = Handle::from_static("Alice.example.com");
const TXT: &str = "_atproto.alice.example.com";

type Both = Accounts<CachedResolver<Resolver<World>>, CachedNames<NameResolver<World, World>>>;

fn accounts(world: &World) -> Both {
    let settings = CacheSettings::default;
    Accounts::new(
        CachedResolver::new(world.documents(), settings()),
        CachedNames::new(world.names(), settings()),
    )
}

fn agreed() -> World {
    let world = World::default();
    world.txt(TXT, &[&format!("did={ALICE}")]);
    world.document(
        &ALICE,
        &["https://alice.example.com", "at://alice.EXAMPLE.com"],
    );
    world
}

#[tokio::test]
async fn both_sides_agree() {
    let accounts = accounts(&agreed());
    for id in [ALICE.into(), AtIdentifier::from(HANDLE)] {
        let account = accounts.find(&id, at(0)).await.expect("an account");
        assert_eq!(*account.document.id(), ALICE);
        let handle = account.handle.confirmed().expect("a handle");
        assert_eq!(*handle, "alice.example.com");
    }
}

#[tokio::test]
async fn a_handle_that_the_document_does_not_claim_is_refused() {
    for names in [
        &[][..],
        &["at://bob.example.com"],
        &["at://bob.example.com", "at://alice.example.com"],
    ] {
        let world = agreed();
        world.document(&ALICE, names);
        let error = accounts(&world).by_handle(&HANDLE, at(0)).await;
        let error = error.expect_err("no account");
        assert!(matches!(&error, AccountError::Disowned { did, .. } if *did == ALICE));
        assert!(!error.is_transient());
        assert_eq!(
            error.to_string(),
            "the handle alice.example.com names did:web:alice.example.org, whose document does not \
             name it; the first `at://` entry of its `alsoKnownAs` must be `at://alice.example.com`"
        );
    }
}

#[tokio::test]
async fn a_document_from_before_a_new_handle_is_fetched_once_more() {
    let world = agreed();
    let accounts = accounts(&world);
    world.document(&ALICE, &["at://old.example.com"]);
    assert!(accounts.by_did(&ALICE, at(0)).await.is_ok());
    world.take_asked();
    world.document(&ALICE, &["at://alice.example.com"]);
    // Too soon after the last fetch.
    assert!(accounts.by_handle(&HANDLE, at(29)).await.is_err());
    assert_eq!(world.take_asked(), [TXT]);
    assert!(accounts.by_handle(&HANDLE, at(30)).await.is_ok());
    assert_eq!(world.take_asked().len(), 1);
    // However often a handle is claimed that the document does not have.
    world.txt("_atproto.evil.example.com", &[&format!("did={ALICE}")]);
    let evil = Handle::from_static("evil.example.com");
    for second in 31..60 {
        assert!(accounts.by_handle(&evil, at(second)).await.is_err());
    }
    assert_eq!(world.take_asked(), ["_atproto.evil.example.com"]);
}

#[tokio::test]
async fn an_account_is_there_whatever_its_handle_is() {
    let world = agreed();
    let state = async |world: &World| {
        let account = accounts(world).by_did(&ALICE, at(0)).await;
        account.expect("an account").handle
    };
    world.txt(TXT, &["did=did:web:mallory.example.org"]);
    let refuted = state(&world).await;
    assert!(refuted.confirmed().is_none());
    assert!(
        matches!(refuted, HandleState::Refuted { owner, .. } if owner == "did:web:mallory.example.org")
    );

    world.set(TXT, Answer::Broken);
    let unconfirmed = state(&world).await;
    assert!(matches!(unconfirmed, HandleState::Unconfirmed { error, .. } if error.is_transient()));

    for names in [&[][..], &["https://alice.example.com"], &["at://no handle"]] {
        world.document(&ALICE, names);
        assert!(
            matches!(state(&world).await, HandleState::Unclaimed),
            "{names:?}"
        );
    }
}

#[tokio::test]
async fn whom_nobody_knows_is_no_account() {
    let world = World::default();
    let accounts = accounts(&world);
    let error = accounts
        .by_handle(&HANDLE, at(0))
        .await
        .expect_err("nobody");
    assert!(matches!(error, AccountError::Name(_)));
    world.txt("_atproto.bob.example.com", &[&format!("did={ALICE}")]);
    let bob = Handle::from_static("bob.example.com");
    let error = accounts
        .by_handle(&bob, at(0))
        .await
        .expect_err("no document");
    assert!(matches!(error, AccountError::Document(_)));
    assert!(!error.is_transient());
}
