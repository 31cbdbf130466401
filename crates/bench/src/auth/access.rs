//! An access token of ours and the DPoP proof of its holder.

use loggia_auth::access_token::{AccessRequest, NewAccessToken, OwnAccessTokens, Terms};
use loggia_auth::dpop::{NewProof, Target, mint};
use loggia_auth::{AccessTokens, DpopAccess, Jwk, JwkSet, MemoryReplayStore, Nonces, SigningKey};
use loggia_syntax::Did;
use tokio::runtime::Runtime;

use super::bare::{Signed, p256};
use super::{Ids, NOW};

const ACCOUNT: Did = Did::from_static("did:plc:ewvi7nxzyoun6zhxrhs64oiz");
const ISSUER: &str = "https://api.loggia.example";
const URL: &str = "https://api.loggia.example/xrpc/place.stream.server.createWebhook";
const KID: &str = "2026-10";

/// What a request carries in its header.
struct Request {
    authorization: String,
    proof: String,
}

/// An issuer with its key, and a holder with theirs.
struct World {
    issuer: SigningKey,
    holder: SigningKey,
    thumbprint: String,
    terms: Terms,
    target: Target,
    access: DpopAccess<MemoryReplayStore>,
    ids: Ids,
}

pub fn contests(runtime: &Runtime) {
    let world = World::new();
    let token = world.token();
    let proof = || Signed::like(&world.holder, &world.request(&token).proof);
    let access = || Signed::like(&world.issuer, &world.token());
    super::contest(
        runtime,
        "access token and DPoP proof (P-256), first use",
        || vec![proof(), access()],
        || world.request(&world.token()),
        async |request| world.prove(request).await,
    );
    super::contest(
        runtime,
        "the same access token again, with another proof",
        || vec![proof()],
        || world.request(&token),
        async |request| world.prove(request).await,
    );
}

impl World {
    fn new() -> Self {
        let (issuer, holder) = (p256(), p256());
        let terms = Terms::new(ISSUER, ISSUER).with_scope("atproto");
        let keys = JwkSet::of([(KID.to_owned(), issuer.public().clone())]);
        let tokens = AccessTokens::new().with(OwnAccessTokens::new(terms.clone(), keys));
        Self {
            thumbprint: Jwk::new(*holder.public().multikey()).thumbprint(),
            target: Target::parse(URL).expect("a URL"),
            access: DpopAccess::new(tokens, MemoryReplayStore::default(), Nonces::new(&[9; 32])),
            ids: Ids::default(),
            issuer,
            holder,
            terms,
        }
    }

    fn token(&self) -> String {
        let new = NewAccessToken {
            subject: &ACCOUNT,
            client: "https://app.example/client-metadata.json",
            scope: "atproto rpc:place.stream.server.createWebhook?aud=*",
            thumbprint: &self.thumbprint,
            now: NOW,
            lifetime: 900,
            id: self.ids.next(),
        };
        OwnAccessTokens::mint(&self.issuer, KID, &self.terms, &new).expect("a token")
    }

    fn request(&self, token: &str) -> Request {
        let new = NewProof {
            method: "POST",
            target: &self.target,
            token: Some(token),
            nonce: Some(&self.access.nonce(NOW)),
            now: NOW,
            id: self.ids.next(),
        };
        Request {
            authorization: format!("DPoP {token}"),
            proof: mint(&self.holder, &new).expect("a proof"),
        }
    }

    async fn prove(&self, request: &Request) {
        let request = AccessRequest {
            authorization: &[&request.authorization],
            dpop: &[&request.proof],
            method: "POST",
            target: &self.target,
            now: NOW,
        };
        let token = self.access.verify(&request).await;
        assert_eq!(token.expect("it is genuine").subject, ACCOUNT);
    }
}
