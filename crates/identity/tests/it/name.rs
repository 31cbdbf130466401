//! From names to DIDs.

use loggia_identity::{CacheSettings, CachedNames, Name, NameError, NameErrorKind, ResolveName};
use loggia_syntax::{Did, Handle, Nsid};

use crate::world::{Answer, World, at};

const ALICE: &str = "did:web:alice.example.org";
const BOB: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
const TXT: &str = "_atproto.alice.example.com";
const FILE: &str = "https://alice.example.com/.well-known/atproto-did";

fn handle(text: &str) -> Name {
    Name::handle(&Handle::new(text).expect("a handle"))
}

async fn resolve(world: &World, name: &Name) -> Result<Did, NameError> {
    world.names().resolve_name(name, at(0)).await
}

async fn failure(world: &World) -> NameError {
    let resolved = resolve(world, &handle("alice.example.com")).await;
    resolved.expect_err("no DID")
}

async fn found(world: &World) -> String {
    let resolved = resolve(world, &handle("alice.example.com")).await;
    resolved.expect("a DID").to_string()
}

#[test]
fn names_know_their_places() {
    let name = handle("Alice.Example.COM");
    assert_eq!(name.domain(), "alice.example.com");
    assert_eq!(name.txt_name(), TXT);
    assert_eq!(name.well_known().as_deref(), Some(FILE));
    assert_eq!(name, handle("alice.example.com"));
    assert_eq!(name.to_string(), "handle alice.example.com");

    let name = Name::lexicon(&Nsid::from_static("com.Example.feed.getLikes"));
    assert_eq!(name.txt_name(), "_lexicon.feed.example.com");
    assert_eq!(name.well_known(), None);
    assert_eq!(name.to_string(), "lexicon authority feed.example.com");
    assert_ne!(name, handle("feed.example.com"));
}

#[tokio::test]
async fn the_dns_has_the_first_word() {
    let world = World::default();
    world.txt(TXT, &[&format!("did={BOB}")]);
    world.file(FILE, ALICE);
    assert_eq!(found(&world).await, BOB);
    assert_eq!(world.take_asked(), [TXT], "the file is not even fetched");
}

#[tokio::test]
async fn the_file_counts_where_the_dns_says_nothing() {
    let world = World::default();
    for body in [ALICE.to_owned(), format!("\r\n {ALICE}\n")] {
        world.file(FILE, &body);
        assert_eq!(found(&world).await, ALICE);
    }
    world.txt(
        TXT,
        &["v=spf1 -all", "DID=did:web:x.org", " did=nonsense", ""],
    );
    assert_eq!(
        found(&world).await,
        ALICE,
        "records of others do not matter"
    );
    world.set(TXT, Answer::Broken);
    assert_eq!(found(&world).await, ALICE);
    assert_eq!(world.take_asked().last().map(String::as_str), Some(FILE));
}

#[tokio::test]
async fn records_of_others_and_repeated_ones_do_no_harm() {
    let world = World::default();
    let did = format!("did={BOB}");
    world.txt(TXT, &["google-site-verification=x", &did, "did", &did]);
    assert_eq!(found(&world).await, BOB);
}

#[tokio::test]
async fn two_records_that_disagree_are_refused() {
    let world = World::default();
    world.file(FILE, ALICE);
    world.txt(TXT, &[&format!("did={BOB}"), &format!("did={ALICE}")]);
    let error = failure(&world).await;
    assert!(
        matches!(error.kind, NameErrorKind::Ambiguous { .. }),
        "{error:?}"
    );
    assert!(!error.is_transient());
    assert_eq!(
        error.kind.to_string(),
        "the TXT records of `_atproto.alice.example.com` hold several DIDs; leave one"
    );
    assert_eq!(world.take_asked(), [TXT], "and no file is asked to decide");
}

#[tokio::test]
async fn a_record_that_is_meant_for_us_and_wrong_is_refused() {
    let world = World::default();
    world.file(FILE, ALICE);
    for wrong in [
        "did=",
        "did=alice",
        "did= did:web:x.org",
        "did=did:web:x.org#y",
    ] {
        world.txt(TXT, &[wrong, &format!("did={BOB}")]);
        let error = failure(&world).await;
        assert_eq!(
            error.to_string(),
            "cannot resolve the handle alice.example.com"
        );
        assert_eq!(
            error.kind.to_string(),
            "the TXT record `_atproto.alice.example.com` holds no valid DID; \
             its text must be `did=` and the DID",
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn what_is_not_published_is_said_with_what_to_do() {
    let world = World::default();
    let error = failure(&world).await;
    assert!(!error.is_transient());
    assert_eq!(
        error.kind.to_string(),
        "no DID is published; add a TXT record `_atproto.alice.example.com` with the text \
         `did=DID`, or put the DID at https://alice.example.com/.well-known/atproto-did"
    );
    let lexicon = Name::lexicon(&Nsid::from_static("com.example.get"));
    let error = resolve(&world, &lexicon).await.expect_err("no DID");
    assert_eq!(
        error.kind.to_string(),
        "no DID is published; add a TXT record `_lexicon.example.com` with the text `did=DID`"
    );
}

#[tokio::test]
async fn what_web_servers_do() {
    let page = "<!doctype html>".repeat(20);
    let world = World::default();
    for (answer, transient, message) in [
        (Answer::Body(200, page.clone()), false, "holds no valid DID"),
        (
            Answer::Body(200, page.repeat(100)),
            false,
            "holds no valid DID",
        ),
        (Answer::Endless, false, "holds no valid DID"),
        (
            Answer::Body(200, String::new()),
            false,
            "holds no valid DID",
        ),
        (
            Answer::Body(200, format!("{ALICE}\n{BOB}")),
            false,
            "holds no valid DID",
        ),
        (Answer::Body(302, ALICE.into()), false, "HTTP status 302"),
        (Answer::Body(403, ALICE.into()), false, "HTTP status 403"),
        (Answer::Body(500, ALICE.into()), true, "HTTP status 500"),
        (Answer::Body(429, ALICE.into()), true, "HTTP status 429"),
        (Answer::Forbidden, false, "could not be fetched"),
        (Answer::Broken, true, "could not be fetched"),
        (
            Answer::Body(410, ALICE.into()),
            false,
            "no DID is published",
        ),
    ] {
        world.set(FILE, answer);
        let error = failure(&world).await;
        assert_eq!(error.is_transient(), transient, "{error:?}");
        assert!(error.kind.to_string().contains(message), "{error:?}");
    }
    // Where the DNS has failed, that is what is told: it might have had the answer.
    for (dns, transient) in [(Answer::Broken, true), (Answer::Endless, false)] {
        world.set(TXT, dns);
        let error = failure(&world).await;
        assert!(matches!(error.kind, NameErrorKind::Txt { .. }), "{error:?}");
        assert_eq!(error.is_transient(), transient);
    }
}

#[tokio::test]
async fn names_that_nobody_owns_are_never_asked_for() {
    let world = World::default();
    for text in [
        "alice.example",
        "alice.LOCAL",
        "a.internal",
        "a.arpa",
        "a.onion",
        "a.localhost",
        "a.test",
    ] {
        let error = resolve(&world, &handle(text)).await.expect_err("no DID");
        assert!(matches!(error.kind, NameErrorKind::Reserved(_)), "{text}");
    }
    assert_eq!(world.take_asked(), Vec::<String>::new());

    world.txt("_atproto.a.test", &[&format!("did={BOB}")]);
    let names = world.names().development(true);
    assert!(names.resolve_name(&handle("a.test"), at(0)).await.is_ok());
    assert!(names.resolve_name(&handle("a.local"), at(0)).await.is_err());
}

#[tokio::test]
async fn a_name_too_long_for_the_dns_may_still_have_a_file() {
    let world = World::default();
    let long = format!("{}.com", vec!["a".repeat(49); 5].join("."));
    let name = handle(&long);
    assert!(name.txt_name().len() > 253);
    world.file(&name.well_known().expect("a file"), ALICE);
    assert!(resolve(&world, &name).await.is_ok());
    assert_eq!(world.take_asked().len(), 1);
}

#[tokio::test]
async fn a_lexicon_authority_is_in_the_dns_alone() {
    let world = World::default();
    let name = Name::lexicon(&Nsid::from_static("com.example.feed.get"));
    world.txt("_lexicon.example.com", &[&format!("did={ALICE}")]);
    world.txt("_atproto.feed.example.com", &[&format!("did={ALICE}")]);
    world.file("https://feed.example.com/.well-known/atproto-did", ALICE);
    assert!(
        resolve(&world, &name).await.is_err(),
        "no parent, no handle, no file"
    );
    assert_eq!(world.take_asked(), ["_lexicon.feed.example.com"]);
    world.txt("_lexicon.feed.example.com", &[&format!("did={BOB}")]);
    assert_eq!(resolve(&world, &name).await.expect("a DID"), BOB);
}

#[tokio::test]
async fn names_are_remembered_found_or_not() {
    let world = World::default();
    let cache = CachedNames::new(world.names(), CacheSettings::default());
    let name = handle("alice.example.com");
    world.txt(TXT, &[&format!("did={BOB}")]);
    let callers = (0..20).map(|_| {
        let (cache, name) = (cache.clone(), name.clone());
        tokio::spawn(async move { cache.resolve_name(&name, at(0)).await })
    });
    for caller in callers.collect::<Vec<_>>() {
        assert_eq!(caller.await.expect("it ends").expect("a DID"), BOB);
    }
    assert_eq!(world.take_asked(), [TXT], "one question for all");

    // Both purposes of one domain are apart.
    let lexicon = Name::lexicon(&Nsid::from_static("com.example.alice.get"));
    for second in [0, 60] {
        assert!(cache.resolve_name(&lexicon, at(second)).await.is_err());
    }
    assert_eq!(world.take_asked(), ["_lexicon.alice.example.com"]);
    assert!(cache.resolve_name(&lexicon, at(61)).await.is_err());
    assert_eq!(world.take_asked().len(), 1);

    // An old answer is used while it is asked for anew.
    world.txt(TXT, &[&format!("did={ALICE}")]);
    assert_eq!(
        cache.resolve_name(&name, at(3601)).await.expect("a DID"),
        BOB
    );
    while cache.resolve_name(&name, at(3601)).await.expect("a DID") == BOB {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.take_asked(), [TXT]);
}
