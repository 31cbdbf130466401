//! Health and metrics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use loggia_xrpc_server::{HealthFields, Metrics, Settings};

use crate::methods::service;
use crate::support::{Server, answer, error};

#[tokio::test]
async fn health_says_whether_everything_works() {
    let works = Arc::new(AtomicBool::new(true));
    let checked = Arc::clone(&works);
    let settings = Settings {
        version: "1.2.3".to_owned(),
        ..Settings::default()
    };
    let service = service().settings(settings).health_check(
        "the database",
        Arc::new(move || {
            let works = checked.load(Ordering::Relaxed);
            async move {
                works
                    .then(|| HealthFields::from_iter([("disk".to_owned(), "roomy".into())]))
                    .ok_or_else(|| "secret: disk full".into())
            }
            .boxed()
        }),
    );
    let server = Server::start(service.into_router()).await;
    assert_eq!(
        answer(server.get("/xrpc/_health")).await,
        "200\ncache-control: no-store\ncontent-length: 34\ncontent-type: application/json\n\n\
         {\"disk\":\"roomy\",\"version\":\"1.2.3\"}"
    );
    works.store(false, Ordering::Relaxed);
    assert_eq!(
        answer(server.get("/xrpc/_health")).await,
        error(503, "NotEnoughResources", "the database does not work")
    );

    let settings = Settings {
        public_health: false,
        ..Settings::default()
    };
    let server = Server::start(crate::methods::service().settings(settings).into_router()).await;
    let hidden = answer(server.get("/xrpc/_health")).await;
    assert!(hidden.starts_with("400\n"), "{hidden}");
}

#[tokio::test]
async fn metrics_count_what_the_service_has() {
    let settings = Settings {
        metrics: Some(Metrics::new()),
        public_metrics: true,
        ..Settings::default()
    };
    let server = Server::start(service().settings(settings).into_router()).await;
    for path in [
        "/xrpc/dev.test.greet?name=a",
        "/xrpc/dev.test.greet?name=b",
        "/xrpc/dev.test.greet",
        "/xrpc/dev.test.invented",
        "/xrpc/dev.test.another",
    ] {
        answer(server.get(path)).await;
    }
    let text = answer(server.get("/metrics")).await;
    for line in [
        "content-type: text/plain; version=0.0.4; charset=utf-8",
        r#"xrpc_requests_total{nsid="dev.test.greet",status="200"} 2"#,
        r#"xrpc_requests_total{nsid="dev.test.greet",status="400"} 1"#,
        r#"xrpc_requests_total{nsid="other",status="501"} 2"#,
        r#"xrpc_request_duration_seconds_count{nsid="dev.test.greet"} 3"#,
        r#"xrpc_requests_in_flight{nsid="dev.test.greet"} 0"#,
        r#"xrpc_requests_in_flight{nsid="other"} 1"#,
    ] {
        assert!(
            text.lines().any(|found| found == line),
            "{line} is not in\n{text}"
        );
    }
    assert!(
        !text.contains("invented"),
        "labels are not for callers to make up"
    );
}
