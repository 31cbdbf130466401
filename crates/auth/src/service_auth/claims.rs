//! The claims of service auth, and the states that a token goes through.

use jiff::Timestamp;
use loggia_syntax::{Did, Nsid};
use serde::Deserialize;

use super::{KEY, ServiceAuthError as Error};
use crate::jws::{Compact, is_known_algorithm};
use crate::key::{BadSignature, LowS, PublicKey};
use crate::lifespan::{Lifespan, TimeFault, Times, is_token_id, moment};

/// How exact time is and how long a token may live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    skew: i64,
    lifetime: i64,
}

impl Limits {
    /// The most seconds by which two clocks may differ.
    pub const MOST_SKEW: i64 = 30;
    /// The most seconds that any token lives: what a PDS gives for a named method.
    pub const MOST_LIFETIME: i64 = 3600;

    /// Limits in seconds, each held between 0 and its most.
    pub fn new(skew: i64, lifetime: i64) -> Self {
        Self {
            skew: skew.clamp(0, Self::MOST_SKEW),
            lifetime: lifetime.clamp(0, Self::MOST_LIFETIME),
        }
    }

    /// Seconds by which clocks may differ.
    pub fn skew(&self) -> i64 {
        self.skew
    }

    /// Seconds that a token may live.
    pub fn lifetime(&self) -> i64 {
        self.lifetime
    }
}

impl Default for Limits {
    /// 5 s and 300 s: a PDS makes tokens of 60 s unless it is asked for longer ones.
    fn default() -> Self {
        Self::new(5, 300)
    }
}

/// For whom a token may be.
#[derive(Clone, Copy, Debug)]
pub enum Audiences<'a> {
    /// One of these, compared as text: a bare DID does not stand for its services nor the other way
    /// round.
    OneOf(&'a [String]),
    /// The handler decides once it has seen the body, with [`Verified::check_audience`].
    Handler,
}

/// What a token must say.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// For whom.
    pub audiences: Audiences<'a>,
    /// For which method (`lxm`).
    pub method: &'a Nsid,
    /// The time.
    pub now: Timestamp,
    /// How exact it is and how long tokens live.
    pub limits: Limits,
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    exp: i64,
    #[serde(default)]
    iat: Option<i64>,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    lxm: Option<String>,
    jti: String,
}

/// A token taken apart, of which nothing is checked.
#[derive(Debug)]
pub struct Unverified<'a> {
    token: Compact<'a>,
    claims: Claims,
}

/// A token whose claims are as expected, and not yet whose it says it is.
#[derive(Debug)]
pub struct Checked<'a> {
    token: Compact<'a>,
    verified: Verified,
}

/// A token that its issuer has signed. It is a proof only once it is used up: see
/// [`ServiceAuth`](super::ServiceAuth).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    issuer: Did,
    audience: String,
    method: Nsid,
    id: String,
    forget_after: Timestamp,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart and reads its claims.
    pub fn parse(token: &'a str) -> Result<Self, Error> {
        let token = Compact::parse(token).map_err(Error::Malformed)?;
        let header = token.header();
        if header
            .typ
            .as_deref()
            .is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT"))
        {
            return Err(Error::Type);
        }
        if !is_known_algorithm(&header.alg) {
            return Err(Error::Algorithm);
        }
        if header.kid.as_deref().is_some_and(|kid| kid != KEY) {
            return Err(Error::KeyId);
        }
        let claims = token.claims().map_err(Error::Malformed)?;
        Ok(Self { token, claims })
    }

    /// Checks the claims; asks nobody.
    pub fn check_claims(self, expected: &Expected<'_>) -> Result<Checked<'a>, Error> {
        let Self { token, claims } = self;
        check_times(&claims, expected)?;
        if claims.lxm.as_deref() != Some(expected.method.as_str()) {
            return Err(Error::Method);
        }
        let issuer = Did::new(claims.iss).map_err(Error::Issuer)?;
        if !is_token_id(&claims.jti) {
            return Err(Error::TokenId);
        }
        let verified = Verified {
            issuer,
            audience: claims.aud,
            method: expected.method.clone(),
            id: claims.jti,
            forget_after: moment(claims.exp + expected.limits.skew),
        };
        if let Audiences::OneOf(audiences) = expected.audiences {
            verified.check_audience(|audience| audiences.iter().any(|known| known == audience))?;
        }
        Ok(Checked { token, verified })
    }
}

fn check_times(claims: &Claims, expected: &Expected<'_>) -> Result<(), Error> {
    let Limits { skew, lifetime } = expected.limits;
    let lifespan = Lifespan {
        skew,
        most: lifetime,
    };
    let times = Times {
        iat: claims.iat,
        nbf: claims.nbf,
        exp: claims.exp,
    };
    lifespan
        .check(times, expected.now)
        .map_err(|fault| match fault {
            TimeFault::Expired | TimeFault::Backwards => Error::Expired,
            TimeFault::Early => Error::Early,
            TimeFault::TooLong => Error::Lifetime(lifetime),
        })
}

impl Checked<'_> {
    /// Who is said to have issued the token.
    pub fn issuer(&self) -> &Did {
        &self.verified.issuer
    }

    /// Verifies the signature; the higher s is taken, as the reference does.
    pub fn verify_signature(&self, key: &PublicKey) -> Result<Verified, Error> {
        self.is_signed_by(key).map_err(Error::Signature)?;
        Ok(self.verified.clone())
    }

    pub(super) fn is_signed_by(&self, key: &PublicKey) -> Result<(), BadSignature> {
        self.token.verify(key, LowS::Preferred)
    }

    /// The same without a copy, for who has just seen that the issuer signed it.
    pub(super) fn into_verified(self) -> Verified {
        self.verified
    }
}

impl Verified {
    /// Who calls.
    pub fn issuer(&self) -> &Did {
        &self.issuer
    }

    /// Whom the caller means: `did` or `did#service`, as written.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Which method the token is for.
    pub fn method(&self) -> &Nsid {
        &self.method
    }

    /// The key under which it is used up: issuer and `jti`. A DID has no space in it, so that no
    /// two pairs make the same key.
    pub fn replay_key(&self) -> String {
        format!("{} {}", self.issuer, self.id)
    }

    /// When it can be forgotten that it was used: `exp` and the skew.
    pub fn forget_after(&self) -> Timestamp {
        self.forget_after
    }

    /// Refuses the token unless its audience is one that `accept` knows.
    pub fn check_audience(&self, accept: impl FnOnce(&str) -> bool) -> Result<(), Error> {
        if accept(&self.audience) {
            Ok(())
        } else {
            Err(Error::Audience)
        }
    }
}
