//! Access tokens with DPoP proofs, alone and beside service auth.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use loggia_api::com::atproto::space::notify_write::{Input, NotifyWrite};
use loggia_auth::access_token::{NewAccessToken, OwnAccessTokens};
use loggia_auth::dpop::{NewProof, Target, mint};
use loggia_auth::scope::{Need, RepoAction, RepoNeed};
use loggia_auth::{Jwk, SigningKey};
use loggia_callers::{AccountHolder, Admin, Callers, Either, ServiceCaller};
use loggia_syntax::Nsid;
use loggia_xrpc::{NoBody, Reply};
use loggia_xrpc_server::Service;

use crate::service::{BODY, METHOD};
use crate::world::{
    AUTHOR, HUB, URL, answer, app_key, authorized, callers, key, nonces, now, post, refusal, terms,
    token, with,
};

async fn for_either(caller: Either<ServiceCaller, AccountHolder>, _: Input) -> Reply<NotifyWrite> {
    match caller {
        Either::First(caller) => assert_eq!(caller.did, AUTHOR),
        Either::Second(holder) => {
            assert_eq!(holder.did, AUTHOR);
            let collection = Nsid::from_static("com.example.note");
            let action = RepoAction::Create;
            holder.require(&Need::Repo(RepoNeed {
                collection: &collection,
                action,
            }))?;
        }
    }
    Ok(NoBody)
}

async fn for_admins(_: Admin, _: Input) -> Reply<NotifyWrite> {
    Ok(NoBody)
}

fn router() -> Router {
    let service = Service::<Callers>::new().method::<NotifyWrite, _, _>(for_either);
    callers().with_nonces(service.with_state(callers()))
}

fn access_token(scope: &str) -> String {
    let token = NewAccessToken {
        subject: &AUTHOR,
        client: "https://app.example/client.json",
        scope,
        thumbprint: &Jwk::new(*app_key().public().multikey()).thumbprint(),
        now: now(),
        lifetime: 300,
        id: [1; 16],
    };
    OwnAccessTokens::mint(&key(), "hub", &terms(), &token).expect("a token")
}

/// A call with this token and a proof by this key.
fn call(token: &str, key: &SigningKey, url: &str, nonce: Option<&str>, id: u8) -> Request<Body> {
    let target = Target::parse(url).expect("a URL");
    let proof = NewProof {
        method: "POST",
        target: &target,
        token: Some(token),
        nonce,
        now: now(),
        id: [id; 16],
    };
    let proof = mint(key, &proof).expect("a proof");
    let call = authorized(post(METHOD, BODY), &format!("DPoP {token}"));
    with(call, "dpop", &proof)
}

fn url() -> String {
    format!("{URL}/xrpc/{METHOD}")
}

#[tokio::test]
async fn a_token_and_a_proof_prove_an_account() {
    let router = router();
    let nonce = nonces().current(now());
    let token = access_token("atproto repo:com.example.note");
    let call = |id| call(&token, &app_key(), &url(), Some(&nonce), id);
    let (status, headers, body) = answer(&router, call(1)).await;
    assert_eq!((status, body.as_str()), (200, ""));
    assert_eq!(headers["dpop-nonce"], nonce.as_str());
    assert_eq!(
        refusal(&router, call(1)).await,
        (401, "invalid_dpop_proof".into()),
        "the same proof again"
    );
    assert_eq!(answer(&router, call(2)).await.0, 200);
}

#[tokio::test]
async fn without_a_nonce_the_caller_is_given_one() {
    let router = router();
    let token = access_token("atproto");
    let (status, headers, body) = answer(&router, call(&token, &app_key(), &url(), None, 1)).await;
    assert_eq!(status, 401);
    assert!(body.starts_with(r#"{"error":"use_dpop_nonce""#), "{body}");
    assert_eq!(headers["dpop-nonce"], nonces().current(now()).as_str());
    let challenge = headers["www-authenticate"].to_str().unwrap_or_default();
    assert!(
        challenge.contains(r#"error="use_dpop_nonce""#),
        "{challenge}"
    );
    let exposed = headers["access-control-expose-headers"].to_str();
    let exposed = exposed.unwrap_or_default();
    assert!(exposed.contains("dpop-nonce") && exposed.contains("www-authenticate"));
}

#[tokio::test]
async fn a_proof_is_for_this_url_by_the_key_of_the_token() {
    let router = router();
    let nonce = nonces().current(now());
    let token = access_token("atproto");
    let elsewhere = call(
        &token,
        &app_key(),
        "https://other.example/xrpc/x",
        Some(&nonce),
        1,
    );
    assert_eq!(
        refusal(&router, elsewhere).await,
        (401, "invalid_dpop_proof".into())
    );
    let stranger = SigningKey::generate_p256().expect("a key");
    let stolen = call(&token, &stranger, &url(), Some(&nonce), 2);
    assert_eq!(
        refusal(&router, stolen).await,
        (401, "invalid_token".into())
    );
}

#[tokio::test]
async fn what_the_token_does_not_allow_is_refused_with_the_scope_that_would() {
    let nonce = nonces().current(now());
    let token = access_token("atproto repo:com.example.other");
    let call = call(&token, &app_key(), &url(), Some(&nonce), 1);
    let (status, _, body) = answer(&router(), call).await;
    assert_eq!(status, 403);
    assert_eq!(
        body,
        r#"{"error":"ScopeMissingError","message":"Missing required scope \"repo:com.example.note?action=create\""}"#
    );
}

#[tokio::test]
async fn a_method_for_two_kinds_takes_either_and_names_both() {
    let router = router();
    let service = format!("Bearer {}", token(HUB, METHOD, 1));
    let by_service = authorized(post(METHOD, BODY), &service);
    assert_eq!(answer(&router, by_service).await.0, 200);

    let (status, headers, _) = answer(&router, post(METHOD, BODY)).await;
    let challenges: Vec<_> = headers.get_all("www-authenticate").iter().collect();
    let challenges: Vec<_> = challenges.iter().map(|value| value.as_bytes()).collect();
    assert_eq!(
        (status, challenges),
        (401, vec![&b"Bearer"[..], b"DPoP algs=\"ES256\""])
    );
    let basic = authorized(post(METHOD, BODY), "Basic abc");
    assert_eq!(refusal(&router, basic).await, (400, "InvalidToken".into()));
}

#[tokio::test]
async fn an_administrator_is_named_by_the_service() {
    let service = || Service::<Callers>::new().method::<NotifyWrite, _, _>(for_admins);
    let call = || {
        authorized(
            post(METHOD, BODY),
            &format!("Bearer {}", token(HUB, METHOD, 1)),
        )
    };
    let named = service().with_state(callers());
    assert_eq!(answer(&named, call()).await.0, 200);
    let unnamed = service().with_state(crate::world::without_admins());
    assert_eq!(refusal(&unnamed, call()).await, (403, "Forbidden".into()));
}
