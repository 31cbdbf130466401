//! The cache: one fetch for many callers, old documents, failures and forced refreshes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use loggia_identity::{
    CacheSettings, CachedResolver, DidDocument, ResolveDid, ResolveError, ResolveErrorKind,
};
use loggia_syntax::Did;
use tokio::sync::Semaphore;

/// A directory whose answers can be held back, counted and made to fail.
struct Directory {
    asked: AtomicUsize,
    open: Semaphore,
    /// 200, or the status of the failure.
    status: AtomicU16,
    panics: AtomicBool,
    /// DIDs with this in them wait for `open`; those that do not are answered at once.
    silent: &'static str,
}

impl Directory {
    fn new(answers: usize) -> Arc<Self> {
        Self::silent(answers, "")
    }

    fn silent(answers: usize, silent: &'static str) -> Arc<Self> {
        Arc::new(Self {
            silent,
            asked: AtomicUsize::new(0),
            open: Semaphore::new(answers),
            status: AtomicU16::new(200),
            panics: AtomicBool::new(false),
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// Waits until so many requests have come in.
    async fn wait_for(&self, asked: usize) {
        while self.asked() < asked {
            tokio::task::yield_now().await;
        }
    }
}

impl ResolveDid for Directory {
    async fn resolve(&self, did: &Did, _: Timestamp) -> Result<Arc<DidDocument>, ResolveError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if did.as_str().to_ascii_lowercase().contains(self.silent) {
            self.open.acquire().await.expect("never closed").forget();
        }
        assert!(
            !self.panics.load(Ordering::SeqCst),
            "the directory was told to panic"
        );
        let failure = |kind| {
            Err(ResolveError {
                did: did.clone(),
                kind,
            })
        };
        match self.status.load(Ordering::SeqCst) {
            200 => Ok(Arc::new(DidDocument::new(did.clone()))),
            404 => failure(ResolveErrorKind::NotFound(404)),
            status => failure(ResolveErrorKind::Status(status)),
        }
    }

    async fn refresh(
        &self,
        did: &Did,
        now: Timestamp,
    ) -> Result<Option<Arc<DidDocument>>, ResolveError> {
        self.resolve(did, now).await.map(Some)
    }
}

const ALICE: Did = Did::from_static("did:web:alice.example");

fn at(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_000_000 + seconds)
}

fn cache(directory: &Arc<Directory>) -> CachedResolver<Arc<Directory>> {
    CachedResolver::new(Arc::clone(directory), CacheSettings::default())
}

#[tokio::test]
async fn one_fetch_for_many_callers() {
    let directory = Directory::new(0);
    let cache = cache(&directory);
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.resolve(&ALICE, at(0)).await })
        })
        .collect();
    directory.wait_for(1).await;
    // A caller that goes away takes nothing from the others.
    callers[0].abort();
    directory.open.add_permits(1);
    for caller in callers.into_iter().skip(1) {
        let found = caller.await.expect("the caller ends").expect("a document");
        assert_eq!(*found.id(), ALICE);
    }
    assert_eq!(directory.asked(), 1);
}

#[tokio::test]
async fn an_old_document_is_used_while_it_is_fetched_anew() {
    let directory = Directory::new(1);
    let cache = cache(&directory);
    let first = cache.resolve(&ALICE, at(0)).await.expect("a document");
    let again = cache.resolve(&ALICE, at(3600)).await.expect("a document");
    assert!(Arc::ptr_eq(&first, &again), "still fresh");
    assert_eq!(directory.asked(), 1);

    let old = cache.resolve(&ALICE, at(3601)).await.expect("a document");
    assert!(Arc::ptr_eq(&first, &old), "old, and not waited for");
    directory.wait_for(2).await;
    directory.open.add_permits(1);
    // The new document takes the old one's place as soon as it is there.
    while Arc::ptr_eq(
        &first,
        &cache.resolve(&ALICE, at(3601)).await.expect("a document"),
    ) {
        tokio::task::yield_now().await;
    }
    assert_eq!(directory.asked(), 2);
}

#[tokio::test]
async fn a_document_that_is_too_old_is_not_used() {
    let directory = Directory::new(1);
    let cache = cache(&directory);
    cache.resolve(&ALICE, at(0)).await.expect("a document");
    directory.open.add_permits(1);
    directory.answer(500);
    let late = cache
        .resolve(&ALICE, at(24 * 3600 + 1))
        .await
        .expect_err("no document");
    assert!(late.is_transient());
    assert_eq!(directory.asked(), 2);
}

#[tokio::test]
async fn failures_are_remembered_for_a_while() {
    let directory = Directory::new(1000);
    let cache = cache(&directory);
    for (status, pause) in [(404, 60), (500, 5)] {
        directory.answer(status);
        let did = Did::new(format!("did:web:s{status}.example")).expect("a DID");
        let before = directory.asked();
        for second in [0, 1, pause] {
            assert!(cache.resolve(&did, at(second)).await.is_err());
        }
        assert_eq!(directory.asked(), before + 1, "{status}");
        assert!(cache.resolve(&did, at(pause + 1)).await.is_err());
        assert_eq!(directory.asked(), before + 2, "{status}");
    }
}

#[tokio::test]
async fn a_directory_that_fails_costs_no_document_and_is_left_alone() {
    let directory = Directory::new(1000);
    let cache = cache(&directory);
    let first = cache.resolve(&ALICE, at(0)).await.expect("a document");
    directory.answer(503);
    assert!(cache.refresh(&ALICE, at(4000)).await.is_err());
    for second in [4000, 4005] {
        let known = cache.resolve(&ALICE, at(second)).await.expect("a document");
        assert!(Arc::ptr_eq(&first, &known));
    }
    assert_eq!(directory.asked(), 2);
    // That the DID is gone is another matter.
    directory.answer(404);
    assert!(cache.refresh(&ALICE, at(5000)).await.is_err());
    assert!(cache.resolve(&ALICE, at(5000)).await.is_err());
    assert_eq!(directory.asked(), 3);
}

#[tokio::test]
async fn refreshes_are_spaced() {
    let directory = Directory::new(1000);
    let cache = cache(&directory);
    cache.resolve(&ALICE, at(0)).await.expect("a document");
    for second in [0, 10, 29] {
        assert_eq!(
            cache.refresh(&ALICE, at(second)).await.expect("an answer"),
            None
        );
    }
    assert!(
        cache
            .refresh(&ALICE, at(30))
            .await
            .expect("an answer")
            .is_some()
    );
    assert_eq!(
        cache.refresh(&ALICE, at(59)).await.expect("an answer"),
        None
    );
    assert_eq!(directory.asked(), 2);
}

#[tokio::test]
async fn flights_are_bounded_and_a_crash_ends_one() {
    let directory = Directory::new(0);
    let settings = CacheSettings {
        flights: 1,
        ..CacheSettings::default()
    };
    let cache = CachedResolver::new(Arc::clone(&directory), settings);
    let waiting = tokio::spawn({
        let cache = cache.clone();
        async move { cache.resolve(&ALICE, at(0)).await }
    });
    directory.wait_for(1).await;
    let bob = Did::from_static("did:web:bob.example");
    let busy = cache.resolve(&bob, at(0)).await.expect_err("no room");
    assert!(matches!(busy.kind, ResolveErrorKind::Busy) && busy.is_transient());

    directory.panics.store(true, Ordering::SeqCst);
    directory.open.add_permits(1);
    let interrupted = waiting
        .await
        .expect("the caller ends")
        .expect_err("no document");
    assert!(matches!(interrupted.kind, ResolveErrorKind::Interrupted));

    directory.panics.store(false, Ordering::SeqCst);
    directory.open.add_permits(1);
    tokio::time::timeout(Duration::from_secs(10), cache.resolve(&bob, at(0)))
        .await
        .expect("there is room again")
        .expect("a document");
}

fn did(text: String) -> Did {
    Did::new(text).expect("a DID")
}

/// Asks and does not wait.
fn ask(cache: &CachedResolver<Arc<Directory>>, did: Did) {
    let cache = cache.clone();
    tokio::spawn(async move { cache.resolve(&did, at(0)).await });
}

#[tokio::test]
async fn one_silent_host_keeps_nobody_else() {
    let directory = Directory::silent(0, "evil.example");
    let cache = cache(&directory);
    // Subdomains, ports and capitals make no other host of it.
    for number in 0..100 {
        ask(&cache, did(format!("did:web:n{number}.evil.example")));
        ask(&cache, did(format!("did:web:a.n{number}.Evil.example")));
        ask(&cache, did(format!("did:web:evil.example%3A{number}")));
    }
    directory.wait_for(8).await;
    let more = did("did:web:more.evil.example".to_owned());
    let busy = cache.resolve(&more, at(0)).await.expect_err("no room");
    assert!(matches!(busy.kind, ResolveErrorKind::Busy), "{busy:?}");
    assert_eq!(directory.asked(), 8);

    let plc = did(format!("did:plc:{}", "a".repeat(24)));
    for other in [ALICE, plc] {
        cache.resolve(&other, at(0)).await.expect("a document");
    }
    // What waits ends, and the host has its places again.
    directory.open.add_permits(8);
    while cache.resolve(&more, at(0)).await.is_err() {
        directory.open.add_permits(1);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn many_silent_hosts_leave_room_for_the_directory() {
    let directory = Directory::new(0);
    let cache = cache(&directory);
    for host in 0..200 {
        ask(&cache, did(format!("did:web:evil{host}.example")));
    }
    directory.wait_for(96).await;
    let busy = cache.resolve(&ALICE, at(0)).await.expect_err("no room");
    assert!(matches!(busy.kind, ResolveErrorKind::Busy), "{busy:?}");
    for number in 0..40 {
        ask(&cache, did(format!("did:plc:{number:a>24}")));
    }
    directory.wait_for(128).await;
    let plc = did(format!("did:plc:{}", "b".repeat(24)));
    let busy = cache.resolve(&plc, at(0)).await.expect_err("no room");
    assert!(matches!(busy.kind, ResolveErrorKind::Busy), "{busy:?}");
    assert_eq!(directory.asked(), 128);
}
