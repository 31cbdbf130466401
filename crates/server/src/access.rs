//! Ways in beside service auth: keys of API clients, access tokens of this server's own and of the
//! issuers that it trusts, and space credentials.

use std::sync::Arc;

use loggia_auth::access_token::DpopAccess;
use loggia_auth::attestation::{Clients, ClientsSettings};
use loggia_auth::dpop::PublicUrl;
use loggia_auth::space_credential::Exchange;
use loggia_auth::{AccessTokens, Attestations, Delegations, Nonces, SpaceCredentials};
use loggia_callers::{Callers, Web};
use loggia_storage::{Replays, RevokedCredentials, Storage};
use loggia_xrpc_server::{KeyFunction, by_forwarded_address, by_peer_address};

use crate::api_clients::ClientGate;
use crate::config::Config;
use crate::derived::{self, Purpose};
use crate::issuers::{self, TrustedIssuer};
use crate::keys::Keyring;
use crate::origin::Origin;
use crate::outgoing::Outgoing;
use crate::own_tokens::OwnTokens;
use crate::reach::Documents;
use crate::space_credentials::{Revocations, SpaceForms};
use crate::token_exchange::{ExchangeParts, TokenExchange};
use crate::used_tokens::UsedTokens;

/// What lets callers in.
pub struct Access {
    /// Knows API clients.
    pub gate: ClientGate,
    /// Issues and verifies access tokens.
    pub tokens: OwnTokens,
    /// Hands out nonces, the same at the token endpoint and at methods.
    pub nonces: Nonces,
    origin: Origin,
    issuers: Vec<TrustedIssuer>,
    outgoing: Outgoing,
    forms: SpaceForms,
    used: Replays,
    revoked: RevokedCredentials,
    rate_key: KeyFunction,
}

impl Access {
    /// The ways into the server at this origin. Other issuers are asked through `outgoing`.
    pub fn new(
        config: &Config,
        master_key: &[u8; 32],
        origin: &Origin,
        storage: &Storage,
        keys: &Keyring,
        outgoing: &Outgoing,
    ) -> Self {
        Self {
            gate: ClientGate::new(config.client_keys, storage),
            tokens: OwnTokens::new(origin, keys.clone()),
            nonces: Nonces::new(&derived::derive(master_key, Purpose::Nonces)),
            origin: origin.clone(),
            issuers: config.issuers.clone(),
            outgoing: outgoing.clone(),
            forms: config.space_credentials,
            used: storage.replays().with_most(config.used_tokens_kept),
            revoked: storage.revoked_credentials(),
            rate_key: rate_key(config),
        }
    }

    /// Proves callers, with keys from these documents: by service auth, by access tokens, and by
    /// space credentials in the forms that are taken.
    pub fn callers(&self, documents: Documents) -> Callers {
        let used = || UsedTokens(self.used.clone());
        let callers = Callers::builder(self.origin.audiences(), documents.clone(), used())
            .access_tokens(self.verifier(), self.public_url());
        let Some(profiles) = self.forms.profiles() else {
            return callers.build();
        };
        let revoked = Revocations(self.revoked.clone());
        let delegations = Delegations::new(documents.clone(), used());
        let exchange = Exchange::new(delegations, profiles);
        let credentials = SpaceCredentials::new(documents, revoked, used(), profiles);
        callers
            .space_credentials(credentials, self.public_url())
            .exchange(exchange, self.public_url())
            .build()
    }

    /// Proves apps, whose metadata and keys are fetched through the guarded client.
    pub fn attestations(&self) -> Attestations<Web, UsedTokens> {
        let clients = Clients::new(Web(self.outgoing.0.clone()), ClientsSettings::default());
        Attestations::new(clients, UsedTokens(self.used.clone()))
    }

    /// Where it is kept which tokens were used.
    pub fn used_tokens(&self) -> Replays {
        self.used.clone()
    }

    /// Where service auth becomes an access token.
    pub fn exchange(&self, callers: Callers) -> TokenExchange {
        let parts = ExchangeParts {
            callers,
            used: self.used.clone(),
            nonces: self.nonces.clone(),
            tokens: self.tokens.clone(),
            gate: self.gate.clone(),
            issuers: self.issuers.iter().map(|one| one.issuer.clone()).collect(),
            rate_key: Arc::clone(&self.rate_key),
        };
        TokenExchange::new(&self.origin, parts)
    }

    /// The URL under which proofs name this server, whatever the `Host` header says.
    pub fn public_url(&self) -> PublicUrl {
        PublicUrl::new(&self.origin.url).expect("an origin is an http URL")
    }

    /// Proves callers by the access tokens that the exchange gives, and by those of the issuers that
    /// the settings name. What it learns of those it keeps: there should be one.
    pub fn verifier(&self) -> DpopAccess<UsedTokens> {
        let own = AccessTokens::new().with(self.tokens.clone());
        let tokens = issuers::trust(own, &self.issuers, &self.origin, &self.outgoing.0);
        DpopAccess::new(tokens, UsedTokens(self.used.clone()), self.nonces.clone())
    }
}

/// Whom limits count as one caller: an address, which the outermost of our proxies saw.
pub fn rate_key(config: &Config) -> KeyFunction {
    match config.proxies {
        0 => Arc::new(by_peer_address),
        proxies => by_forwarded_address(proxies),
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use loggia_auth::access_token::{AccessRequest, NewAccessToken};
    use loggia_auth::dpop::{NewProof, Target, mint};
    use loggia_auth::{Jwk, SigningKey};
    use loggia_storage::MasterKey;
    use loggia_syntax::Did;

    use super::*;
    use crate::keys::TOKEN_LIFETIME;
    use crate::own_tokens::BASE_SCOPE;
    use crate::reach::outgoing;

    const START: Timestamp = Timestamp::constant(1_700_000_000, 0);

    struct World {
        issuer: Access,
        other: Access,
        app: SigningKey,
        token: String,
    }

    impl World {
        /// Two nodes that share keys and master key, and a token that one of them issued.
        async fn new() -> Self {
            let storage = Storage::memory("access", &MasterKey::new([7; 32])).await;
            let storage = storage.expect("opens");
            let keys = Keyring::open(&storage, START).await.expect("makes keys");
            let origin = Origin::development(2510);
            let config = Config::defaults();
            let outgoing = outgoing(&config).expect("a client");
            let node = || Access::new(&config, &[7; 32], &origin, &storage, &keys, &outgoing);
            let (issuer, other) = (node(), node());
            let app = SigningKey::generate_p256().expect("a key");
            let token = issuer.tokens.mint(&NewAccessToken {
                subject: &Did::new("did:plc:alice").expect("a DID"),
                client: "an app",
                scope: BASE_SCOPE,
                thumbprint: &Jwk::new(*app.public().multikey()).thumbprint(),
                now: START,
                lifetime: TOKEN_LIFETIME,
                id: [1; 16],
            });
            let token = token.expect("mints");
            Self {
                issuer,
                other,
                app,
                token,
            }
        }

        /// Whom the other node takes a request for, with a proof by this key made then.
        async fn verdict(&self, key: &SigningKey, after: i64, id: u8) -> String {
            let now = START + SignedDuration::from_secs(after);
            let target = Target::parse("http://localhost:2510/xrpc/x").expect("a URL");
            let nonce = self.issuer.nonces.current(now);
            let proof = NewProof {
                method: "GET",
                target: &target,
                token: Some(&self.token),
                nonce: Some(&nonce),
                now,
                id: [id; 16],
            };
            let proof = mint(key, &proof).expect("a proof");
            let request = AccessRequest {
                authorization: &[&format!("DPoP {}", self.token)],
                dpop: &[&proof],
                method: "GET",
                target: &target,
                now,
            };
            match self.other.verifier().verify(&request).await {
                Ok(proved) => proved.subject.to_string(),
                Err(error) => error.to_string(),
            }
        }
    }

    #[tokio::test]
    async fn a_token_of_ours_proves_its_account_at_every_node() {
        let world = World::new().await;
        let thief = SigningKey::generate_p256().expect("a key");
        for (key, after, id, verdict) in [
            (&world.app, 0, 1, "did:plc:alice"),
            (
                &world.app,
                0,
                1,
                "the DPoP proof was used before (jti): make a new one for each request",
            ),
            (&thief, 0, 2, "Invalid DPoP key binding"),
            (&world.app, 599, 3, "did:plc:alice"),
            (
                &world.app,
                605,
                4,
                "the access token has expired (exp): get a new one",
            ),
        ] {
            assert_eq!(world.verdict(key, after, id).await, verdict);
        }
    }
}
