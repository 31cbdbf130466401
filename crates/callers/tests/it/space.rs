//! Space credentials in both forms, and the authority of a space.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use loggia_api::com::atproto::space::list_repos::{ListRepos, Output, Params};
use loggia_auth::Jwk;
use loggia_auth::dpop;
use loggia_auth::http_signature;
use loggia_auth::space_credential::{KeyBinding, NewCredential, mint};
use loggia_callers::{Callers, SpaceAuthority, SpacePolicy, SpaceReader, Wanted};
use loggia_syntax::SpaceRef;
use loggia_xrpc::Reply;
use loggia_xrpc_server::{Arguments, Refusal, Service};

use crate::world::{
    CLUB, HUB, URL, answer, app_key, authorized, callers, get, key, now, refusal, token, with,
};

const METHOD: &str = "com.atproto.space.listRepos";
const SPACE: &str = "at://did:web:club.example/space/app.example.forum/main";
const OTHER: &str = "at://did:web:club.example/space/app.example.forum/other";

/// The space of `listRepos`, which is about no one repository.
enum Listed {}

impl<I, S> SpacePolicy<Params, I, S> for Listed {
    fn wanted(arguments: Arguments<'_, Params, I>, _: &S) -> Result<Wanted, Refusal> {
        Ok(Wanted {
            space: arguments.params.space.clone(),
            repo: None,
        })
    }
}

fn nothing() -> Output {
    Output {
        repos: Vec::new(),
        cursor: None,
        extra: Default::default(),
    }
}

async fn for_readers(caller: SpaceReader<Listed>, params: Params) -> Reply<ListRepos> {
    assert_eq!(caller.wanted.space, params.space);
    Ok(nothing())
}

async fn for_the_authority(caller: SpaceAuthority<Listed>, _: Params) -> Reply<ListRepos> {
    assert_eq!(caller.did, CLUB);
    Ok(nothing())
}

fn readers() -> Router {
    let service = Service::<Callers>::new().method::<ListRepos, _, _>(for_readers);
    service.with_state(callers())
}

fn list(space: &str) -> Request<Body> {
    get(&format!("{METHOD}?space={space}"))
}

fn credential(binding: &KeyBinding) -> String {
    let credential = NewCredential {
        space: &SpaceRef::new(SPACE).expect("a space"),
        binding,
        fragment: "#atproto_space",
        now: now(),
        lifetime: binding.usual_lifetime(),
        id: [1; 16],
    };
    mint(&key(), &credential).expect("a credential")
}

/// A request signed as in October, for this audience.
fn signed(request: Request<Body>, audience: &str) -> Request<Body> {
    let key = app_key();
    let binding = KeyBinding::HttpSignature(key.public().clone());
    let authorization = format!("Atproto-Space {}", credential(&binding));
    let fields = http_signature::sign(&key, &authorization, Some(audience)).expect("a signature");
    let request = authorized(request, &authorization);
    let request = with(request, "atproto-space-audience", audience);
    let request = with(request, "signature-input", &fields.input);
    with(request, "signature", &fields.signature)
}

/// A request with a proof as in August.
fn proved(request: Request<Body>) -> Request<Body> {
    let key = app_key();
    let thumbprint = Jwk::new(*key.public().multikey()).thumbprint();
    let credential = credential(&KeyBinding::Dpop(thumbprint));
    let target = format!("{URL}/xrpc/{METHOD}");
    let proof = dpop::NewProof {
        method: "GET",
        target: &dpop::Target::parse(&target).expect("a URL"),
        token: Some(&credential),
        nonce: None,
        now: now(),
        id: [1; 16],
    };
    let proof = dpop::mint(&key, &proof).expect("a proof");
    with(
        authorized(request, &format!("DPoP {credential}")),
        "dpop",
        &proof,
    )
}

#[tokio::test]
async fn a_credential_of_either_form_reads_its_space() {
    let router = readers();
    for request in [signed(list(SPACE), CLUB.as_str()), proved(list(SPACE))] {
        let (status, _, body) = answer(&router, request).await;
        assert_eq!((status, body.as_str()), (200, r#"{"repos":[]}"#));
    }
}

#[tokio::test]
async fn a_credential_reads_no_other_space() {
    let router = readers();
    for request in [signed(list(OTHER), CLUB.as_str()), proved(list(OTHER))] {
        assert_eq!(
            refusal(&router, request).await,
            (400, "InvalidCredential".into())
        );
    }
}

#[tokio::test]
async fn a_request_for_somebody_else_is_refused() {
    let request = signed(list(SPACE), "did:web:author.example");
    assert_eq!(
        refusal(&readers(), request).await,
        (401, "BadSpaceAudience".into())
    );
}

#[tokio::test]
async fn a_credential_beside_other_credentials_is_refused_as_one() {
    let twice = authorized(signed(list(SPACE), CLUB.as_str()), "Bearer abc");
    let (status, headers, body) = answer(&readers(), twice).await;
    assert!(body.contains("BadSpaceSignature"), "{body}");
    assert_eq!(status, 401);
    assert!(headers.contains_key("www-authenticate"));
}

#[tokio::test]
async fn a_changed_request_is_refused() {
    let mut request = signed(list(SPACE), CLUB.as_str());
    let audience = "did:web:author.example".parse().expect("header text");
    request
        .headers_mut()
        .insert("atproto-space-audience", audience);
    assert_eq!(
        refusal(&readers(), request).await,
        (401, "BadSpaceSignature".into())
    );
}

#[tokio::test]
async fn no_credential_is_challenged() {
    let (status, headers, _) = answer(&readers(), list(SPACE)).await;
    assert_eq!(
        (status, headers["www-authenticate"].as_bytes()),
        (401, &b"Atproto-Space"[..])
    );
}

#[tokio::test]
async fn the_authority_of_a_space_is_its_authority_only() {
    let service = Service::<Callers>::new().method::<ListRepos, _, _>(for_the_authority);
    let router = service.with_state(callers());
    let author = authorized(list(SPACE), &format!("Bearer {}", token(HUB, METHOD, 1)));
    assert_eq!(refusal(&router, author).await, (403, "Forbidden".into()));
    let club = crate::world::token_of(&CLUB, HUB, METHOD, 2);
    let club = authorized(list(SPACE), &format!("Bearer {club}"));
    assert_eq!(answer(&router, club).await.0, 200);
}
