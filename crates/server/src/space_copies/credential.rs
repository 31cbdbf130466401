//! Credentials for spaces that are hosted elsewhere.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use loggia_auth::key::SigningError;
use loggia_auth::{SigningKey, http_signature, jws};
use loggia_syntax::{Did, SpaceRef};
use serde::Deserialize;

use super::limits;

/// Credentials that are kept: one for each space that may be copied, and some for those that were.
const MOST: usize = 2 * loggia_storage::SpaceCopies::MOST_SPACES as usize;

/// The credentials of this process, one for each space that it copies. They are kept nowhere else: after
/// a start new ones are asked for.
#[derive(Clone, Default)]
pub(crate) struct Purse(Arc<Mutex<HashMap<SpaceRef, Slot>>>);

/// Where the credential of a space is; whoever fetches one holds it meanwhile.
pub(super) type Slot = Arc<tokio::sync::Mutex<Option<Arc<Held>>>>;

/// A credential and the key that it is bound to.
pub(super) struct Held {
    key: SigningKey,
    authorization: String,
    /// Its `jti`.
    id: String,
    renew_at: Timestamp,
}

/// Why a credential is of no use.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadCredential {
    #[error("the credential cannot be read")]
    Form(#[from] jws::JwsError),
    #[error("the credential is for another space")]
    Space,
    #[error("the credential has ended already")]
    Ended,
    #[error("a request cannot be signed")]
    Sign(#[from] SigningError),
    #[error("the credential has characters that no header takes")]
    Characters,
}

impl Purse {
    /// The place of a space's credential. With too many, those that nobody uses just now are thrown away:
    /// new ones can be had.
    pub(super) fn slot(&self, space: &SpaceRef) -> Slot {
        let mut slots = self.slots();
        if slots.len() >= MOST && !slots.contains_key(space) {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        slots.entry(space.clone()).or_default().clone()
    }

    /// Throws a space's credential away.
    pub(crate) fn forget(&self, space: &SpaceRef) {
        self.slots().remove(space);
    }

    /// Throws a space's credential away if it is one of these. One that is being fetched just now stays,
    /// and is refused when it is used.
    pub(super) fn revoke(&self, space: &SpaceRef, ids: &[String]) {
        let slot = self.slots().get(space).cloned();
        let Some(slot) = slot else { return };
        if let Ok(mut held) = slot.try_lock()
            && held.as_ref().is_some_and(|held| ids.contains(&held.id))
        {
            *held = None;
        }
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, HashMap<SpaceRef, Slot>> {
        // Only whole entries are put in and taken out, so that a panic elsewhere left none half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// What the host of a space has answered. That it is good is for those to say who are shown it.
    pub(super) fn new(
        key: SigningKey,
        credential: &str,
        space: &SpaceRef,
        now: Timestamp,
    ) -> Result<Self, BadCredential> {
        #[derive(Deserialize)]
        struct Claims {
            sub: String,
            exp: i64,
            jti: String,
        }
        let claims: Claims = jws::Compact::parse(credential)?.claims()?;
        if claims.sub != space.as_str() {
            return Err(BadCredential::Space);
        }
        let exp = Timestamp::from_second(claims.exp).unwrap_or(Timestamp::MIN);
        let left = exp.duration_since(now).min(limits::CREDENTIAL_LASTS);
        if !left.is_positive() {
            return Err(BadCredential::Ended);
        }
        let early = limits::RENEWED_BEFORE.min(SignedDuration::from_secs(left.as_secs() / 4));
        Ok(Self {
            key,
            authorization: format!("{} {credential}", http_signature::SCHEME),
            id: claims.jti,
            renew_at: now + (left - early),
        })
    }

    /// Whether it is still to be used.
    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.renew_at
    }

    /// What proves a request to this party.
    pub(super) fn fields(&self, audience: &Did) -> Result<HeaderMap, BadCredential> {
        let audience = Some(audience.as_str());
        signed(&self.key, &self.authorization, audience)
    }
}

/// Signs a request with this `Authorization`, for this party if a credential is in it.
pub(super) fn signed(
    key: &SigningKey,
    authorization: &str,
    audience: Option<&str>,
) -> Result<HeaderMap, BadCredential> {
    let fields = http_signature::sign(key, authorization, audience)?;
    let all = [
        ("authorization", Some(authorization)),
        ("atproto-space-audience", audience),
        ("signature-input", Some(&*fields.input)),
        ("signature", Some(&*fields.signature)),
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in all {
        if let Some(value) = value {
            let value = HeaderValue::from_str(value).map_err(|_| BadCredential::Characters)?;
            headers.insert(name, sensitive(value));
        }
    }
    Ok(headers)
}

fn sensitive(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}
