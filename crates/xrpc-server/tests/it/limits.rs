//! Rate limits, concurrency, time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use loggia_xrpc::Reply;
use loggia_xrpc_server::{Clock, MethodLimits, RateLimit, Service, Settings, by_forwarded_address};
use tokio::sync::Notify;

use crate::methods::service;
use crate::support::lexicons::Touch;
use crate::support::{Server, answer, error_with};

/// A clock that stands still until it is set.
#[derive(Default)]
struct Standing(AtomicU64);

impl Clock for Standing {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

#[tokio::test]
async fn a_caller_has_so_many_calls_in_a_window() {
    let clock = Arc::new(Standing(AtomicU64::new(1000)));
    let settings = Settings {
        rate_limits: vec![RateLimit::new(2, Duration::from_secs(300))],
        rate_key: by_forwarded_address(1),
        clock: clock.clone(),
        ..Settings::default()
    };
    let server = Server::start(service().settings(settings).into_router()).await;
    let touch = async |from: &str| {
        answer(
            server
                .post("dev.test.touch")
                .header("x-forwarded-for", from),
        )
        .await
    };
    let allowed = |remaining: u32, reset: u64| {
        format!(
            "200\ncontent-length: 0\nratelimit-limit: 2\nratelimit-policy: 2;w=300\n\
             ratelimit-remaining: {remaining}\nratelimit-reset: {reset}\n\n"
        )
    };
    assert_eq!(touch("1.1.1.1").await, allowed(1, 1200));
    assert_eq!(touch("1.1.1.1").await, allowed(0, 1200));
    assert_eq!(
        touch("1.1.1.1").await,
        error_with(
            429,
            &[
                "ratelimit-limit: 2",
                "ratelimit-policy: 2;w=300",
                "ratelimit-remaining: 0",
                "ratelimit-reset: 1200",
                "retry-after: 200"
            ],
            "RateLimitExceeded",
            "more than 2 calls in 300 seconds; try again in 200 seconds"
        )
    );
    assert_eq!(touch("2.2.2.2").await, allowed(1, 1200), "another caller");
    clock.0.store(1200, Ordering::Relaxed);
    assert_eq!(touch("1.1.1.1").await, allowed(1, 1500), "another window");
}

#[tokio::test]
async fn a_method_may_have_a_limit_of_its_own() {
    let limits = MethodLimits {
        rate_limits: vec![RateLimit::new(1, Duration::from_secs(60))],
        ..MethodLimits::default()
    };
    let settings = Settings {
        clock: Arc::new(Standing::default()),
        ..Settings::default()
    };
    let service = service()
        .settings(settings)
        .limits("dev.test.touch", limits);
    let server = Server::start(service.into_router()).await;
    assert!(
        answer(server.post("dev.test.touch"))
            .await
            .starts_with("200\n")
    );
    assert!(
        answer(server.post("dev.test.touch"))
            .await
            .starts_with("429\n")
    );
    let greeted = answer(server.get("/xrpc/dev.test.greet?name=Ada")).await;
    assert!(
        greeted.starts_with("200\n") && !greeted.contains("ratelimit"),
        "{greeted}"
    );
}

/// A service whose `dev.test.touch` waits, and what wakes it.
fn waiting(settings: Settings) -> (Service, Arc<Notify>, Arc<Notify>) {
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (enters, leaves) = (Arc::clone(&entered), Arc::clone(&leave));
    let touch = move || {
        let (enters, leaves) = (Arc::clone(&enters), Arc::clone(&leaves));
        async move {
            enters.notify_one();
            leaves.notified().await;
            Reply::<Touch>::Ok(loggia_xrpc::NoBody)
        }
    };
    (
        Service::new()
            .method::<Touch, _, _>(touch)
            .settings(settings),
        entered,
        leave,
    )
}

#[tokio::test]
async fn only_so_many_calls_at_a_time() {
    let (service, entered, leave) = waiting(Settings {
        most_calls: 1,
        ..Settings::default()
    });
    let server = Server::start(service.into_router()).await;
    let first = tokio::spawn(server.post("dev.test.touch").send());
    entered.notified().await;
    assert_eq!(
        answer(server.post("dev.test.touch")).await,
        error_with(
            503,
            &["retry-after: 1"],
            "NotEnoughResources",
            "too many calls at the same time; try again soon"
        )
    );
    leave.notify_one();
    let first = first.await.expect("no panic").expect("an answer");
    assert_eq!(first.status(), 200);
}

#[tokio::test]
async fn a_call_has_so_much_time() {
    let limits = MethodLimits {
        request_timeout: Some(Duration::from_millis(20)),
        ..MethodLimits::default()
    };
    let (service, _entered, _leave) = waiting(Settings::default());
    let server = Server::start(service.limits("dev.test.touch", limits).into_router()).await;
    assert_eq!(
        answer(server.post("dev.test.touch")).await,
        error_with(
            503,
            &["retry-after: 1"],
            "NotEnoughResources",
            "the answer took too long; try again later"
        )
    );
}
