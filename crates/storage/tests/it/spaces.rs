//! Spaces, members, and credentials that were given out.

use loggia_storage::{
    AppAccess, HostedSpace, IssuedCredential, Member, MemberPut, SpaceInserted, SpacePolicy,
    Spaces, Storage,
};
use loggia_syntax::SpaceRef;

use crate::fixture::{Place, START, did, on_both, seconds};

on_both!(
    a_space_is_kept_with_its_rules,
    an_authority_has_as_many_spaces_as_are_allowed,
    what_is_gone_stays_gone_until_it_is_opened_anew,
    members_come_change_and_go,
    a_list_of_members_has_an_end,
    credentials_are_revoked_by_holder_or_all_at_once,
    credentials_are_limited_and_forgotten,
);

fn name(skey: &str) -> SpaceRef {
    let text = format!("at://{}/space/com.example.forum/{skey}", did("alice"));
    SpaceRef::new(text).expect("a space")
}

fn space(skey: &str) -> HostedSpace {
    HostedSpace {
        uri: name(skey),
        read_policy: SpacePolicy::MemberList,
        write_policy: SpacePolicy::ManagingApp("did:web:app.example.com#app".to_owned()),
        app_access: AppAccess::AllowList(vec!["https://a.example/\"x\"".to_owned()]),
        created_at: START,
        updated_at: START,
    }
}

async fn insert(storage: &Storage, space: &HostedSpace, most: u32) -> SpaceInserted {
    let mut tx = storage.begin().await.expect("begins");
    let inserted = storage.spaces().insert(&mut tx, space, most).await;
    tx.commit().await.expect("commits");
    inserted.expect("runs")
}

async fn a_space_is_kept_with_its_rules(place: Place) {
    let storage = place.open().await;
    let spaces = storage.spaces();
    let mut space = space("a");
    assert_eq!(insert(&storage, &space, 9).await, SpaceInserted::New);
    assert_eq!(insert(&storage, &space, 9).await, SpaceInserted::Exists);
    assert_eq!(
        spaces.find(&space.uri).await.expect("runs").as_ref(),
        Some(&space)
    );
    space.read_policy = SpacePolicy::Public;
    space.app_access = AppAccess::Open;
    space.updated_at = seconds(5);
    let mut tx = storage.begin().await.expect("begins");
    spaces.update(&mut tx, &space).await.expect("updates");
    let within = spaces.find_in(&mut tx, &space.uri).await.expect("runs");
    assert_eq!(within.as_ref(), Some(&space));
    tx.commit().await.expect("commits");
    assert_eq!(spaces.find(&space.uri).await.expect("runs"), Some(space));
    assert_eq!(spaces.find(&name("b")).await.expect("runs"), None);
}

async fn an_authority_has_as_many_spaces_as_are_allowed(place: Place) {
    let storage = place.open().await;
    assert_eq!(insert(&storage, &space("a"), 2).await, SpaceInserted::New);
    assert_eq!(insert(&storage, &space("b"), 2).await, SpaceInserted::New);
    assert_eq!(insert(&storage, &space("c"), 2).await, SpaceInserted::Full);
    assert_eq!(
        insert(&storage, &space("a"), 2).await,
        SpaceInserted::Exists
    );
}

async fn what_is_gone_stays_gone_until_it_is_opened_anew(place: Place) {
    let storage = place.open().await;
    let spaces = storage.spaces();
    let space = space("a");
    assert_eq!(insert(&storage, &space, 9).await, SpaceInserted::New);
    let bob = member("bob", true, false);
    assert_eq!(put(&storage, &bob, 9).await, MemberPut::Added);
    assert!(!spaces.is_deleted(&space.uri).await.expect("runs"));
    for _ in 0..2 {
        let mut tx = storage.begin().await.expect("begins");
        let closed = spaces.close(&mut tx, &space.uri, seconds(1)).await;
        closed.expect("closes, and a second time");
        tx.commit().await.expect("commits");
        assert!(spaces.is_deleted(&space.uri).await.expect("runs"));
        assert_eq!(spaces.find(&space.uri).await.expect("runs"), None);
    }
    // Not before everything of it is gone.
    let mut tx = storage.begin().await.expect("begins");
    let errands = storage.errands();
    let (kind, subject) = (Spaces::CLOSING, space.uri.as_str());
    let put = errands.put(&mut tx, kind, subject, "{}", seconds(1)).await;
    put.expect("puts");
    tx.commit().await.expect("commits");
    assert_eq!(insert(&storage, &space, 9).await, SpaceInserted::Closing);
    let due = errands.due(kind, seconds(1), 9).await.expect("runs");
    let mut tx = storage.begin().await.expect("begins");
    let members = spaces.memberships_in(&mut tx, &space.uri, "", 9).await;
    let members = members.expect("runs");
    let struck = spaces.strike(&mut tx, &space.uri, &members).await;
    struck.expect("strikes");
    let cleared = spaces.clear(&mut tx, &space.uri, 9).await;
    assert!(cleared.expect("runs"), "nothing is left");
    assert!(errands.done(&mut tx, &due[0]).await.expect("runs"));
    tx.commit().await.expect("commits");
    assert_eq!(insert(&storage, &space, 9).await, SpaceInserted::New);
    assert!(!spaces.is_deleted(&space.uri).await.expect("runs"));
    let members = spaces.list_members(&space.uri, "", 9).await.expect("runs");
    assert_eq!(members, [], "members are gone with the space");
    let theirs = SpaceRef::new("at://did:plc:other/space/com.example.forum/a").expect("a space");
    let mut tx = storage.begin().await.expect("begins");
    spaces.bury(&mut tx, &theirs, START).await.expect("buries");
    assert!(spaces.is_deleted_in(&mut tx, &theirs).await.expect("runs"));
    tx.commit().await.expect("commits");
}

fn member(name: &str, read: bool, write: bool) -> Member {
    Member {
        did: did(name),
        read,
        write,
    }
}

async fn put(storage: &Storage, member: &Member, most: u32) -> MemberPut {
    let mut tx = storage.begin().await.expect("begins");
    let spaces = storage.spaces();
    let put = spaces
        .put_member(&mut tx, &name("a"), member, most, START)
        .await;
    tx.commit().await.expect("commits");
    put.expect("runs")
}

async fn remove(storage: &Storage, who: &str) -> bool {
    let mut tx = storage.begin().await.expect("begins");
    let spaces = storage.spaces();
    let removed = spaces.remove_member(&mut tx, &name("a"), &did(who)).await;
    tx.commit().await.expect("commits");
    removed.expect("runs")
}

async fn members_come_change_and_go(place: Place) {
    let storage = place.open().await;
    let spaces = storage.spaces();
    let (bob, changed) = (member("bob", true, false), member("bob", false, true));
    assert_eq!(put(&storage, &bob, 1).await, MemberPut::Added);
    assert_eq!(
        put(&storage, &member("carol", true, true), 1).await,
        MemberPut::Full
    );
    assert_eq!(put(&storage, &changed, 1).await, MemberPut::Changed(bob));
    let found = spaces.member(&name("a"), &did("bob")).await.expect("runs");
    assert_eq!(found, Some(changed));
    let other = spaces.member(&name("b"), &did("bob")).await.expect("runs");
    assert_eq!(other, None, "another space has its own list");
    assert!(remove(&storage, "bob").await);
    assert!(!remove(&storage, "bob").await);
    let gone = spaces.member(&name("a"), &did("bob")).await.expect("runs");
    assert_eq!(gone, None);
}

async fn a_list_of_members_has_an_end(place: Place) {
    let storage = place.open().await;
    for who in ["c", "a", "b"] {
        let new = member(who, true, true);
        assert_eq!(put(&storage, &new, 9).await, MemberPut::Added);
    }
    let spaces = storage.spaces();
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let page = spaces.list_members(&name("a"), &after, 2).await;
        let page = page.expect("runs");
        let Some(last) = page.last() else { break };
        after = last.did.to_string();
        seen.extend(page.into_iter().map(|member| member.did));
    }
    assert_eq!(seen, [did("a"), did("b"), did("c")]);
}

async fn keep(storage: &Storage, holder: &str, id: &str, until: i64, most: u32) -> bool {
    let issued = IssuedCredential {
        space: name("a"),
        id: id.to_owned(),
        holder: did(holder),
        until: seconds(until),
    };
    let mut tx = storage.begin().await.expect("begins");
    let spaces = storage.spaces();
    let kept = spaces.keep_credential(&mut tx, &issued, most, START).await;
    tx.commit().await.expect("commits");
    kept.expect("runs")
}

async fn revoke(storage: &Storage, holder: Option<&str>, at: i64, credentials: &[&str]) {
    let mut tx = storage.begin().await.expect("begins");
    let holder = holder.map(did);
    let spaces = storage.spaces();
    let revoked = spaces
        .revoke_credentials(&mut tx, &name("a"), holder.as_ref(), (9, seconds(at)))
        .await;
    let taken = revoked.expect("runs");
    let mut ids: Vec<_> = taken.credentials.into_values().flatten().collect();
    ids.sort();
    assert_eq!(ids, credentials);
    assert!(taken.endpoints.is_empty());
    tx.commit().await.expect("commits");
}

async fn credentials_are_revoked_by_holder_or_all_at_once(place: Place) {
    let storage = place.open().await;
    for (holder, id, until) in [
        ("bob", "b1", 60),
        ("bob", "b2", 90),
        ("bob", "over", 10),
        ("carol", "c1", 60),
    ] {
        assert!(keep(&storage, holder, id, until, 9).await);
    }
    let revoked = storage.revoked_credentials();
    let is_revoked = async |id: &str| revoked.is_revoked(&name("a"), id).await.expect("runs");
    revoke(&storage, Some("bob"), 20, &["b1", "b2"]).await;
    for (id, expected) in [("b1", true), ("b2", true), ("over", false), ("c1", false)] {
        assert_eq!(is_revoked(id).await, expected, "{id}");
    }
    assert!(keep(&storage, "bob", "b3", 99, 9).await);
    revoke(&storage, None, 20, &["b3", "c1"]).await;
    assert!(is_revoked("c1").await && is_revoked("b3").await);
    let other = revoked.is_revoked(&name("b"), "b1").await.expect("runs");
    assert!(!other, "of another space nothing is revoked");
}

async fn credentials_are_limited_and_forgotten(place: Place) {
    let storage = place.open().await;
    assert!(keep(&storage, "bob", "1", 60, 2).await);
    assert!(keep(&storage, "bob", "2", -1, 2).await, "ended already");
    assert!(keep(&storage, "bob", "3", 60, 2).await);
    assert!(!keep(&storage, "bob", "4", 60, 2).await);
    assert!(keep(&storage, "carol", "5", 60, 2).await);
    let spaces = storage.spaces();
    assert_eq!(spaces.sweep(seconds(1), 9).await.expect("runs"), 1);
    assert_eq!(spaces.sweep(seconds(61), 2).await.expect("runs"), 2);
    assert_eq!(spaces.sweep(seconds(61), 9).await.expect("runs"), 1);
}
