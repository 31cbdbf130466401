//! Verifying a delegation token.

use jiff::Timestamp;
use loggia_identity::ResolveDid;
use loggia_syntax::{Did, SpaceRef};
use serde::Deserialize;

use super::{DelegationError as Error, HOST, KEY, MOST_LIFETIME, SKEW, TYPE};
use crate::headers::{Authorization, FieldFault};
use crate::jws::{Compact, is_known_algorithm};
use crate::key::LowS;
use crate::lifespan::{Lifespan, TimeFault, Times, is_token_id, moment};
use crate::replay::{Replay, ReplayScope, ReplayStore};
use crate::signer::Signer;

/// That an account lets the holder of this token read a space. It counts once it is used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    user: Did,
    space: SpaceRef,
    id: String,
    forget_after: Timestamp,
}

/// Verifies delegation tokens against DID documents and uses each one up.
#[derive(Clone, Debug)]
pub struct Delegations<D, S> {
    documents: D,
    used: S,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    iat: i64,
    nbf: Option<i64>,
    exp: i64,
    jti: String,
}

impl<D: ResolveDid, S: ReplayStore> Delegations<D, S> {
    /// A verifier that asks `documents` for keys and keeps used tokens in `used`.
    pub fn new(documents: D, used: S) -> Self {
        Self { documents, used }
    }

    /// Verifies a token, which is not used up by it.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Delegation, Error> {
        let token = Compact::parse(token).map_err(Error::Malformed)?;
        check_header(&token)?;
        let claims: Claims = token.claims().map_err(Error::Malformed)?;
        let delegation = claims.check(now)?;
        let signer = Signer {
            did: &delegation.user,
            fragment: KEY,
        };
        signer
            .find(&self.documents, now, |key| {
                token.verify(key, LowS::Required)
            })
            .await
            .map_err(|fault| Error::of_signer(&delegation.user, fault))?;
        Ok(delegation)
    }

    /// Uses a verified token up, after everything else that its sender could have got wrong.
    pub async fn use_up(&self, delegation: &Delegation, now: Timestamp) -> Result<(), Error> {
        let key = format!("{} {}", delegation.user, delegation.id);
        let until = delegation.forget_after;
        match self
            .used
            .consume(ReplayScope::Delegation, &key, until, now)
            .await
        {
            Ok(Replay::Fresh) => Ok(()),
            Ok(Replay::Seen) => Err(Error::Replayed),
            Err(error) => Err(Error::Replay(error)),
        }
    }

    /// The store of used tokens.
    pub(crate) fn used(&self) -> &S {
        &self.used
    }
}

impl Delegation {
    /// The account that delegates.
    pub fn user(&self) -> &Did {
        &self.user
    }

    /// The space that may be read.
    pub fn space(&self) -> &SpaceRef {
        &self.space
    }

    /// Refuses the token unless it is for this space, the one that the request names.
    pub fn check_space(&self, space: &SpaceRef) -> Result<(), Error> {
        if self.space == *space {
            Ok(())
        } else {
            Err(Error::Space)
        }
    }
}

/// The token of an `Authorization: Bearer` header.
pub(crate) fn bearer<'a>(fields: &[&'a str]) -> Result<&'a str, Error> {
    let authorization = Authorization::parse(fields).map_err(|fault| match fault {
        FieldFault::Absent => Error::Absent,
        FieldFault::Repeated => Error::Repeated,
    })?;
    if !authorization.is("Bearer") {
        return Err(Error::Scheme);
    }
    match authorization.token {
        "" => Err(Error::Empty),
        token => Ok(token),
    }
}

fn check_header(token: &Compact<'_>) -> Result<(), Error> {
    let header = token.header();
    if header.typ.as_deref() != Some(TYPE) {
        return Err(Error::Type);
    }
    if !is_known_algorithm(&header.alg) {
        return Err(Error::Algorithm);
    }
    if header.kid.as_deref() != Some(KEY) {
        return Err(Error::KeyId);
    }
    Ok(())
}

impl Claims {
    fn check(self, now: Timestamp) -> Result<Delegation, Error> {
        let lifespan = Lifespan {
            skew: SKEW,
            most: MOST_LIFETIME,
        };
        let times = Times {
            iat: Some(self.iat),
            nbf: self.nbf,
            exp: self.exp,
        };
        lifespan.check(times, now).map_err(|fault| match fault {
            TimeFault::Expired => Error::Expired,
            TimeFault::Early => Error::Early,
            TimeFault::Backwards => Error::Backwards,
            TimeFault::TooLong => Error::Lifetime(MOST_LIFETIME),
        })?;
        let user = Did::new(self.iss).map_err(Error::Issuer)?;
        let space = SpaceRef::new(self.sub).map_err(Error::Subject)?;
        if self.aud.strip_suffix(HOST) != Some(space.split().0) {
            return Err(Error::Audience);
        }
        if !is_token_id(&self.jti) {
            return Err(Error::TokenId);
        }
        Ok(Delegation {
            user,
            space,
            id: self.jti,
            forget_after: moment(self.exp + SKEW),
        })
    }
}
