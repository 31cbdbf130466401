//! What a credential says.

use jiff::Timestamp;
use loggia_syntax::{Did, SpaceRef};
use serde::Deserialize;

use super::binding::Confirmation;
use super::{CredentialError as Error, KEYS, KeyBinding, SKEW, TYPE};
use crate::jws::{Compact, is_known_algorithm, object};
use crate::lifespan::{Lifespan, TimeFault, Times, is_token_id, moment};

/// A credential that the authority of its space has signed. It proves a reader only together with a
/// proof by the key that it is bound to: see [`SpaceCredentials`](super::SpaceCredentials).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    space: SpaceRef,
    authority: Did,
    binding: KeyBinding,
    fragment: &'static str,
    id: String,
    expires: Timestamp,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    iat: i64,
    nbf: Option<i64>,
    exp: i64,
    jti: String,
    /// Any value: that it binds to no key has a name of its own.
    #[serde(default)]
    cnf: serde_json::Value,
}

impl Credential {
    /// Reads a credential and checks what it says; asks nobody.
    pub(super) fn read(token: &Compact<'_>, now: Timestamp) -> Result<Self, Error> {
        let header = token.header();
        if header.typ.as_deref() != Some(TYPE) {
            return Err(Error::Type);
        }
        if !is_known_algorithm(&header.alg) {
            return Err(Error::Algorithm);
        }
        let kid = header.kid.as_deref().unwrap_or_default();
        let fragment = KEYS.into_iter().find(|key| *key == kid);
        let fragment = fragment.ok_or(Error::KeyId)?;
        let claims: Claims = token.claims().map_err(Error::Malformed)?;
        let binding = object::<_, Confirmation>(claims.cnf)
            .ok()
            .and_then(Confirmation::binding)
            .ok_or(Error::Confirmation)?;
        let authority = Did::new(claims.iss).map_err(Error::IssuerForm)?;
        let space = SpaceRef::new(claims.sub).map_err(Error::Subject)?;
        if authority != space.split().0 {
            return Err(Error::Issuer);
        }
        let credential = Self {
            space,
            authority,
            binding,
            fragment,
            id: claims.jti,
            expires: moment(claims.exp),
        };
        credential.check_times(
            Times {
                iat: Some(claims.iat),
                nbf: claims.nbf,
                exp: claims.exp,
            },
            now,
        )?;
        if !is_token_id(&credential.id) {
            return Err(Error::TokenId);
        }
        Ok(credential)
    }

    /// Once more for a credential that was verified before: only the time has changed.
    pub(super) fn check_still_valid(&self, now: Timestamp) -> Result<(), Error> {
        let exp = self.expires.as_second();
        let (iat, nbf) = (None, None);
        self.check_times(Times { iat, nbf, exp }, now)
    }

    fn check_times(&self, times: Times, now: Timestamp) -> Result<(), Error> {
        let most = self.binding.most_lifetime();
        Lifespan { skew: SKEW, most }
            .check(times, now)
            .map_err(|fault| match fault {
                TimeFault::Expired => Error::Expired,
                TimeFault::Early => Error::Early,
                TimeFault::Backwards => Error::Backwards,
                TimeFault::TooLong => Error::Lifetime(most),
            })
    }

    /// The space that may be read.
    pub fn space(&self) -> &SpaceRef {
        &self.space
    }

    /// The space's authority, which issued it.
    pub fn authority(&self) -> &Did {
        &self.authority
    }

    /// The key that its holder must have.
    pub fn binding(&self) -> &KeyBinding {
        &self.binding
    }

    /// The fragment of the authority's key that signed it, with its `#`.
    pub fn fragment(&self) -> &'static str {
        self.fragment
    }

    /// `jti`: the name under which the authority revokes it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it ends.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// Refuses the credential unless it is for this space, the one that the request is about.
    pub fn check_space(&self, space: &SpaceRef) -> Result<(), Error> {
        if self.space == *space {
            Ok(())
        } else {
            Err(Error::Space)
        }
    }
}
