//! What scopes allow.

use loggia_auth::scope::{
    AccountAction, AccountAttribute, AccountNeed, BlobNeed, IdentityAttribute, IdentityNeed,
    ManageOp, Need, RepoAction, RepoNeed, RpcNeed, Scope, ScopeError, Scopes, SpaceAccess,
    SpaceNeed,
};
use loggia_syntax::{Did, Nsid, SpaceRef};

static POST: Nsid = Nsid::from_static("com.example.post");
const FEED: &str = "did:web:example.com#feed";

fn read(text: &str) -> Result<Scope, ScopeError> {
    text.parse()
}

fn scopes(text: &str) -> Scopes {
    Scopes::parse(text).expect("a short claim")
}

#[test]
fn repo_scopes() {
    let need = |action| {
        Need::Repo(RepoNeed {
            collection: &POST,
            action,
        })
    };
    for (text, create, delete) in [
        ("repo:*", true, true),
        ("repo:com.example.post", true, true),
        ("repo:com.example.post?action=create", true, false),
        ("repo:com.example.other", false, false),
        ("repo:com.example.Post", false, false),
        (
            "repo:com.example.other repo:com.example.post?action=delete",
            false,
            true,
        ),
        ("repo:com.example.post?unknown=1", false, false),
        ("transition:generic", false, false),
    ] {
        assert_eq!(
            scopes(text).allows(&need(RepoAction::Create)),
            create,
            "{text}"
        );
        assert_eq!(
            scopes(text).allows(&need(RepoAction::Delete)),
            delete,
            "{text}"
        );
    }
}

#[test]
fn rpc_scopes() {
    let need = |audience| {
        Need::Rpc(RpcNeed {
            method: &POST,
            audience,
        })
    };
    for (text, feed, other, bare) in [
        ("rpc:com.example.post?aud=*", true, true, true),
        ("rpc:*?aud=did:web:example.com%23feed", true, false, false),
        (
            "rpc:com.example.post?aud=did:web:example.com%23other",
            false,
            true,
            false,
        ),
        ("rpc:com.example.get?aud=*", false, false, false),
    ] {
        let scopes = scopes(text);
        assert_eq!(scopes.allows(&need(FEED)), feed, "{text}");
        assert_eq!(
            scopes.allows(&need("did:web:example.com#other")),
            other,
            "{text}"
        );
        assert_eq!(scopes.allows(&need("did:web:example.com")), bare, "{text}");
    }
}

#[test]
fn account_and_identity_scopes() {
    let account = |attribute, action| Need::Account(AccountNeed { attribute, action });
    let read = account(AccountAttribute::Email, AccountAction::Read);
    let manage = account(AccountAttribute::Email, AccountAction::Manage);
    let status = account(AccountAttribute::Status, AccountAction::Read);
    for (text, expected) in [
        ("account:email", [true, false, false]),
        ("account:email?action=manage", [true, true, false]),
        ("account:status", [false, false, true]),
    ] {
        let scopes = scopes(text);
        assert_eq!(
            [&read, &manage, &status].map(|need| scopes.allows(need)),
            expected,
            "{text}"
        );
    }
    let handle = Need::Identity(IdentityNeed {
        attribute: IdentityAttribute::Handle,
    });
    let all = Need::Identity(IdentityNeed {
        attribute: IdentityAttribute::All,
    });
    assert_eq!(
        [&handle, &all].map(|need| scopes("identity:handle").allows(need)),
        [true, false]
    );
    assert_eq!(
        [&handle, &all].map(|need| scopes("identity:*").allows(need)),
        [true, true]
    );
}

#[test]
fn blob_scopes() {
    for (text, mime, expected) in [
        ("blob:*/*", "image/png", true),
        ("blob:*/*", "image/*", false),
        ("blob:*/*", "nonsense", false),
        ("blob:image/*", "image/png", true),
        ("blob:image/*", "imagery/png", false),
        ("blob:image/png", "Image/PNG", true),
        ("blob:text/plain", "text/plain; charset=utf-8", true),
        (
            "blob?accept=image/svg+xml&accept=video/*",
            "image/svg+xml",
            true,
        ),
        (
            "blob?accept=image/svg+xml&accept=video/*",
            "image/svg",
            false,
        ),
    ] {
        let need = Need::Blob(BlobNeed { mime });
        assert_eq!(scopes(text).allows(&need), expected, "{text} {mime}");
    }
}

#[test]
fn listing_spaces_needs_a_wildcard() {
    let forum = Nsid::from_static("com.example.forum");
    let alice = Did::from_static("did:plc:ewvi7nxzyoun6zhxrhs64oiz");
    let of_all = |space_type, authority| {
        Need::Space(SpaceNeed::of_all(
            space_type,
            authority,
            SpaceAccess::ReadSelf,
        ))
    };
    let everything = of_all(None, None);
    let hers = of_all(Some(&forum), Some(&alice));
    assert_eq!(
        everything.to_string(),
        "space:*?authority=*&action=read_self"
    );
    assert_eq!(
        hers.to_string(),
        format!("space:com.example.forum?authority={alice}&action=read_self")
    );
    for (text, expected) in [
        ("space:*?authority=*", [true, true]),
        ("space:com.example.forum?authority=*", [false, true]),
        (
            "space:com.example.forum?authority=*&skey=one",
            [false, false],
        ),
        ("space:com.example.forum", [false, false]),
    ] {
        let scopes = scopes(text);
        assert_eq!(
            [&everything, &hers].map(|need| scopes.allows(need)),
            expected,
            "{text}"
        );
    }
}

#[test]
fn a_space_scope_becomes_concrete_when_it_is_granted() {
    let alice = Did::from_static("did:plc:ewvi7nxzyoun6zhxrhs64oiz");
    let space =
        SpaceRef::new(format!("at://{alice}/space/com.example.forum/one")).expect("a space");
    let write = Need::Space(SpaceNeed::of(&space, SpaceAccess::Create(&POST)));
    let Ok(Scope::Space(asked)) = read("space:com.example.forum") else {
        panic!("a space scope");
    };
    let allows = |scope: &loggia_auth::scope::SpaceScope| {
        Scopes::from_iter([Scope::Space(scope.clone())]).allows(&write)
    };
    assert!(!allows(&asked));
    let granted = asked.clone().granted_by(alice.clone());
    assert!(!allows(&granted), "it names no collections");
    let granted = granted.with_declared([POST.clone()]);
    assert!(allows(&granted));
    assert_eq!(
        granted.to_string(),
        format!("space:com.example.forum?authority={alice}&collection=com.example.post")
    );
    // What is there already stays.
    let bob = Did::from_static("did:web:bob.example");
    assert_eq!(granted.clone().granted_by(bob).with_declared([]), granted);
}

#[test]
fn a_permission_set_governs_its_own_namespace() {
    let Ok(Scope::Include(include)) =
        read("include:com.example.authBasic?aud=did:web:a.example%23b")
    else {
        panic!("an include scope");
    };
    assert_eq!(*include.set(), "com.example.authBasic");
    assert_eq!(
        include.audience().expect("an audience").as_str(),
        "did:web:a.example#b"
    );
    for (item, governed) in [
        ("com.example.post", true),
        ("com.example.deep.post", true),
        ("com.examples.post", false),
        ("com.other.post", false),
    ] {
        assert_eq!(
            include.governs(&Nsid::new(item).expect("an NSID")),
            governed,
            "{item}"
        );
    }
}

#[test]
fn coarse_scopes_count_only_where_they_are_honoured() {
    let repo = Need::Repo(RepoNeed {
        collection: &POST,
        action: RepoAction::Create,
    });
    let blob = Need::Blob(BlobNeed { mime: "image/png" });
    let chat = Nsid::from_static("chat.bsky.convo.getLog");
    let rpc = |method| {
        Need::Rpc(RpcNeed {
            method,
            audience: FEED,
        })
    };
    let (call, chat) = (rpc(&POST), rpc(&chat));
    let email = Need::Account(AccountNeed {
        attribute: AccountAttribute::Email,
        action: AccountAction::Read,
    });
    let space = SpaceRef::new("at://did:plc:abc/space/com.example.forum/one").expect("a space");
    let space = Need::Space(SpaceNeed::of(&space, SpaceAccess::Manage(ManageOp::Delete)));
    let needs = [&repo, &blob, &call, &chat, &email, &space];
    for (text, expected) in [
        (
            "atproto transition:generic",
            [true, true, true, false, false, false],
        ),
        (
            "atproto transition:chat.bsky",
            [false, false, false, true, false, false],
        ),
        (
            "atproto transition:email",
            [false, false, false, false, true, false],
        ),
    ] {
        assert_eq!(
            needs.map(|need| scopes(text).allows(need)),
            [false; 6],
            "{text}"
        );
        let scopes = scopes(text).with_transitions();
        assert_eq!(needs.map(|need| scopes.allows(need)), expected, "{text}");
    }
}

#[test]
fn a_missing_scope_is_answered_as_the_reference_does() {
    let need = Need::Repo(RepoNeed {
        collection: &POST,
        action: RepoAction::Update,
    });
    let refusal = scopes("atproto").require(&need).expect_err("no such scope");
    assert_eq!(
        (refusal.status(), refusal.name()),
        (403, "ScopeMissingError")
    );
    assert_eq!(
        refusal.to_string(),
        "Missing required scope \"repo:com.example.post?action=update\""
    );
    let refusal = scopes("").require(&Need::Atproto).expect_err("no scope");
    assert_eq!(refusal.scope(), "atproto");
    assert_eq!(scopes("atproto").require(&Need::Atproto), Ok(()));
}
