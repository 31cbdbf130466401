//! URLs that several have registered, and those of drafts of the protocol.

use loggia_delivery::{DisableReason, EndpointState, Recipient, Target};
use loggia_storage::{NewRegistration, Registered, Registration, RegistrationShape, Storage};

use crate::fixture::{Place, did, endpoint, notification, on_both, seconds};
use crate::registration_rights::{WIDE, by, service};
use crate::registrations::{active, new, register_within, space};

on_both!(
    a_url_of_a_draft_is_its_makers_alone,
    a_service_is_told_where_another_endpoint_of_it_can_be_read,
    what_waits_for_a_url_goes_to_whoever_else_may_be_told,
    a_url_that_nobody_may_be_told_at_is_none,
    what_is_told_while_a_registration_ends_is_lost_to_nobody,
);

async fn made(storage: &Storage, new: NewRegistration) -> Registration {
    match register_within(storage, new, &WIDE, 0).await {
        Registered::New(made) => made,
        other => panic!("it is new: {other:?}"),
    }
}

/// What a draft registers: the service is whoever does.
fn draft(number: u8, reader: &str, url: &str) -> NewRegistration {
    let mut new = by(service(number, url), Some(reader), None);
    new.service = did(reader).to_string();
    new.shape = RegistrationShape::Draft;
    new
}

async fn a_url_of_a_draft_is_its_makers_alone(place: Place) {
    let storage = place.open().await;
    let first = made(&storage, draft(1, "bob", "https://bob.example.com")).await;
    assert_eq!(first.url, "https://bob.example.com");
    // Somebody who registers Bob's DID as a service moves nothing of his.
    let mut stranger = by(service(2, "https://pds.example.com"), Some("mallory"), None);
    stranger.service = did("bob").to_string();
    let other = made(&storage, stranger).await;
    assert_ne!(other.endpoint, first.endpoint);
    let found = storage.endpoints().find(first.endpoint).await;
    let found = found.expect("finds").expect("is there");
    assert_eq!(
        found.target,
        Target::new("https://bob.example.com").expect("a URL")
    );
    // Another URL is another registration, and the same one is renewed.
    let second = made(&storage, draft(3, "bob", "https://bob.example.com/other")).await;
    assert_ne!((second.id, second.endpoint), (first.id, first.endpoint));
    let again = draft(4, "bob", "https://bob.example.com");
    let renewed = register_within(&storage, again, &WIDE, 1).await;
    let Registered::Renewed(renewed) = renewed else {
        panic!("{renewed:?}")
    };
    assert_eq!((renewed.id, renewed.endpoint), (first.id, first.endpoint));
    assert_eq!(active(&storage, "main", 2).await.len(), 3);
    // When Bob may read no longer, his URLs are told nothing, whoever else named his DID.
    let mut tx = storage.begin().await.expect("begins");
    let (main, bob) = (space("main"), did("bob"));
    let registrations = storage.registrations();
    let ended = registrations.end_of_reader(&mut tx, &main, Some(&bob), seconds(3));
    let mut ended = ended.await.expect("ends");
    tx.commit().await.expect("commits");
    ended.sort();
    assert_eq!(ended, [first.endpoint, second.endpoint]);
    assert_eq!(active(&storage, "main", 4).await, [other]);
}

async fn a_service_is_told_where_another_endpoint_of_it_can_be_read(place: Place) {
    let storage = place.open().await;
    let bob = made(
        &storage,
        by(service(1, "https://a.example.com"), Some("bob"), None),
    )
    .await;
    place
        .damage("UPDATE endpoint SET profile = 'nothing that is known'")
        .await;
    let carols = by(service(2, "https://a.example.com"), Some("carol"), None);
    let carols = made(&storage, carols).await;
    assert_ne!(carols.endpoint, bob.endpoint, "that one cannot be read");
    let again = by(service(3, "https://a.example.com"), Some("bob"), None);
    let renewed = register_within(&storage, again, &WIDE, 1).await;
    let Registered::New(renewed) = renewed else {
        panic!("it has another endpoint: {renewed:?}")
    };
    assert_eq!((renewed.id, renewed.endpoint), (bob.id, carols.endpoint));
}

/// A webhook of a reader at one URL.
fn hook(number: u8, reader: &str) -> NewRegistration {
    let mut hook = by(new(number, "main", 100), Some(reader), None);
    hook.endpoint.target = endpoint(1).target;
    hook
}

async fn what_waits_for_a_url_goes_to_whoever_else_may_be_told(place: Place) {
    let storage = place.open().await;
    let mut of_carol = hook(1, "carol");
    of_carol.author = Some(did("alice"));
    made(&storage, of_carol).await;
    let bob = made(&storage, hook(2, "bob")).await;
    let dave = made(&storage, hook(3, "dave")).await;
    let mut tx = storage.begin().await.expect("begins");
    for number in [1, 2] {
        let recipients = [Recipient::new(bob.endpoint, seconds(60))];
        let (new, deliveries) = (notification(number, None), storage.deliveries());
        let enqueued = deliveries.enqueue(&mut tx, new, &recipients, None, seconds(0));
        enqueued.await.map(drop).expect("enqueues");
    }
    tx.commit().await.expect("commits");
    let end = async |reader: &str, at: i64| {
        let mut tx = storage.begin().await.expect("begins");
        let (main, reader) = (space("main"), did(reader));
        let registrations = storage.registrations();
        let ended = registrations.end_of_reader(&mut tx, &main, Some(&reader), seconds(at));
        let ended = ended.await.expect("ends");
        tx.commit().await.expect("commits");
        ended
    };
    assert_eq!(end("bob", 1).await, [bob.endpoint]);
    let pending = "SELECT CAST(count(*) AS TEXT) FROM delivery WHERE state = 'pending'";
    assert_eq!(place.ask(pending).await, "2");
    // Carol asked to be told of one author only: Dave's it is, and nobody's after him.
    assert_eq!(end("dave", 2).await, [dave.endpoint]);
    assert_eq!(place.ask(pending).await, "0");
    let cancelled = "SELECT CAST(count(*) AS TEXT) FROM delivery WHERE state = 'cancelled'";
    assert_eq!(place.ask(cancelled).await, "4");
}

async fn a_url_that_nobody_may_be_told_at_is_none(place: Place) {
    let storage = place.open().await;
    let bob = made(&storage, hook(1, "bob")).await;
    let dave = made(&storage, hook(2, "dave")).await;
    let mut tx = storage.begin().await.expect("begins");
    let endpoints = storage.endpoints();
    let disabled = endpoints.disable(&mut tx, bob.endpoint, DisableReason::Gone, seconds(1));
    disabled.await.expect("disables");
    tx.commit().await.expect("commits");
    let found = endpoints.find(bob.endpoint).await;
    let state = found.expect("finds").expect("is there").state;
    assert_ne!(state, EndpointState::Active);
    assert_eq!(active(&storage, "main", 2).await, [dave]);
}

/// So often that who tells and who ends meet.
const ROUNDS: u8 = 10;

/// Tells the first who has registered the URL, as of records, and takes its time.
async fn tell(place: &Place, storage: &Storage, number: u8) {
    let at = seconds(i64::from(number));
    let mut tx = storage.begin().await.expect("begins");
    let registrations = storage.registrations();
    let listed = registrations.list_active(&mut tx, &space("main"), at).await;
    let listed = listed.expect("lists");
    // On a connection of its own, which takes longer than ending a registration does.
    assert_eq!(place.ask("SELECT CAST(1 AS TEXT)").await, "1");
    let recipients = [Recipient::new(listed[0].endpoint, seconds(3600))];
    let (new, deliveries) = (notification(number, None), storage.deliveries());
    let enqueued = deliveries.enqueue(&mut tx, new, &recipients, None, at);
    enqueued.await.map(drop).expect("enqueues");
    tx.commit().await.expect("commits");
}

async fn what_is_told_while_a_registration_ends_is_lost_to_nobody(place: Place) {
    let storage = place.open().await;
    made(&storage, hook(200, "dave")).await;
    for number in 1..=ROUNDS {
        // Bob stands before Dave: his number, and so his registration's id, is lower.
        let bob = made(&storage, hook(number, "bob")).await;
        let end = async {
            let mut tx = storage.begin().await.expect("begins");
            let (main, bob) = (space("main"), did("bob"));
            let (registrations, at) = (storage.registrations(), seconds(i64::from(number)));
            let ended = registrations.end_of_reader(&mut tx, &main, Some(&bob), at);
            let ended = ended.await.expect("ends");
            tx.commit().await.expect("commits");
            ended
        };
        let (ended, ()) = tokio::join!(end, tell(&place, &storage, number));
        assert_eq!(ended, [bob.endpoint]);
    }
    let pending = "SELECT CAST(count(*) AS TEXT) FROM delivery WHERE state = 'pending'";
    assert_eq!(place.ask(pending).await, ROUNDS.to_string());
}
