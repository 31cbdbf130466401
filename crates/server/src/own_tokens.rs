//! Access tokens that this server issues, and knows again.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use loggia_auth::access_token::{
    AccessTokenVerifier, NewAccessToken, NewAccessTokenError, OwnAccessTokens, PresentedToken,
    Terms, Verifying,
};
use loggia_auth::{AccessError, AccessToken, Jwk, JwkSet, PublicKey};

use crate::keys::{Keyring, TOKEN_LIFETIME};
use crate::origin::Origin;

/// The scope that every token has, and without which none is worth anything.
pub const BASE_SCOPE: &str = "atproto";

/// Issues and verifies the server's own access tokens with the keys of its keyring. Cheap to clone.
#[derive(Clone)]
pub struct OwnTokens(Arc<Shared>);

struct Shared {
    terms: Terms,
    keys: Keyring,
    /// The verifier for the keys of the last verification, with what it has seen.
    verifier: Mutex<Arc<Verifier>>,
}

struct Verifier {
    keys: Vec<PublicKey>,
    tokens: OwnAccessTokens,
}

impl OwnTokens {
    /// Tokens of the server at this origin: it issues them at its URL, for its own DID.
    pub fn new(origin: &Origin, keys: Keyring) -> Self {
        let mut terms = Terms::new(&origin.url, origin.did.as_str()).with_scope(BASE_SCOPE);
        terms.lifetime = TOKEN_LIFETIME;
        let none = Verifier {
            keys: Vec::new(),
            tokens: OwnAccessTokens::new(terms.clone(), JwkSet::default()),
        };
        Self(Arc::new(Shared {
            terms,
            keys,
            verifier: Mutex::new(Arc::new(none)),
        }))
    }

    /// Issues a token.
    ///
    /// # Errors
    /// It would live longer than [`TOKEN_LIFETIME`], or cannot be signed.
    pub fn mint(&self, token: &NewAccessToken<'_>) -> Result<String, NewAccessTokenError> {
        let keys = self.0.keys.held();
        let kid = key_id(keys.tokens.public());
        OwnAccessTokens::mint(&keys.tokens, &kid, &self.0.terms, token)
    }

    /// The keys that verify tokens at this time, as they are published.
    pub fn published(&self, now: Timestamp) -> JwkSet {
        let keys = self.0.keys.held();
        JwkSet::of(named(keys.verifying_tokens(now)))
    }

    /// A verifier for the keys that verify at this time: the one of before while they are the same.
    fn verifier(&self, now: Timestamp) -> Arc<Verifier> {
        let held = self.0.keys.held();
        let keys = || held.verifying_tokens(now);
        // Only whole verifiers are put in, so that a panic elsewhere left none half done.
        let mut verifier = self
            .0
            .verifier
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !keys().eq(&verifier.keys) {
            *verifier = Arc::new(Verifier {
                keys: keys().cloned().collect(),
                tokens: OwnAccessTokens::new(self.0.terms.clone(), JwkSet::of(named(keys()))),
            });
        }
        Arc::clone(&verifier)
    }
}

impl AccessTokenVerifier for OwnTokens {
    fn issuer(&self) -> &str {
        &self.0.terms.issuer
    }

    fn recall(
        &self,
        token: &PresentedToken<'_>,
        now: Timestamp,
    ) -> Option<Result<Arc<AccessToken>, AccessError>> {
        self.verifier(now).tokens.recall(token, now)
    }

    fn verify<'a>(&'a self, token: PresentedToken<'a>, now: Timestamp) -> Verifying<'a> {
        let verifier = self.verifier(now);
        Box::pin(async move { verifier.tokens.verify(token, now).await })
    }
}

/// A key's name in the published set: its thumbprint (RFC 7638), so that two keys never share one.
fn key_id(key: &PublicKey) -> String {
    Jwk::new(*key.multikey()).thumbprint()
}

fn named<'a>(
    keys: impl Iterator<Item = &'a PublicKey>,
) -> impl Iterator<Item = (String, PublicKey)> {
    keys.map(|key| (key_id(key), key.clone()))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use loggia_storage::{KeyRole, MasterKey, Storage};
    use loggia_syntax::Did;

    use super::*;
    use crate::keys;

    const START: Timestamp = Timestamp::constant(1_700_000_000, 0);

    fn after(seconds: i64) -> Timestamp {
        START + SignedDuration::from_secs(seconds)
    }

    struct World {
        storage: Storage,
        keys: Keyring,
        tokens: OwnTokens,
    }

    impl World {
        async fn new(name: &str) -> Self {
            let key = MasterKey::new([7; 32]);
            let storage = Storage::memory(name, &key).await.expect("opens");
            let keys = Keyring::open(&storage, START).await.expect("makes keys");
            let tokens = OwnTokens::new(&Origin::development(2510), keys.clone());
            Self {
                storage,
                keys,
                tokens,
            }
        }

        fn mint(&self, at: i64) -> String {
            let subject = Did::new("did:plc:alice").expect("a DID");
            let token = NewAccessToken {
                subject: &subject,
                client: "an app",
                scope: BASE_SCOPE,
                thumbprint: "a key's",
                now: after(at),
                lifetime: TOKEN_LIFETIME,
                id: crate::chance::bytes(),
            };
            self.tokens.mint(&token).expect("mints")
        }

        async fn rotate(&self, at: i64) {
            let rotated = keys::rotate(&self.storage, KeyRole::Tokens, after(at)).await;
            rotated.expect("rotates");
        }

        async fn verdict(&self, token: &str, at: i64) -> Result<(), AccessError> {
            let token = PresentedToken::parse(token)?;
            self.tokens.verify(token, after(at)).await.map(drop)
        }

        fn published(&self, at: i64) -> usize {
            let set = serde_json::to_value(self.tokens.published(after(at)));
            let set = set.expect("a key set is JSON");
            set["keys"].as_array().expect("keys").len()
        }
    }

    #[tokio::test]
    async fn tokens_of_a_key_that_retired_hold_until_they_expire_and_no_longer() {
        let world = World::new("retired_token_keys").await;
        for rotated in [0, 1, 300, 599] {
            let made = rotated / 2;
            let token = world.mint(made);
            world.verdict(&token, made).await.expect("holds");
            world.rotate(rotated).await;
            world.keys.reload().await.expect("reads");
            for at in [rotated, made + 300, made + 599] {
                let verdict = world.verdict(&token, at.max(rotated)).await;
                verdict.unwrap_or_else(|error| panic!("{rotated}, {at}: {error}"));
            }
            let verdict = world.verdict(&token, made + 605).await;
            assert!(matches!(verdict, Err(AccessError::Expired)), "{verdict:?}");
            world
                .verdict(&world.mint(rotated), rotated)
                .await
                .expect("the new key signs");
        }
    }

    #[tokio::test]
    async fn a_key_that_retired_makes_no_good_tokens_later() {
        let world = World::new("retired_keys_sign_nothing").await;
        assert_eq!(world.published(0), 1);
        // This node has not noticed the rotation, or somebody has stolen the key.
        world.rotate(100).await;
        let stolen = [world.mint(101), world.mint(759), world.mint(761)];
        world.keys.reload().await.expect("reads");
        world
            .verdict(&stolen[0], 101)
            .await
            .expect("other nodes have a minute to notice");
        world
            .verdict(&stolen[1], 759)
            .await
            .expect("and so the key verifies until then");
        assert_eq!(world.published(759), 2);
        for token in &stolen {
            let verdict = world.verdict(token, 761).await;
            let refused = matches!(verdict, Err(AccessError::KeyId | AccessError::Expired));
            assert!(refused, "{verdict:?}");
        }
        assert_eq!(world.published(761), 1);
    }

    #[tokio::test]
    async fn tokens_of_another_server_are_not_ours() {
        let (ours, theirs) = (World::new("ours").await, World::new("theirs").await);
        let verdict = ours.verdict(&theirs.mint(0), 0).await;
        assert!(matches!(verdict, Err(AccessError::KeyId)), "{verdict:?}");
    }
}
