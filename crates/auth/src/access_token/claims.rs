//! What an access token says, and what it must say.

use jiff::Timestamp;
use loggia_syntax::Did;
use serde::Deserialize;

use super::{AccessError as Error, TYPE};
use crate::jws::{Compact, object};
use crate::lifespan::{Lifespan, TimeFault, Times, is_token_id, moment};

/// Whom an access token stands for. It is a proof of the caller only together with a DPoP proof by
/// the key of [`thumbprint`](Self::thumbprint).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// Who issued it.
    pub issuer: String,
    /// The account.
    pub subject: Did,
    /// The `client_id` of the app, where the issuer says it.
    pub client: Option<String>,
    /// What it allows: scopes separated by spaces.
    pub scope: String,
    /// `cnf.jkt`: the thumbprint of the key that the caller must hold.
    pub thumbprint: String,
    /// `jti`, where it has one.
    pub id: Option<String>,
    /// When it ends.
    pub expires: Timestamp,
}

/// What is demanded of the tokens of one issuer.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The issuer's URL, exactly as in `iss`.
    pub issuer: String,
    /// Who we are: one of these must stand in `aud`.
    pub audiences: Vec<String>,
    /// The most seconds that a token lives.
    pub lifetime: i64,
    /// Seconds by which clocks may differ.
    pub skew: i64,
    /// A scope without which a token is refused, such as `atproto`.
    pub scope: Option<String>,
}

impl Terms {
    /// The most seconds that a token of ours lives: 1 h, with no way to revoke it before.
    pub const LIFETIME: i64 = 3600;

    /// Terms for this issuer and audience: an hour, and 5 s of skew.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: vec![audience.into()],
            lifetime: Self::LIFETIME,
            skew: 5,
            scope: None,
        }
    }

    /// The same terms, and the scope must be among those of the token.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    pub(super) fn check_times(&self, times: Times, now: Timestamp) -> Result<(), Error> {
        let lifespan = Lifespan {
            skew: self.skew,
            most: self.lifetime,
        };
        lifespan.check(times, now).map_err(|fault| match fault {
            TimeFault::Expired => Error::Expired,
            TimeFault::Early => Error::Early,
            TimeFault::TooLong => Error::Lifetime(self.lifetime),
            TimeFault::Backwards => Error::Backwards,
        })
    }

    /// Once more for a token that was verified before: only the time has changed.
    pub(super) fn check_still_valid(
        &self,
        token: &AccessToken,
        now: Timestamp,
    ) -> Result<(), Error> {
        let exp = token.expires.as_second();
        let (iat, nbf) = (None, None);
        self.check_times(Times { iat, nbf, exp }, now)
    }

    pub(super) fn check_audience(&self, audience: &Audience) -> Result<(), Error> {
        let is_ours = |one: &String| self.audiences.contains(one);
        let ours = match audience {
            Audience::One(one) => is_ours(one),
            Audience::Several(several) => several.iter().any(is_ours),
        };
        if ours { Ok(()) } else { Err(Error::Audience) }
    }

    pub(super) fn check_scope(&self, scope: &str) -> Result<(), Error> {
        match &self.scope {
            Some(needed) if !scope.split(' ').any(|one| one == needed) => Err(Error::Scope),
            _ => Ok(()),
        }
    }
}

/// `aud`: one party or several (RFC 7519 §4.1.3).
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Several(Vec<String>),
}

/// `cnf` (RFC 7800), as far as DPoP uses it.
#[derive(Debug, Deserialize)]
pub(super) struct Confirmation {
    pub(super) jkt: String,
}

/// The claims of a token that is a JWT.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    aud: Audience,
    sub: String,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    pub(super) jti: Option<String>,
    scope: String,
    pub(super) client_id: Option<String>,
    #[serde(deserialize_with = "object")]
    cnf: Confirmation,
}

impl Claims {
    /// Refuses a token of another type.
    pub(super) fn check_type(token: &Compact<'_>) -> Result<(), Error> {
        let typ = token.header().typ.as_deref().unwrap_or_default();
        // RFC 9068 §4 names both spellings.
        if ![TYPE, "application/at+jwt"]
            .iter()
            .any(|known| typ.eq_ignore_ascii_case(known))
        {
            return Err(Error::Type);
        }
        Ok(())
    }

    /// Checks them; asks nobody.
    pub(super) fn check(self, terms: &Terms, now: Timestamp) -> Result<AccessToken, Error> {
        if self.iss != terms.issuer {
            return Err(Error::Issuer);
        }
        let times = Times {
            iat: Some(self.iat),
            nbf: self.nbf,
            exp: self.exp,
        };
        terms.check_times(times, now)?;
        terms.check_audience(&self.aud)?;
        terms.check_scope(&self.scope)?;
        if self.jti.as_deref().is_some_and(|jti| !is_token_id(jti)) {
            return Err(Error::TokenId);
        }
        Ok(AccessToken {
            issuer: self.iss,
            subject: Did::new(self.sub).map_err(Error::Subject)?,
            client: self.client_id,
            scope: self.scope,
            thumbprint: self.cnf.jkt,
            id: self.jti,
            expires: moment(self.exp),
        })
    }
}
