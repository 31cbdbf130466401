//! Who may call at all, and how often each of them may.

use std::time::Duration;

use axum::http::request::Parts;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use loggia_xrpc::Rejection;
use loggia_xrpc_server::{
    CallerKey, Gate, Quota, RateLimit, Refusal, Settings, by_forwarded_address,
};

use crate::methods::service;
use crate::support::{Server, answer, error};

/// Lets in who says a name, with as many calls a minute as the name has letters; and Eve, who panics.
struct Names;

impl Gate for Names {
    fn admit<'a>(&'a self, parts: &'a mut Parts) -> BoxFuture<'a, Result<Option<Quota>, Refusal>> {
        async {
            let name = parts
                .headers
                .get("name")
                .and_then(|name| name.to_str().ok());
            match name {
                None => Err(Rejection::new(401, "NoName", "say your name").into()),
                Some("Eve") => panic!("the secret of the gate"),
                Some("anybody") => Ok(None),
                Some(name) => Ok(Some(Quota {
                    caller: CallerKey::Name(name.into()),
                    per_minute: u32::try_from(name.len()).expect("a short name"),
                })),
            }
        }
        .boxed()
    }
}

async fn start(settings: Settings) -> Server {
    Server::start(service().settings(settings).gate(Names).into_router()).await
}

/// The answer to a call by somebody of this name, with the end of its window cut out.
async fn touch(server: &Server, name: &str) -> String {
    let call = server
        .post("dev.test.touch")
        .header("x-forwarded-for", "1.1.1.1")
        .header("name", name);
    let text = answer(call).await;
    let changing =
        |line: &&str| !line.starts_with("ratelimit-reset: ") && !line.starts_with("retry-after: ");
    let lines: Vec<_> = text.split_inclusive('\n').filter(changing).collect();
    lines.concat()
}

fn allowed(limit: u32, window: u32, remaining: u32) -> String {
    format!(
        "200\ncontent-length: 0\nratelimit-limit: {limit}\nratelimit-policy: {limit};w={window}\n\
         ratelimit-remaining: {remaining}\n\n"
    )
}

#[tokio::test]
async fn the_gate_refuses_before_anything_is_read() {
    let server = start(Settings::default()).await;
    assert_eq!(
        answer(server.post_json("dev.test.put", "no JSON at all")).await,
        error(401, "NoName", "say your name")
    );
    let open = answer(server.post("dev.test.touch").header("name", "anybody")).await;
    assert_eq!(open, "200\ncontent-length: 0\n\n", "without a quota");
    let panics = answer(server.post("dev.test.touch").header("name", "Eve")).await;
    assert_eq!(
        panics,
        error(500, "InternalServerError", "Internal Server Error")
    );
    let health = answer(server.get("/xrpc/_health")).await;
    assert!(health.starts_with("200\n"), "{health}");
}

#[tokio::test]
async fn each_caller_has_a_quota_of_its_own() {
    let server = start(Settings::default()).await;
    assert_eq!(touch(&server, "Al").await, allowed(2, 60, 1));
    assert_eq!(touch(&server, "Bob").await, allowed(3, 60, 2));
    assert_eq!(touch(&server, "Al").await, allowed(2, 60, 0));
    let refused = touch(&server, "Al").await;
    assert!(
        refused.starts_with("429\n")
            && refused.contains("ratelimit-remaining: 0\n")
            && refused.contains("more than 2 calls in 60 seconds"),
        "{refused}"
    );
    assert_eq!(touch(&server, "Bob").await, allowed(3, 60, 1));
}

#[tokio::test]
async fn the_tighter_of_quota_and_limit_answers() {
    let settings = Settings {
        rate_limits: vec![RateLimit::new(3, Duration::from_secs(3600))],
        rate_key: by_forwarded_address(1),
        ..Settings::default()
    };
    let server = start(settings).await;
    assert_eq!(touch(&server, "Al").await, allowed(2, 60, 1));
    assert_eq!(touch(&server, "Catherine").await, allowed(3, 3600, 1));
    // Who is refused at the gate is counted as well: nobody guesses without end.
    let unnamed = server.post("dev.test.touch");
    let unnamed = answer(unnamed.header("x-forwarded-for", "1.1.1.1")).await;
    assert!(unnamed.starts_with("401\n"), "{unnamed}");
    assert!(unnamed.contains("ratelimit-remaining: 0\n"), "{unnamed}");
    let refused = touch(&server, "Catherine").await;
    assert!(refused.starts_with("429\n"), "{refused}");
}

#[tokio::test]
async fn what_is_no_method_is_counted_as_a_call() {
    let settings = Settings {
        rate_limits: vec![RateLimit::new(2, Duration::from_secs(3600))],
        ..Settings::default()
    };
    let server = start(settings).await;
    let unknown = answer(server.get("/xrpc/dev.test.unheardOf")).await;
    assert!(unknown.starts_with("501\n"), "{unknown}");
    assert!(unknown.contains("ratelimit-remaining: 1\n"), "{unknown}");
    let nowhere = answer(server.get("/admin.php")).await;
    assert!(nowhere.starts_with("404\n"), "{nowhere}");
    let refused = answer(server.get("/xrpc/dev.test.unheardOf")).await;
    assert!(refused.starts_with("429\n"), "{refused}");
    let health = answer(server.get("/xrpc/_health")).await;
    assert!(health.starts_with("200\n"), "{health}");
}
