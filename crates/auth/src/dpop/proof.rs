//! Verifying a proof.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::{Nonces, Profile, ProofError as Error, TYPE, Target};
use crate::hashed::HashedToken;
use crate::headers::{FieldFault, single};
use crate::jwk::{Jwk, JwkError, Members};
use crate::jws::{Compact, Header, JwsError, Text, object};
use crate::key::LowS;
use crate::lifespan::is_token_id;
use crate::replay::{Replay, ReplayStore};

/// The request that a proof must be for.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The HTTP method, exactly as sent.
    pub method: &'a str,
    /// The URL as callers see it.
    pub target: &'a Target,
    /// The token that the proof goes with. Without one, the proof must not speak of any.
    pub token: Option<&'a str>,
    /// The nonces that are accepted. With a profile that demands a nonce and none to accept, every
    /// proof is refused.
    pub nonces: Option<&'a Nonces>,
    /// The time.
    pub now: Timestamp,
}

/// A proof with a good signature. It counts only once it is used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    jwk: Jwk,
    thumbprint: String,
    id: String,
    profile: Profile,
}

/// The `jwk` of a header: an object, that is a key or not.
struct Brought(Result<Jwk, JwkError>);

impl<'de> Deserialize<'de> for Brought {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        object::<D, Members<'de>>(from).map(|members| Self(members.key()))
    }
}

#[derive(Deserialize)]
struct Claims<'a> {
    #[serde(borrow)]
    jti: Text<'a>,
    #[serde(borrow)]
    htm: Text<'a>,
    #[serde(borrow)]
    htu: Text<'a>,
    iat: i64,
    #[serde(borrow)]
    ath: Option<Text<'a>>,
    #[serde(borrow)]
    nonce: Option<Text<'a>>,
}

impl Proof {
    /// Verifies the `DPoP` header of a request: form, key, claims, and the signature last, because it
    /// is the dearest.
    pub fn verify(
        headers: &[&str],
        profile: Profile,
        expected: &Expected<'_>,
    ) -> Result<Self, Error> {
        let token = expected.token.map(HashedToken::new);
        Self::verify_with(headers, profile, expected, token.as_ref())
    }

    /// The same with the hash of `expected.token`, for who has it already.
    pub(crate) fn verify_with(
        headers: &[&str],
        profile: Profile,
        expected: &Expected<'_>,
        bound: Option<&HashedToken<'_>>,
    ) -> Result<Self, Error> {
        let token = single(headers).map_err(|fault| match fault {
            FieldFault::Absent => Error::Absent,
            FieldFault::Repeated => Error::Repeated,
        })?;
        let token = Compact::parse_with_key(token).map_err(Error::Malformed)?;
        let jwk = read_header(token.header(), profile)?;
        let claims: Claims<'_> = token.claims().map_err(Error::Malformed)?;
        check_claims(&claims, profile, expected, bound)?;
        let key = jwk.public_key().map_err(|_| Error::Signature)?;
        // JOSE libraries make either s.
        token
            .verify(&key, LowS::Preferred)
            .map_err(|_| Error::Signature)?;
        Ok(Self {
            jwk,
            thumbprint: jwk.thumbprint(),
            id: claims.jti.to_string(),
            profile,
        })
    }

    /// The key that the caller holds.
    pub fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// The thumbprint of that key (RFC 7638).
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// Refuses the proof unless its key has this thumbprint: the `cnf.jkt` of a token.
    pub fn check_binding(&self, thumbprint: &str) -> Result<(), Error> {
        if self.thumbprint == thumbprint {
            Ok(())
        } else {
            Err(Error::Binding)
        }
    }

    /// Uses the proof up, so that nobody can send it a second time. The key of the store is
    /// thumbprint and `jti`: one caller's choice of `jti` is no other caller's concern.
    pub async fn use_up(&self, used: &impl ReplayStore, now: Timestamp) -> Result<(), Error> {
        let key = format!("{} {}", self.thumbprint, self.id);
        let until = now
            .checked_add(self.profile.remember())
            .unwrap_or(Timestamp::MAX);
        match used.consume(self.profile.scope, &key, until, now).await {
            Ok(Replay::Fresh) => Ok(()),
            Ok(Replay::Seen) => Err(Error::Replayed),
            Err(error) => Err(Error::Replay(error)),
        }
    }
}

fn read_header(header: &Header<Option<Brought>>, profile: Profile) -> Result<Jwk, Error> {
    if !header
        .typ
        .as_deref()
        .is_some_and(|typ| typ.eq_ignore_ascii_case(TYPE))
    {
        return Err(Error::Type);
    }
    if !["ES256", "ES256K"].contains(&header.alg.as_str()) {
        return Err(Error::Algorithm);
    }
    let Some(Brought(key)) = &header.jwk else {
        return Err(Error::Malformed(JwsError::absent("header", "jwk")));
    };
    let jwk = key.clone().map_err(Error::Key)?;
    let curve = jwk.multikey().curve();
    if header.alg != curve.algorithm() || !profile.takes(curve) {
        return Err(Error::Algorithm);
    }
    Ok(jwk)
}

fn check_claims(
    claims: &Claims<'_>,
    profile: Profile,
    expected: &Expected<'_>,
    bound: Option<&HashedToken<'_>>,
) -> Result<(), Error> {
    if !is_token_id(&claims.jti) {
        return Err(Error::TokenId);
    }
    if *claims.htm != *expected.method {
        return Err(Error::Method);
    }
    match expected.target.is_meant_by(&claims.htu) {
        Ok(true) => {}
        Ok(false) => return Err(Error::Target(expected.target.as_str().to_owned())),
        Err(fault) => return Err(Error::TargetForm(fault)),
    }
    let now = expected.now.as_second();
    if claims.iat > now + profile.ahead {
        return Err(Error::Early);
    }
    if claims.iat < now - profile.oldest {
        return Err(Error::Expired);
    }
    match (bound, claims.ath.as_deref()) {
        (None, None) => {}
        (None, Some(_)) => return Err(Error::NeedlessTokenHash),
        (Some(token), Some(ath)) if token.ath() == ath => {}
        (Some(_), _) => return Err(Error::TokenHash),
    }
    check_nonce(claims.nonce.as_deref(), profile, expected)
}

fn check_nonce(
    nonce: Option<&str>,
    profile: Profile,
    expected: &Expected<'_>,
) -> Result<(), Error> {
    let is_ours = |nonce| {
        expected
            .nonces
            .is_some_and(|nonces| nonces.accepts(nonce, expected.now))
    };
    if profile.nonce && !nonce.is_some_and(is_ours) {
        return Err(Error::Nonce);
    }
    Ok(())
}
