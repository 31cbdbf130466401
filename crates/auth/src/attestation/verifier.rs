//! Verifying an attestation.

use std::sync::Arc;

use jiff::Timestamp;
use loggia_identity::Fetch;
use loggia_syntax::Did;
use serde::Deserialize;

use super::{AttestationError as Error, Client, ClientId, Clients};
use super::{MOST_LIFETIME, SKEW, TYPE};
use crate::delegation::HOST;
use crate::jws::{Compact, is_known_algorithm};
use crate::key::LowS;
use crate::lifespan::{Lifespan, TimeFault, Times, is_token_id, moment};
use crate::replay::{Replay, ReplayScope, ReplayStore};

/// A proved app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// Which app.
    pub client_id: ClientId,
    /// What it says of itself.
    pub client: Arc<Client>,
}

/// Verifies attestations against client metadata and uses each one up.
#[derive(Debug)]
pub struct Attestations<F, S> {
    clients: Clients<F>,
    used: S,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    iat: Option<i64>,
    nbf: Option<i64>,
    jti: String,
}

impl<F: Fetch, S: ReplayStore> Attestations<F, S> {
    /// A verifier that asks `clients` for keys and keeps used attestations in `used`.
    pub fn new(clients: Clients<F>, used: S) -> Self {
        Self { clients, used }
    }

    /// Proves the app to the host of this authority's spaces. Claims come before the network; the
    /// attestation is used up last, so that only its app can use it up.
    pub async fn verify(
        &self,
        token: &str,
        authority: &Did,
        now: Timestamp,
    ) -> Result<Attestation, Error> {
        let token = Compact::parse(token).map_err(Error::Malformed)?;
        let kid = check_header(&token)?;
        let claims: Claims = token.claims().map_err(Error::Malformed)?;
        let client_id = claims.check(authority, now)?;
        let (client, key) = self
            .clients
            .find(&client_id, kid, now)
            .await
            .map_err(Error::Client)?;
        // JOSE libraries make either s.
        token
            .verify(&key, LowS::Preferred)
            .map_err(Error::Signature)?;
        self.use_up(&claims, now).await?;
        Ok(Attestation { client_id, client })
    }

    async fn use_up(&self, claims: &Claims, now: Timestamp) -> Result<(), Error> {
        // A URL has no space in it, so that no two pairs make the same key.
        let key = format!("{} {}", claims.iss, claims.jti);
        let until = moment(claims.exp + SKEW);
        match self
            .used
            .consume(ReplayScope::ClientAttestation, &key, until, now)
            .await
        {
            Ok(Replay::Fresh) => Ok(()),
            Ok(Replay::Seen) => Err(Error::Replayed),
            Err(error) => Err(Error::Replay(error)),
        }
    }
}

fn check_header<'a>(token: &'a Compact<'_>) -> Result<&'a str, Error> {
    let header = token.header();
    if header.typ.as_deref() != Some(TYPE) {
        return Err(Error::Type);
    }
    if !is_known_algorithm(&header.alg) {
        return Err(Error::Algorithm);
    }
    header.kid.as_deref().ok_or(Error::KeyId)
}

impl Claims {
    fn check(&self, authority: &Did, now: Timestamp) -> Result<ClientId, Error> {
        let lifespan = Lifespan {
            skew: SKEW,
            most: MOST_LIFETIME,
        };
        let times = Times {
            iat: self.iat,
            nbf: self.nbf,
            exp: self.exp,
        };
        lifespan.check(times, now).map_err(|fault| match fault {
            TimeFault::Expired => Error::Expired,
            TimeFault::Early => Error::Early,
            TimeFault::Backwards => Error::Backwards,
            TimeFault::TooLong => Error::Lifetime(MOST_LIFETIME),
        })?;
        if self.iss != self.sub {
            return Err(Error::Subject);
        }
        if self.aud.strip_suffix(HOST) != Some(authority.as_str()) {
            return Err(Error::Audience);
        }
        if !is_token_id(&self.jti) {
            return Err(Error::TokenId);
        }
        ClientId::new(self.iss.as_str()).map_err(Error::ClientId)
    }
}
