//! Registrations of services, and in whose right they are: who is told, and who may end them.

use loggia_delivery::{DisableReason, EndpointState, Parties, Profile, Secrets, Target};
use loggia_storage::{
    AppAccess, Caps, HostedSpace, Member, NewRegistration, Registered, RegistrationShape,
    SpacePolicy, Unregistering, UnregisteringBy,
};

use crate::fixture::{Place, did, endpoint, on_both, seconds};
use crate::registrations::{active, new, register, register_within, space};

on_both!(
    a_service_that_has_moved_is_told_at_its_new_place,
    who_may_no_longer_read_is_not_told,
    what_a_reader_registered_ends_with_their_right,
    whoever_ends_a_registration_ends_what_is_theirs,
    nobody_takes_over_what_somebody_else_has_registered,
    a_service_has_one_endpoint_whoever_registers_it,
    a_service_that_is_gone_is_told_again_on_its_own_word,
);

pub fn service(number: u8, url: &str) -> NewRegistration {
    let mut new = new(number, "main", 100);
    new.service = format!("{}#syncer", did("feed"));
    new.shape = RegistrationShape::Protocol;
    new.endpoint.target = Target::new(url).expect("a good URL");
    new.endpoint.profile = Profile::SpaceProtocol;
    new.endpoint.secrets = Secrets::default();
    new.endpoint.in_order = true;
    new.endpoint.parties = Some(Parties {
        issuer: did("authority"),
        audience: new.service.clone(),
    });
    new
}

/// A wish in somebody's right: an account's, or that of an unknown reader with a credential.
pub fn by(new: NewRegistration, reader: Option<&str>, credential: Option<&str>) -> NewRegistration {
    NewRegistration {
        created_by: did(reader.unwrap_or("authority")),
        reader: reader.map(did),
        credential: credential.map(str::to_owned),
        ..new
    }
}

pub const WIDE: Caps = Caps {
    per_space: 20,
    per_authority: 20,
    per_caller: 20,
};

async fn nobody_takes_over_what_somebody_else_has_registered(place: Place) {
    let storage = place.open().await;
    let makers = [
        (None, None),
        (Some("bob"), None),
        (Some("mallory"), Some("m")),
        (None, Some("a")),
        (None, Some("b")),
    ];
    let mut all = Vec::new();
    for (number, (reader, credential)) in (1..).zip(makers) {
        let mut new = by(new(number, "main", 100), reader, credential);
        new.endpoint.target = endpoint(1).target;
        let registered = register_within(&storage, new.clone(), &WIDE, 0).await;
        let Registered::New(made) = registered else {
            panic!("{registered:?}")
        };
        assert_eq!(made.endpoint, new.endpoint.id, "with a secret of its own");
        all.push(made);
    }
    let mut last = by(new(9, "main", 50), Some("mallory"), None);
    last.endpoint.target = endpoint(1).target;
    let renewed = register_within(&storage, last, &WIDE, 10).await;
    let Registered::Renewed(renewed) = renewed else {
        panic!("{renewed:?}")
    };
    assert_eq!(renewed.id, all[2].id, "their own");
    all[2] = renewed;
    assert_eq!(active(&storage, "main", 20).await, all);
    let main = space("main");
    let ending = Unregistering {
        space: &main,
        service: all[0].service.as_str(),
        by: UnregisteringBy::Reader(&did("mallory")),
    };
    let mut tx = storage.begin().await.expect("begins");
    let registrations = storage.registrations();
    let gone = registrations.unregister(&mut tx, &ending, seconds(20));
    assert_eq!(gone.await.expect("ends"), [all[2].endpoint]);
    tx.commit().await.expect("commits");
    all.remove(2);
    assert_eq!(active(&storage, "main", 20).await, all);
}

async fn a_service_has_one_endpoint_whoever_registers_it(place: Place) {
    let storage = place.open().await;
    let mut made = Vec::new();
    for (number, reader) in [(1, "bob"), (2, "mallory")] {
        let new = by(service(number, "https://a.example.com"), Some(reader), None);
        let registered = register_within(&storage, new, &WIDE, 0).await;
        let Registered::New(registration) = registered else {
            panic!("{registered:?}")
        };
        made.push(registration);
    }
    assert_ne!(made[0].id, made[1].id);
    assert_eq!(made[0].endpoint, made[1].endpoint);
    let main = space("main");
    let end = async |reader: &str, at: i64| {
        let mut tx = storage.begin().await.expect("begins");
        let (reader, registrations) = (did(reader), storage.registrations());
        let ended = registrations
            .end_of_reader(&mut tx, &main, Some(&reader), seconds(at))
            .await;
        tx.commit().await.expect("commits");
        ended.expect("ends")
    };
    assert_eq!(end("mallory", 1).await, [], "it is told for Bob");
    let found = storage.endpoints().find(made[0].endpoint).await;
    let found = found.expect("finds").expect("is there");
    assert_eq!(found.state, EndpointState::Active);
    assert_eq!(end("bob", 2).await, [made[0].endpoint]);
    // What has ended is not begun again.
    let new = by(service(3, "https://a.example.com"), Some("bob"), None);
    let registered = register_within(&storage, new, &WIDE, 3).await;
    let Registered::New(registration) = registered else {
        panic!("{registered:?}")
    };
    assert_eq!(registration.endpoint, endpoint(3).id);
}

async fn a_service_that_is_gone_is_told_again_on_its_own_word(place: Place) {
    let storage = place.open().await;
    let wish = |reader| {
        let new = service(1, "https://a.example.com");
        by(new, reader, None)
    };
    let wish_of = |number: u8, reader| NewRegistration {
        id: new(number, "main", 100).id,
        ..wish(reader)
    };
    let registered = register_within(&storage, wish_of(1, Some("bob")), &WIDE, 0).await;
    assert!(matches!(registered, Registered::New(_)), "{registered:?}");
    let disable = async |reason| {
        let mut tx = storage.begin().await.expect("begins");
        let endpoints = storage.endpoints();
        let disabled = endpoints.disable(&mut tx, endpoint(1).id, reason, seconds(1));
        disabled.await.expect("disables");
        tx.commit().await.expect("commits");
    };
    let is_active = async || {
        let found = storage.endpoints().find(endpoint(1).id).await;
        found.expect("finds").expect("is there").state == EndpointState::Active
    };
    for owner in [Some("feed"), None] {
        disable(DisableReason::Gone).await;
        for (number, reader) in [(1, "bob"), (2, "carol")] {
            let refused = register_within(&storage, wish_of(number, Some(reader)), &WIDE, 2).await;
            assert_eq!(refused, Registered::Gone, "{reader}");
            assert!(!is_active().await);
        }
        let registered = register_within(&storage, wish_of(3, owner), &WIDE, 3).await;
        let is_taken = matches!(registered, Registered::New(_));
        assert!(is_taken || owner.is_none(), "{registered:?}");
        assert!(is_active().await, "{owner:?}");
        // Another id for the next round.
        let mut tx = storage.begin().await.expect("begins");
        let (main, feed) = (space("main"), did("feed"));
        let registrations = storage.registrations();
        let ended = registrations.end_of_reader(&mut tx, &main, Some(&feed), seconds(4));
        ended.await.map(drop).expect("ends");
        tx.commit().await.expect("commits");
    }
    disable(DisableReason::Failing).await;
    let renewed = register_within(&storage, wish_of(1, Some("bob")), &WIDE, 5).await;
    assert!(matches!(renewed, Registered::Renewed(_)), "{renewed:?}");
    assert!(is_active().await, "that it failed is no wish");
}

async fn a_service_that_has_moved_is_told_at_its_new_place(place: Place) {
    let storage = place.open().await;
    let old = service(1, "https://old.example.com");
    let Registered::New(first) = register(&storage, old.clone(), 0).await else {
        panic!("it is new")
    };
    assert_eq!(first.shape, RegistrationShape::Protocol);
    let found = storage.endpoints().find(first.endpoint).await;
    assert_eq!(found.expect("finds").as_ref(), Some(&old.endpoint));
    let new = service(2, "https://new.example.com");
    let Registered::Renewed(second) = register(&storage, new.clone(), 10).await else {
        panic!("it is renewed")
    };
    assert_eq!((second.id, second.endpoint), (first.id, first.endpoint));
    let found = storage.endpoints().find(first.endpoint).await;
    let found = found.expect("finds").expect("is there");
    assert_eq!(found.target, new.endpoint.target);
    assert_eq!(found.parties, new.endpoint.parties);
}

async fn who_may_no_longer_read_is_not_told(place: Place) {
    let storage = place.open().await;
    let main = HostedSpace {
        uri: space("main"),
        read_policy: SpacePolicy::MemberList,
        write_policy: SpacePolicy::Public,
        app_access: AppAccess::Open,
        created_at: seconds(0),
        updated_at: seconds(0),
    };
    let spaces = storage.spaces();
    let read = async |read: bool| {
        let member = Member {
            did: did("bob"),
            read,
            write: true,
        };
        let mut tx = storage.begin().await.expect("begins");
        let main = space("main");
        let put = spaces.put_member(&mut tx, &main, &member, 9, seconds(0));
        put.await.map(drop).expect("puts");
        tx.commit().await.expect("commits");
    };
    let mut tx = storage.begin().await.expect("begins");
    let inserted = spaces.insert(&mut tx, &main, 9).await;
    inserted.map(drop).expect("inserts");
    tx.commit().await.expect("commits");
    for (number, reader) in [(1, None), (2, Some("bob"))] {
        let new = NewRegistration {
            reader: reader.map(did),
            ..new(number, "main", 100)
        };
        let registered = register(&storage, new, 0).await;
        assert!(matches!(registered, Registered::New(_)));
    }
    assert_eq!(active(&storage, "main", 1).await.len(), 1, "no member yet");
    read(true).await;
    assert_eq!(active(&storage, "main", 1).await.len(), 2);
    read(false).await;
    assert_eq!(active(&storage, "main", 1).await.len(), 1);

    let mut tx = storage.begin().await.expect("begins");
    let update = HostedSpace {
        read_policy: SpacePolicy::Public,
        ..main
    };
    spaces.update(&mut tx, &update).await.expect("updates");
    tx.commit().await.expect("commits");
    assert_eq!(active(&storage, "main", 1).await.len(), 2, "everybody may");
}

async fn what_a_reader_registered_ends_with_their_right(place: Place) {
    let storage = place.open().await;
    let new = NewRegistration {
        reader: Some(did("bob")),
        ..new(2, "main", 100)
    };
    let registered = register(&storage, new, 0).await;
    assert!(matches!(registered, Registered::New(_)));
    let mut tx = storage.begin().await.expect("begins");
    let bob = did("bob");
    let ended = storage
        .registrations()
        .end_of_reader(&mut tx, &space("main"), Some(&bob), seconds(1))
        .await;
    assert_eq!(ended.expect("ends"), [endpoint(2).id]);
    tx.commit().await.expect("commits");
    let found = storage.endpoints().find(endpoint(2).id).await;
    let deleted = EndpointState::Disabled {
        reason: DisableReason::Deleted,
        at: seconds(1),
    };
    assert_eq!(found.expect("finds").expect("is there").state, deleted);
}

async fn whoever_ends_a_registration_ends_what_is_theirs(place: Place) {
    use UnregisteringBy::{Reader, SomeReader, Whoever};
    let storage = place.open().await;
    let (bob, carol) = (did("bob"), did("carol"));
    let rows = [
        (1, None, None),
        (2, Some(bob.clone()), None),
        (3, None, Some("credential".to_owned())),
    ];
    for (number, reader, credential) in rows {
        let new = NewRegistration {
            reader,
            credential,
            ..new(number, "main", 100)
        };
        let caps = Caps {
            per_space: 9,
            per_authority: 9,
            per_caller: 9,
        };
        let registered = register_within(&storage, new, &caps, 0).await;
        assert!(matches!(registered, Registered::New(_)));
    }
    let main = space("main");
    for (service, by, ended) in [
        ("did:web:other.example.com", Whoever, vec![]),
        ("did:web:feed.example.com", Reader(&carol), vec![]),
        ("did:web:feed.example.com", Reader(&bob), vec![2]),
        ("did:web:feed.example.com", SomeReader("another"), vec![]),
        (
            "did:web:feed.example.com",
            SomeReader("credential"),
            vec![3],
        ),
        ("did:web:feed.example.com", Whoever, vec![1]),
        ("did:web:feed.example.com", Whoever, vec![]),
    ] {
        let ending = Unregistering {
            space: &main,
            service,
            by,
        };
        let mut tx = storage.begin().await.expect("begins");
        let registrations = storage.registrations();
        let gone = registrations.unregister(&mut tx, &ending, seconds(1)).await;
        tx.commit().await.expect("commits");
        let ended: Vec<_> = ended.into_iter().map(|one| endpoint(one).id).collect();
        assert_eq!(gone.expect("ends"), ended, "{ending:?}");
    }
}
