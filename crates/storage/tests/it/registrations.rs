//! Registrations: renewal, expiry, caps.

use loggia_delivery::{DisableReason, EndpointState};
use loggia_storage::{
    Caps, NewRegistration, Registered, Registration, RegistrationId, RegistrationShape, Storage,
};
use loggia_syntax::SpaceRef;

use crate::fixture::{Place, did, endpoint, on_both, seconds};

on_both!(
    registering_again_renews_and_keeps_the_id,
    renewing_tells_a_disabled_endpoint_again,
    expiry_is_exact_and_sweeping_is_bounded,
    caps_count_what_has_not_expired,
    a_deleted_space_takes_its_registrations_with_it,
    renewing_gives_a_new_secret_where_the_old_one_cannot_be_read,
    a_registration_that_cannot_be_read_keeps_no_other_from_being_told,
    an_authority_has_a_limit_over_all_its_spaces,
    each_author_and_everybody_are_registered_apart,
);

const CAPS: Caps = Caps {
    per_space: 3,
    per_authority: 6,
    per_caller: 5,
};

pub fn space(name: &str) -> SpaceRef {
    let text = format!("at://did:plc:abc123/space/com.example.forum/{name}");
    SpaceRef::new(text).expect("a good space")
}

pub fn new(number: u8, name: &str, expires: i64) -> NewRegistration {
    NewRegistration {
        id: RegistrationId::new(seconds(0), [number; 10]),
        space: space(name),
        service: did("feed").to_string(),
        shape: RegistrationShape::Webhook,
        author: None,
        older_spelling: false,
        endpoint: endpoint(number),
        created_by: did("caller"),
        reader: None,
        credential: None,
        expires_at: seconds(expires),
    }
}

pub async fn register(storage: &Storage, new: NewRegistration, now: i64) -> Registered {
    register_within(storage, new, &CAPS, now).await
}

pub async fn register_within(
    storage: &Storage,
    new: NewRegistration,
    caps: &Caps,
    now: i64,
) -> Registered {
    let mut tx = storage.begin().await.expect("begins");
    let registered = storage
        .registrations()
        .register(&mut tx, new, caps, seconds(now))
        .await;
    tx.commit().await.expect("commits");
    registered.expect("registers")
}

pub async fn active(storage: &Storage, name: &str, now: i64) -> Vec<Registration> {
    let mut tx = storage.begin().await.expect("begins");
    let found = storage
        .registrations()
        .list_active(&mut tx, &space(name), seconds(now))
        .await;
    found.expect("lists")
}

async fn registering_again_renews_and_keeps_the_id(place: Place) {
    let storage = place.open().await;
    let Registered::New(first) = register(&storage, new(1, "main", 100), 0).await else {
        panic!("it is new")
    };
    let mut again = new(2, "main", 200);
    again.endpoint.target = endpoint(1).target;
    let Registered::Renewed(renewed) = register(&storage, again, 50).await else {
        panic!("it is renewed")
    };
    assert_eq!(
        renewed,
        Registration {
            expires_at: seconds(200),
            ..first.clone()
        }
    );
    assert_eq!(active(&storage, "main", 150).await, [renewed]);
    let kept = storage
        .endpoints()
        .find(first.endpoint)
        .await
        .expect("finds")
        .expect("is there");
    assert_eq!(kept, endpoint(1), "the secret is the first one");
}

async fn renewing_tells_a_disabled_endpoint_again(place: Place) {
    let storage = place.open().await;
    assert!(matches!(
        register(&storage, new(1, "main", 100), 0).await,
        Registered::New(_)
    ));
    let (endpoints, id) = (storage.endpoints(), endpoint(1).id);
    let mut tx = storage.begin().await.expect("begins");
    endpoints
        .disable(&mut tx, id, DisableReason::Gone, seconds(5))
        .await
        .expect("disables");
    tx.commit().await.expect("commits");
    let found = endpoints.find(id).await.expect("finds").expect("is there");
    let disabled = EndpointState::Disabled {
        reason: DisableReason::Gone,
        at: seconds(5),
    };
    assert_eq!(found.state, disabled);
    assert!(matches!(
        register(&storage, new(1, "main", 200), 50).await,
        Registered::Renewed(_)
    ));
    let found = endpoints.find(id).await.expect("finds").expect("is there");
    assert_eq!(found.state, EndpointState::Active);
}

async fn expiry_is_exact_and_sweeping_is_bounded(place: Place) {
    let storage = place.open().await;
    for number in 1..=3 {
        let registered = register(&storage, new(number, "main", 100), 0).await;
        assert!(matches!(registered, Registered::New(_)));
    }
    assert_eq!(active(&storage, "main", 99).await.len(), 3);
    assert_eq!(active(&storage, "main", 100).await.len(), 0);
    let registrations = storage.registrations();
    assert_eq!(
        registrations.sweep(seconds(99), 10).await.expect("sweeps"),
        0
    );
    assert_eq!(
        registrations.sweep(seconds(100), 2).await.expect("sweeps"),
        2
    );
    assert_eq!(
        registrations.sweep(seconds(100), 2).await.expect("sweeps"),
        1
    );
    let endpoints = storage.endpoints();
    assert_eq!(endpoints.sweep(seconds(0), 10).await.expect("sweeps"), 0);
    assert_eq!(endpoints.sweep(seconds(100), 10).await.expect("sweeps"), 3);
    let left = endpoints.find(endpoint(1).id).await.expect("finds");
    assert_eq!(left, None, "an endpoint goes with its registration");
}

async fn caps_count_what_has_not_expired(place: Place) {
    let storage = place.open().await;
    for number in 1..=3 {
        let registered = register(&storage, new(number, "main", 100), 0).await;
        assert!(matches!(registered, Registered::New(_)));
    }
    assert_eq!(
        register(&storage, new(4, "main", 100), 0).await,
        Registered::SpaceFull
    );
    // A renewal is not one more.
    assert!(matches!(
        register(&storage, new(3, "main", 90), 0).await,
        Registered::Renewed(_)
    ));
    for number in 5..=6 {
        let registered = register(&storage, new(number, "other", 100), 0).await;
        assert!(matches!(registered, Registered::New(_)));
    }
    assert_eq!(
        register(&storage, new(7, "third", 100), 0).await,
        Registered::CallerFull
    );
    assert!(matches!(
        register(&storage, new(7, "third", 300), 100).await,
        Registered::New(_)
    ));
}

async fn a_deleted_space_takes_its_registrations_with_it(place: Place) {
    let storage = place.open().await;
    assert!(matches!(
        register(&storage, new(1, "main", 100), 0).await,
        Registered::New(_)
    ));
    assert!(matches!(
        register(&storage, new(2, "other", 100), 0).await,
        Registered::New(_)
    ));
    let mut tx = storage.begin().await.expect("begins");
    let deleted = storage
        .registrations()
        .delete_space(&mut tx, &space("main"))
        .await;
    assert_eq!(deleted.expect("deletes"), 1);
    tx.commit().await.expect("commits");
    assert!(active(&storage, "main", 1).await.is_empty());
    assert_eq!(active(&storage, "other", 1).await.len(), 1);
}

async fn renewing_gives_a_new_secret_where_the_old_one_cannot_be_read(place: Place) {
    let storage = place.open().await;
    let Registered::New(first) = register(&storage, new(1, "main", 100), 0).await else {
        panic!("it is new")
    };
    place
        .damage("UPDATE endpoint SET secret = unhex('01020304')")
        .await;
    let mut again = new(2, "main", 200);
    again.endpoint.target = endpoint(1).target;
    let registered = register(&storage, again.clone(), 50).await;
    let Registered::New(second) = registered else {
        panic!("its secret is to be shown: {registered:?}")
    };
    assert_eq!(second.id, first.id, "the registration stays");
    assert_eq!(
        active(&storage, "main", 150).await[..],
        *std::slice::from_ref(&second)
    );
    let found = storage.endpoints().find(second.endpoint).await;
    let found = found.expect("can be read").expect("is there");
    assert_eq!(found, again.endpoint);
}

async fn a_registration_that_cannot_be_read_keeps_no_other_from_being_told(place: Place) {
    let storage = place.open().await;
    for number in 1..=2 {
        let registered = register(&storage, new(number, "main", 100), 0).await;
        assert!(matches!(registered, Registered::New(_)));
    }
    place
        .damage("UPDATE registration SET service = 'nobody' WHERE url LIKE '%/1'")
        .await;
    let [told] = &active(&storage, "main", 1).await[..] else {
        panic!("one of the two")
    };
    assert_eq!(told.endpoint, endpoint(2).id);
}

async fn an_authority_has_a_limit_over_all_its_spaces(place: Place) {
    let storage = place.open().await;
    let by = |number: u8| NewRegistration {
        created_by: did(&format!("caller{number}")),
        ..new(number, &format!("space{number}"), 100)
    };
    for number in 1..=6 {
        let registered = register(&storage, by(number), 0).await;
        assert!(matches!(registered, Registered::New(_)), "{registered:?}");
    }
    assert_eq!(
        register(&storage, by(7), 0).await,
        Registered::AuthorityFull
    );
    // Another authority whose name begins the same has room of its own.
    let other = SpaceRef::new("at://did:plc:abc1234/space/com.example.forum/main");
    let other = NewRegistration {
        space: other.expect("a space"),
        ..by(7)
    };
    assert!(matches!(
        register(&storage, other, 0).await,
        Registered::New(_)
    ));
}

async fn each_author_and_everybody_are_registered_apart(place: Place) {
    let storage = place.open().await;
    let of = |number: u8, author: Option<&str>| {
        let mut new = new(number, "main", 100);
        new.endpoint.target = endpoint(1).target;
        new.author = author.map(did);
        new.older_spelling = author.is_some();
        new
    };
    for (number, author) in [(1, None), (2, Some("alice")), (3, Some("bob"))] {
        let registered = register(&storage, of(number, author), 0).await;
        assert!(matches!(registered, Registered::New(_)));
    }
    assert!(matches!(
        register(&storage, of(4, Some("bob")), 0).await,
        Registered::Renewed(_)
    ));
    let told = active(&storage, "main", 1).await;
    let told: Vec<_> = told
        .into_iter()
        .map(|one| (one.author, one.older_spelling, one.shape))
        .collect();
    let webhook = RegistrationShape::Webhook;
    assert_eq!(
        told,
        [
            (None, false, webhook),
            (Some(did("alice")), true, webhook),
            (Some(did("bob")), true, webhook),
        ]
    );
}
