//! What the two users of DPoP ask of a proof.

use jiff::SignedDuration;
use loggia_identity::Curve;

use crate::replay::ReplayScope;

/// The rules that a proof is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The most seconds since `iat`.
    pub(super) oldest: i64,
    /// The most seconds by which `iat` may lie in the future.
    pub(super) ahead: i64,
    /// Whether a nonce of ours is demanded. Otherwise one may be there and is not looked at.
    pub(super) nonce: bool,
    pub(super) k256: bool,
    pub(super) scope: ReplayScope,
}

impl Profile {
    /// OAuth, at a token endpoint and at a resource: a nonce carries the freshness, so that clocks
    /// may be three minutes off, as at the reference (tolerance 180 s, age 10 s).
    pub const OAUTH: Self = Self {
        oldest: 190,
        ahead: 180,
        nonce: true,
        k256: false,
        scope: ReplayScope::OauthDpop,
    };

    /// Space credentials of August 2026: no nonce, so that clocks must agree: 60 s and a skew of 5.
    pub const SPACE: Self = Self {
        oldest: 65,
        ahead: 5,
        nonce: false,
        k256: false,
        scope: ReplayScope::SpaceDpop,
    };

    /// The same rules, and ES256K is taken beside ES256.
    #[must_use]
    pub const fn with_k256(mut self) -> Self {
        self.k256 = true;
        self
    }

    /// How long a used `jti` is remembered: 1.1 times the 180 s that a nonce lives, the reference's
    /// number, and never shorter than a proof without a nonce can be used.
    pub(super) fn remember(&self) -> SignedDuration {
        const NONCE: i64 = 198;
        SignedDuration::from_secs(if self.nonce {
            NONCE
        } else {
            NONCE.max(self.oldest + self.ahead)
        })
    }

    pub(super) fn takes(&self, curve: Curve) -> bool {
        curve == Curve::P256 || self.k256
    }
}
