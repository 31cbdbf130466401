//! Service auth, for this service and for whom the body names.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{FromRef, State};
use loggia_api::com::atproto::space::notify_write::{Input, NotifyWrite};
use loggia_callers::{AudiencePolicy, Callers, ServiceCaller};
use loggia_xrpc::{NoBody, Rejection, Reply};
use loggia_xrpc_server::{Arguments, Refusal, Service};

use crate::world::{AUTHOR, HUB, answer, authorized, callers, post, refusal, token};

pub const METHOD: &str = "com.atproto.space.notifyWrite";
pub const BODY: &str = r#"{"space":"at://did:web:club.example/space/app.example.forum/main",
    "repo":"did:web:author.example","repoRev":"3jzfcijpj2z2a","hash":{"$bytes":"AAAA"}}"#;
const CLUB: &str = "did:web:club.example#atproto_space_host";

#[derive(Clone, FromRef)]
struct App {
    callers: Callers,
    greeting: &'static str,
}

/// For whom the token must be follows from the space in the body.
enum HostOfSpace {}

impl<P, S> AudiencePolicy<P, Input, S> for HostOfSpace {
    fn audiences(arguments: Arguments<'_, P, Input>, _: &S) -> Result<Arc<[String]>, Refusal> {
        let authority = arguments.input.space.authority();
        if authority.as_str() == "did:web:stranger.example" {
            return Err(Rejection::new(400, "SpaceNotFound", "no such space here").into());
        }
        Ok([
            authority.to_string(),
            format!("{authority}#atproto_space_host"),
        ]
        .into())
    }
}

async fn for_this_service(
    State(greeting): State<&'static str>,
    caller: ServiceCaller,
    _: Input,
) -> Reply<NotifyWrite> {
    assert_eq!((greeting, caller.did), ("hello", AUTHOR));
    Ok(NoBody)
}

async fn for_the_host(caller: ServiceCaller<HostOfSpace>, input: Input) -> Reply<NotifyWrite> {
    assert_eq!((caller.did, caller.audience.as_str()), (input.repo, CLUB));
    Ok(NoBody)
}

fn app() -> App {
    App {
        callers: callers(),
        greeting: "hello",
    }
}

fn own() -> Router {
    let service = Service::new().method::<NotifyWrite, _, _>(for_this_service);
    service.with_state(app())
}

fn host() -> Router {
    let service = Service::new().method::<NotifyWrite, _, _>(for_the_host);
    service.with_state(app())
}

fn bearer(audience: &str, id: u8) -> String {
    format!("Bearer {}", token(audience, METHOD, id))
}

#[tokio::test]
async fn a_token_for_this_service_is_taken_once() {
    let router = own();
    let token = bearer(HUB, 1);
    let (status, _, body) = answer(&router, authorized(post(METHOD, BODY), &token)).await;
    assert_eq!((status, body.as_str()), (200, ""));
    assert_eq!(
        refusal(&router, authorized(post(METHOD, BODY), &token)).await,
        (401, "JwtReplayed".into())
    );
}

#[tokio::test]
async fn the_body_says_for_whom_a_token_must_be() {
    let router = host();
    let (status, _, body) = answer(&router, authorized(post(METHOD, BODY), &bearer(CLUB, 1))).await;
    assert_eq!((status, body.as_str()), (200, ""));
    let for_the_hub = authorized(post(METHOD, BODY), &bearer(HUB, 2));
    assert_eq!(
        refusal(&router, for_the_hub).await,
        (401, "BadJwtAudience".into())
    );
    let elsewhere = BODY.replace("club.example", "stranger.example");
    let elsewhere = authorized(post(METHOD, &elsewhere), &bearer(CLUB, 3));
    assert_eq!(
        refusal(&router, elsewhere).await,
        (400, "SpaceNotFound".into())
    );
}

#[tokio::test]
async fn a_token_is_not_used_up_by_a_call_that_is_refused_for_its_arguments() {
    let router = host();
    let token = bearer(CLUB, 1);
    let wrong = authorized(post(METHOD, r#"{"space":"no"}"#), &token);
    assert_eq!(
        refusal(&router, wrong).await,
        (400, "InvalidRequest".into())
    );
    let (status, _, _) = answer(&router, authorized(post(METHOD, BODY), &token)).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn claims_are_looked_at_before_the_body() {
    let router = host();
    let unread = || post(METHOD, "not even JSON");
    let (status, headers, _) = answer(&router, unread()).await;
    assert_eq!(
        (
            status,
            headers["www-authenticate"].to_str().unwrap_or_default()
        ),
        (401, "Bearer")
    );
    for (authorization, error) in [
        ("Bearer", (401, "MissingJwt")),
        ("Basic abc", (400, "InvalidToken")),
        ("Bearer abc", (401, "BadJwt")),
    ] {
        let (status, name) = refusal(&router, authorized(unread(), authorization)).await;
        assert_eq!((status, name.as_str()), error, "{authorization}");
    }
    let other = format!("Bearer {}", token(CLUB, "com.example.other", 1));
    assert_eq!(
        refusal(&router, authorized(unread(), &other)).await,
        (401, "BadJwtLexiconMethod".into())
    );
}

#[tokio::test]
async fn two_authorization_headers_are_refused() {
    let twice = authorized(
        authorized(post(METHOD, BODY), &bearer(CLUB, 1)),
        &bearer(CLUB, 2),
    );
    assert_eq!(
        refusal(&host(), twice).await,
        (400, "InvalidRequest".into())
    );
}

/// Log lines of this thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn who_called_stands_in_the_log() {
    let lines = Lines::default();
    let writer = lines.clone();
    let logs = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone());
    // Everything of this test runs on this thread.
    let _logging = tracing::subscriber::set_default(logs.finish());
    let router = own();
    answer(&router, authorized(post(METHOD, BODY), &bearer(HUB, 1))).await;
    let log = String::from_utf8(lines.0.lock().expect("no panic").clone()).expect("text");
    let answered = log.lines().find(|line| line.contains("answered"));
    let named = format!("caller=\"{AUTHOR}\"");
    assert!(answered.is_some_and(|line| line.contains(&named)), "{log}");
}
