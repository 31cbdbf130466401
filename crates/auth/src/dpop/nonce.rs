//! Nonces that nobody has to remember: an HMAC of the time.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::hmac;
use ring::rand::SystemRandom;

/// Hands out nonces and knows them again. All servers that share a secret share the nonces.
#[derive(Clone)]
pub struct Nonces(hmac::Key);

impl Nonces {
    /// Seconds that one nonce is handed out. It is accepted one step longer, and one step early for
    /// a server whose clock is behind: 180 s at most. The atproto profile allows five minutes.
    pub const STEP: i64 = 60;

    /// Nonces of this secret; 32 random bytes that are used for nothing else.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// Nonces of a secret by chance, which this process alone knows; `None` if the system gives no
    /// random bytes.
    pub fn by_chance() -> Option<Self> {
        hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .ok()
            .map(Self)
    }

    /// The nonce to hand out now: HMAC-SHA256 of the number of the minute since 1970 (64 bits,
    /// big-endian), in base64url.
    pub fn current(&self, now: Timestamp) -> String {
        let tag = hmac::sign(&self.0, &step(now).to_be_bytes());
        URL_SAFE_NO_PAD.encode(tag)
    }

    /// Whether a nonce is that of this step, the last or the next. Takes the same time for any
    /// wrong one.
    pub fn accepts(&self, nonce: &str, now: Timestamp) -> bool {
        let Ok(tag) = URL_SAFE_NO_PAD.decode(nonce) else {
            return false;
        };
        let step = step(now);
        [step, step - 1, step + 1]
            .iter()
            .any(|step| hmac::verify(&self.0, &step.to_be_bytes(), &tag).is_ok())
    }
}

impl fmt::Debug for Nonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonces")
    }
}

fn step(now: Timestamp) -> i64 {
    now.as_second().div_euclid(Nonces::STEP)
}
