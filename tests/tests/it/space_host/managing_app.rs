//! A managing app that is built with the same crates: whom it lets in, and who may ask it.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::routing::get;
use loggia_api::com::atproto::simplespace::check_user_access::{CheckUserAccess, Output, Params};
use loggia_callers::{Callers, Network, SpaceAuthority, SpacePolicy, Wanted};
use loggia_syntax::Did;
use loggia_xrpc::{Method as _, Reply};
use loggia_xrpc_server::{Arguments, Refusal, Service};
use serde_json::json;
use tokio::net::TcpListener;

use super::credentials::{document, refused};
use crate::support::TestServer;
use crate::support::spaces::{CREATE_SPACE, SpaceReader, ask, forum_of_members};

/// What the app knows.
#[derive(Clone)]
struct App {
    callers: Callers,
    guests: BTreeSet<Did>,
}

impl FromRef<App> for Callers {
    fn from_ref(app: &App) -> Self {
        app.callers.clone()
    }
}

/// Only the authority of a space asks about it.
enum OfTheQuestion {}

impl<I, S> SpacePolicy<Params, I, S> for OfTheQuestion {
    fn wanted(arguments: Arguments<'_, Params, I>, _: &S) -> Result<Wanted, Refusal> {
        Ok(Wanted {
            space: arguments.params.space.clone(),
            repo: None,
        })
    }
}

async fn check(
    State(app): State<App>,
    _: SpaceAuthority<OfTheQuestion>,
    params: Params,
) -> Reply<CheckUserAccess> {
    Ok(Output {
        authorized: app.guests.contains(&params.user),
        extra: Default::default(),
    })
}

/// Serves the app that lets these in; its name as a managing app.
async fn start(guests: BTreeSet<Did>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let name = format!("did:web:localhost%3A{port}#access");
    let network = Network {
        development: true,
        ..Network::default()
    };
    let callers = Callers::over_network([name.clone()], &network).expect("a client");
    let app = App {
        callers: callers.build(),
        guests,
    };
    let service = Service::<App>::new().method::<CheckUserAccess, _, _>(check);
    let router = Router::new()
        .route("/.well-known/did.json", get(document))
        .merge(service.with_state(app));
    tokio::spawn(async move { axum::serve(listener, router).await });
    name
}

#[tokio::test]
async fn it_answers_the_authority_of_a_space_and_nobody_else() {
    let server = TestServer::start().await;
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| server.account(name));
    let app = start([bob.did.clone()].into()).await;
    let managed = json!({
        "$type": "com.atproto.simplespace.defs#managingAppPolicy",
        "managingApp": app,
    });
    let mut forum = forum_of_members();
    forum["readPolicy"] = managed;
    let opened = alice.procedure(CREATE_SPACE, &forum).await.output();
    let space = opened["uri"].as_str().expect("a name");
    SpaceReader::of(&server, &bob, space).await;
    let (_, answer) = ask(&server, &carol, space).await;
    refused(&answer, 400, "UserNotAuthorized");

    // Carol may not ask whether Bob is let in, nor Alice with a token for somebody else.
    let port = app.trim_start_matches("did:web:localhost%3A");
    let port = port.trim_end_matches("#access");
    let url = format!("http://localhost:{port}/xrpc/{}", CheckUserAccess::NSID);
    let asked = [("space", space), ("user", bob.did.as_str())];
    let ask = async |token: Option<String>| {
        let request = reqwest::Client::new().get(&url).query(&asked);
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.send().await.expect("the app answers");
        answer.status().as_u16()
    };
    let now = loggia_delivery::Clock::now(&loggia_delivery::SystemClock);
    let token = |who: &crate::support::Account<'_>, to: &str| {
        Some(who.token_for(to, CheckUserAccess::NSID, now))
    };
    assert_eq!(ask(token(&alice, &app)).await, 200);
    assert_eq!(ask(token(&carol, &app)).await, 403);
    assert_eq!(ask(token(&alice, &server.did)).await, 401);
    assert_eq!(ask(None).await, 401);
}
