//! Copies of repositories in spaces that are hosted elsewhere.

use loggia_space::{RecordPath, SetHash, cid_of};
use loggia_storage::{
    Caps, Changed, CopiedSpace, Forward, NewRegistration, Registered, RegistrationId,
    RegistrationShape, RepoName, SpaceCopies, SpaceCopy, Storage,
};
use loggia_syntax::{Cid, SpaceRef, Tid};

use crate::fixture::{Place, did, endpoint, on_both, seconds};

on_both!(
    a_space_is_copied_while_somebody_is_registered,
    a_copy_moves_on_from_what_was_read_and_from_nothing_else,
    a_space_has_as_many_copies_as_are_allowed,
    what_is_listed_and_heard_only_goes_up,
    a_forgotten_space_leaves_nothing,
    one_authority_has_its_share_of_the_spaces_and_no_more,
    a_copy_in_trouble_is_tried_again_ever_later,
    a_copy_of_before_moves_nothing_of_now,
    of_a_space_that_is_copied_no_longer_nothing_is_begun,
);

fn space() -> SpaceRef {
    let space = format!("at://{}/space/com.example.forum/a", did("elsewhere"));
    SpaceRef::new(space).expect("a space")
}

fn tid(micros: u64) -> Tid {
    Tid::from_micros(micros, 0).expect("in range")
}

fn cid(number: u8) -> Cid {
    cid_of(&[0xa1, 0x61, 0x61, number])
}

fn path(rkey: &str) -> RecordPath {
    RecordPath {
        collection: "com.example.post".parse().expect("an NSID"),
        rkey: rkey.parse().expect("a key"),
    }
}

fn change(rkey: &str, cid: Option<Cid>, prev: Option<Cid>) -> Changed {
    let RecordPath { collection, rkey } = path(rkey);
    Changed {
        collection,
        rkey,
        cid,
        prev,
    }
}

async fn follow(storage: &Storage) -> CopiedSpace {
    let copies = storage.space_copies();
    let mut tx = storage.begin().await.expect("begins");
    let inserted = copies.insert_space(&mut tx, &space(), seconds(0)).await;
    assert!(inserted.expect("runs"));
    tx.commit().await.expect("commits");
    found_space(storage).await
}

async fn found_space(storage: &Storage) -> CopiedSpace {
    let found = storage.space_copies().find_space(&space()).await;
    found.expect("runs").expect("is there")
}

async fn begin(storage: &Storage, space: &CopiedSpace, names: &[&str]) -> bool {
    let authors: Vec<_> = names.iter().map(|name| did(name)).collect();
    let mut tx = storage.begin().await.expect("begins");
    let copies = storage.space_copies();
    let begun = copies.begin(&mut tx, space, &authors).await.expect("runs");
    if begun {
        tx.commit().await.expect("commits");
    }
    begun
}

async fn copy_of(storage: &Storage, author: &str) -> SpaceCopy {
    let name = RepoName {
        author: did(author),
        space: space(),
    };
    let found = storage.space_copies().find(&name).await;
    found.expect("runs").expect("is there")
}

async fn forward(
    storage: &Storage,
    copy: &SpaceCopy,
    rev: &Tid,
    changes: &[Changed],
) -> Option<SpaceCopy> {
    let mut hash = copy.hash.clone();
    for change in changes {
        if let Some(prev) = &change.prev {
            hash.remove(&change.collection, &change.rkey, prev);
        }
        if let Some(cid) = &change.cid {
            hash.add(&change.collection, &change.rkey, cid);
        }
    }
    let forward = Forward {
        rev: Some(rev),
        hash: &hash,
        changes,
    };
    let mut tx = storage.begin().await.expect("begins");
    let copies = storage.space_copies();
    let moved = copies.forward(&mut tx, copy, forward).await.expect("runs");
    tx.commit().await.expect("commits");
    moved
}

async fn a_space_is_copied_while_somebody_is_registered(place: Place) {
    let storage = place.open().await;
    let copies = storage.space_copies();
    let wanted = async |at: i64| copies.wanted("", seconds(at), 9).await.expect("runs");
    assert!(wanted(0).await.is_empty());
    for number in [1, 2] {
        let mut tx = storage.begin().await.expect("begins");
        let new = NewRegistration {
            id: RegistrationId::new(seconds(0), [number; 10]),
            space: space(),
            service: did("feed").to_string(),
            shape: RegistrationShape::Webhook,
            author: None,
            older_spelling: false,
            endpoint: endpoint(number),
            created_by: did("elsewhere"),
            reader: None,
            credential: None,
            expires_at: seconds(60),
        };
        let caps = Caps {
            per_space: 9,
            per_authority: 9,
            per_caller: 9,
        };
        let registrations = storage.registrations();
        let registered = registrations
            .register(&mut tx, new, &caps, seconds(0))
            .await;
        let registered = registered.expect("runs");
        assert!(matches!(registered, Registered::New(_)), "{registered:?}");
        tx.commit().await.expect("commits");
    }
    // Two registrations are one space.
    assert_eq!(wanted(0).await, [space()]);
    assert!(wanted(60).await.is_empty(), "they have expired");
    let followed = follow(&storage).await;
    assert!(!followed.is_listed);
    assert!(wanted(0).await.is_empty(), "it is copied");
    let unwanted = async |at: i64| copies.unwanted(seconds(at), 9).await.expect("runs");
    assert!(unwanted(59).await.is_empty());
    assert_eq!(unwanted(60).await, [space()]);
    let due = async |at: i64| copies.due_spaces(seconds(at), 9).await.expect("runs");
    assert_eq!(due(0).await, [space()]);
    let mut tx = storage.begin().await.expect("begins");
    let next = copies.visit_next(&mut tx, &space(), seconds(30)).await;
    next.expect("runs");
    tx.commit().await.expect("commits");
    assert_eq!((due(29).await.len(), due(30).await.len()), (0, 1));
    let mut tx = storage.begin().await.expect("begins");
    copies.visit_all(&mut tx, seconds(1)).await.expect("runs");
    tx.commit().await.expect("commits");
    assert_eq!(due(1).await, [space()]);
    let again = async {
        let mut tx = storage.begin().await.expect("begins");
        copies.insert_space(&mut tx, &space(), seconds(5)).await
    };
    assert!(!again.await.expect("runs"), "it keeps its beginning");
}

async fn a_copy_moves_on_from_what_was_read_and_from_nothing_else(place: Place) {
    let storage = place.open().await;
    let space = follow(&storage).await;
    assert!(begin(&storage, &space, &["bob", "carol", "bob"]).await);
    let empty = copy_of(&storage, "bob").await;
    assert_eq!((&empty.rev, empty.records), (&None, 0));
    assert_eq!(empty.quiet_until.as_ref(), Some(&space.since));
    let first = [
        change("a", Some(cid(1)), None),
        change("b", Some(cid(2)), None),
        change("a", Some(cid(3)), Some(cid(1))),
    ];
    let one = forward(&storage, &empty, &tid(1), &first).await;
    let one = one.expect("moved");
    assert_eq!(one, copy_of(&storage, "bob").await);
    assert_eq!((one.rev.as_ref(), one.records), (Some(&tid(1)), 2));

    // Whoever has read the older state comes too late.
    let late = [change("c", Some(cid(9)), None)];
    assert_eq!(forward(&storage, &empty, &tid(2), &late).await, None);
    assert_eq!(one, copy_of(&storage, "bob").await);

    let second = [change("b", None, Some(cid(2)))];
    let two = forward(&storage, &one, &tid(2), &second).await;
    let two = two.expect("moved");
    let copies = storage.space_copies();
    let records = copies.records(&two).await.expect("runs");
    assert_eq!(records, [(path("a"), cid(3))]);
    let held = copies.held(&two, &[path("a"), path("b"), path("c")]).await;
    assert_eq!(held.expect("runs"), records);
    let mut hash = SetHash::new();
    hash.add(&path("a").collection, &path("a").rkey, &cid(3));
    assert_eq!(two.hash, hash);

    // A trouble lasts until the copy moves on.
    let mut tx = storage.begin().await.expect("begins");
    let trouble = copies
        .trouble(&mut tx, &two.name, ("bad hash", "{}"), seconds(9))
        .await;
    trouble.expect("runs");
    tx.commit().await.expect("commits");
    let troubled = copy_of(&storage, "bob").await;
    assert_eq!(troubled.trouble.as_deref(), Some("bad hash"));
    let revs = async || copies.revs(&space.space).await.expect("runs");
    assert!(revs().await.is_empty(), "in trouble, or empty");
    assert!(forward(&storage, &troubled, &tid(3), &[]).await.is_some());
    assert_eq!(copy_of(&storage, "bob").await.trouble, None);
    assert_eq!(revs().await, [(did("bob"), tid(3))]);
    assert_eq!(copy_of(&storage, "carol").await.records, 0);
}

async fn a_space_has_as_many_copies_as_are_allowed(place: Place) {
    let storage = place.open().await;
    let mut space = follow(&storage).await;
    let names: Vec<String> = (0..SpaceCopies::MOST_REPOS)
        .map(|number| format!("a{number}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert!(begin(&storage, &space, &names).await);
    assert!(!begin(&storage, &space, &["one-more"]).await);
    assert!(begin(&storage, &space, &names[..9]).await, "they are there");
    space.is_listed = true;
    assert!(begin(&storage, &space, &names[..1]).await);
    let listed = storage.space_copies().list(&space.space, None, 2).await;
    let listed = listed.expect("runs");
    let quiet = listed.iter().map(|copy| copy.quiet_until.is_some());
    assert_eq!(quiet.collect::<Vec<_>>(), [true, true]);
    let after = &listed[1].name.author;
    let more = storage
        .space_copies()
        .list(&space.space, Some(after), 1)
        .await;
    assert!(more.expect("runs")[0].name.author > *after);
}

async fn what_is_listed_and_heard_only_goes_up(place: Place) {
    let storage = place.open().await;
    let space = follow(&storage).await;
    let copies = storage.space_copies();
    for (place, is_whole) in [
        (Some(5), false),
        (Some(4), false),
        (None, true),
        (Some(6), false),
    ] {
        let mut tx = storage.begin().await.expect("begins");
        let place = place.map(tid);
        let listed = copies.listed(&mut tx, &space.space, place.as_ref(), is_whole);
        listed.await.expect("runs");
        let heard = place.unwrap_or_else(|| tid(9));
        let heard = copies.set_heard(&mut tx, &space.space, &heard);
        heard.await.expect("runs");
        tx.commit().await.expect("commits");
    }
    let found = found_space(&storage).await;
    assert_eq!((found.listed, found.heard), (Some(tid(6)), Some(tid(9))));
    assert!(found.is_listed);
}

async fn a_forgotten_space_leaves_nothing(place: Place) {
    let storage = place.open().await;
    let space = follow(&storage).await;
    assert!(begin(&storage, &space, &["bob"]).await);
    let bob = copy_of(&storage, "bob").await;
    let made = [change("a", Some(cid(1)), None)];
    let bob = forward(&storage, &bob, &tid(1), &made)
        .await
        .expect("moved");
    let copies = storage.space_copies();
    for expected in [true, false] {
        let mut tx = storage.begin().await.expect("begins");
        let deleted = copies.delete_space(&mut tx, &space.space).await;
        assert_eq!(deleted.expect("runs"), expected);
        tx.commit().await.expect("commits");
    }
    assert_eq!(copies.find_space(&space.space).await.expect("runs"), None);
    assert_eq!(copies.find(&bob.name).await.expect("runs"), None);
    assert!(copies.records(&bob).await.expect("runs").is_empty());
    assert_eq!(forward(&storage, &bob, &tid(2), &[]).await, None);
}

async fn one_authority_has_its_share_of_the_spaces_and_no_more(place: Place) {
    let storage = place.open().await;
    let copies = storage.space_copies();
    let of = |authority: &str, number: u32| {
        let text = format!("at://{authority}/space/com.example.forum/{number}");
        SpaceRef::new(text).expect("a space")
    };
    let insert = async |space: &SpaceRef| {
        let mut tx = storage.begin().await.expect("begins");
        let inserted = copies.insert_space(&mut tx, space, seconds(0)).await;
        tx.commit().await.expect("commits");
        inserted.expect("runs")
    };
    let room = async |space: &SpaceRef| copies.room(space).await.expect("runs");
    assert_eq!(room(&of("did:plc:hostile", 0)).await, 100);
    for number in 0..SpaceCopies::MOST_OF_AUTHORITY {
        assert!(insert(&of("did:plc:hostile", number)).await);
    }
    let one_more = of("did:plc:hostile", SpaceCopies::MOST_OF_AUTHORITY);
    assert_eq!(room(&one_more).await, 0);
    assert!(!insert(&one_more).await);
    assert!(insert(&of("did:plc:good", 0)).await);
    for authority in ["did:plc:host", "did:plc:hostile1"] {
        assert_eq!(room(&of(authority, 0)).await, 100, "{authority}");
    }
    for authority in 0..9 {
        for number in 0..SpaceCopies::MOST_OF_AUTHORITY {
            insert(&of(&format!("did:plc:many{authority}"), number)).await;
        }
    }
    assert_eq!(room(&of("did:plc:late", 0)).await, 0, "there are 1,000");
    assert!(!insert(&of("did:plc:late", 0)).await);
}

async fn a_copy_in_trouble_is_tried_again_ever_later(place: Place) {
    let storage = place.open().await;
    let space = follow(&storage).await;
    assert!(begin(&storage, &space, &["bob", "carol"]).await);
    let copies = storage.space_copies();
    let name = copy_of(&storage, "bob").await.name;
    let trouble = async |wanted: &str, at: i64| {
        let mut tx = storage.begin().await.expect("begins");
        let why = ("bad hash", wanted);
        let trouble = copies.trouble(&mut tx, &name, why, seconds(at)).await;
        trouble.expect("runs");
        tx.commit().await.expect("commits");
    };
    let retries = async |at: i64| {
        let mut tx = storage.begin().await.expect("begins");
        let taken = copies
            .take_retries(&mut tx, &space.space, seconds(at), 9)
            .await;
        tx.commit().await.expect("commits");
        let taken = taken.expect("runs").into_iter();
        taken
            .map(|one| (one.author, one.wanted.expect("was said")))
            .collect::<Vec<_>>()
    };
    trouble("first", 0).await;
    assert_eq!(retries(599).await, []);
    assert_eq!(retries(600).await, [(did("bob"), "first".to_owned())]);
    assert_eq!(retries(9_999).await, [], "it is being tried");
    trouble("second", 1_000).await;
    assert_eq!(retries(2_199).await, []);
    assert_eq!(retries(2_200).await, [(did("bob"), "second".to_owned())]);
    // Once it goes on, all of that is over.
    trouble("third", 3_000).await;
    let copy = copy_of(&storage, "bob").await;
    assert!(forward(&storage, &copy, &tid(1), &[]).await.is_some());
    assert_eq!(retries(1_000_000).await, []);
    trouble("fourth", 10_000).await;
    assert_eq!(retries(10_600).await, [(did("bob"), "fourth".to_owned())]);
}

async fn a_copy_of_before_moves_nothing_of_now(place: Place) {
    let storage = place.open().await;
    let space = follow(&storage).await;
    assert!(begin(&storage, &space, &["bob"]).await);
    let before = copy_of(&storage, "bob").await;
    let mut tx = storage.begin().await.expect("begins");
    let copies = storage.space_copies();
    let deleted = copies.delete_space(&mut tx, &space.space).await;
    assert!(deleted.expect("runs"));
    tx.commit().await.expect("commits");
    let space = follow(&storage).await;
    assert!(begin(&storage, &space, &["bob"]).await);
    let made = [change("a", Some(cid(1)), None)];
    assert_eq!(forward(&storage, &before, &tid(1), &made).await, None);
    assert_eq!(copy_of(&storage, "bob").await.records, 0);
}

async fn of_a_space_that_is_copied_no_longer_nothing_is_begun(place: Place) {
    let storage = place.open().await;
    let space = follow(&storage).await;
    let mut tx = storage.begin().await.expect("begins");
    let copies = storage.space_copies();
    let deleted = copies.delete_space(&mut tx, &space.space).await;
    assert!(deleted.expect("runs"));
    tx.commit().await.expect("commits");
    // Whoever has found it before that.
    assert!(begin(&storage, &space, &["bob"]).await);
    let left = copies.list(&space.space, None, 9).await;
    assert_eq!(left.expect("runs"), []);
}
