//! Standard Webhooks signatures: made by the sender, verified by the receiver.
//!
//! Both schemes of the Standard Webhooks specification 1.0.0 sign `id.timestamp.body` and are written
//! in base64: `v1` is HMAC-SHA256, `v1a` is Ed25519.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use ring::signature::{ED25519, UnparsedPublicKey};
use sha2::Sha256;

use crate::{PublicKey, Secret};

/// Header that names the notification.
pub const ID: &str = "webhook-id";
/// Header with the time of the attempt, in seconds since 1970.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// Header with one signature or several, separated by spaces.
pub const SIGNATURE: &str = "webhook-signature";

/// How far a timestamp may be from now in either direction: what the specification's own libraries
/// use.
pub const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// At most this many signatures of a header are looked at, so that a long header costs nothing.
const MOST_SIGNATURES: usize = 16;

const SYMMETRIC: &str = "v1,";
const ASYMMETRIC: &str = "v1a,";

/// Signs a body, with the scheme that fits the secret: `v1,<base64>` or `v1a,<base64>`.
pub fn sign(secret: &Secret, id: &str, seconds: i64, body: &[u8]) -> String {
    let timestamp = seconds.to_string();
    let mut text = String::with_capacity(96);
    match secret.hmac_key() {
        Some(key) => {
            text.push_str(SYMMETRIC);
            let code = mac(key, &signed(id, &timestamp, body)).finalize();
            BASE64_STANDARD.encode_string(code.into_bytes(), &mut text);
        }
        None => {
            text.push_str(ASYMMETRIC);
            let message = signed(id, &timestamp, body).concat();
            let code = secret.sign_ed25519(&message);
            let code = code.expect("a secret without an HMAC key is a key pair");
            BASE64_STANDARD.encode_string(code, &mut text);
        }
    }
    text
}

/// `<hex of HMAC-SHA256 over the body>`, as Wisp and Hapnd sign.
pub fn hex_of_body(key: &[u8], body: &[u8]) -> String {
    hex(&mac(key, &[body]).finalize().into_bytes())
}

/// `<hex of HMAC-SHA256 over "milliseconds:body">`, as Bettermode signs.
pub fn hex_of_time_and_body(key: &[u8], millis: i64, body: &[u8]) -> String {
    let millis = millis.to_string();
    let parts = [millis.as_bytes(), b":", body];
    hex(&mac(key, &parts).finalize().into_bytes())
}

/// The three headers as they arrived.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// `webhook-id`
    pub id: &'a str,
    /// `webhook-timestamp`
    pub timestamp: &'a str,
    /// `webhook-signature`
    pub signature: &'a str,
}

/// What a good signature says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// When the attempt was made.
    pub at: Timestamp,
    /// Which of the given keys it was.
    pub secret: usize,
}

/// What a receiver verifies with: a secret, a public key, or a mixture of both.
pub trait Verify {
    /// Whether some of the signatures is made with this key.
    fn matches(&self, signatures: &Signatures, message: &[&[u8]; 5]) -> bool;
}

/// The signatures of a header, by scheme.
#[derive(Debug)]
pub struct Signatures {
    symmetric: Vec<Vec<u8>>,
    asymmetric: Vec<Vec<u8>>,
}

impl Signatures {
    fn read(header: &str) -> Self {
        let of = |scheme: &str| -> Vec<Vec<u8>> {
            (header.split(' ').take(MOST_SIGNATURES))
                .filter_map(|signature| signature.strip_prefix(scheme))
                .filter_map(|code| BASE64_STANDARD.decode(code).ok())
                .collect()
        };
        Self {
            symmetric: of(SYMMETRIC),
            asymmetric: of(ASYMMETRIC),
        }
    }
}

impl Verify for PublicKey {
    fn matches(&self, signatures: &Signatures, message: &[&[u8]; 5]) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, self.as_bytes());
        let message = message.concat();
        let mut codes = signatures.asymmetric.iter();
        codes.any(|code| key.verify(&message, code).is_ok())
    }
}

impl Verify for Secret {
    fn matches(&self, signatures: &Signatures, message: &[&[u8]; 5]) -> bool {
        if let Some(public) = self.public_key() {
            return public.matches(signatures, message);
        }
        let Some(key) = self.hmac_key() else {
            return false;
        };
        let mac = mac(key, message);
        let mut codes = signatures.symmetric.iter();
        codes.any(|code| mac.clone().verify_slice(code).is_ok())
    }
}

impl<T: Verify + ?Sized> Verify for &T {
    fn matches(&self, signatures: &Signatures, message: &[&[u8]; 5]) -> bool {
        (**self).matches(signatures, message)
    }
}

/// Why a body is not to be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A header is absent.
    #[error("no `{0}` header")]
    Missing(&'static str),
    /// The timestamp is not a number of seconds.
    #[error("`webhook-timestamp` is not a number of seconds")]
    Timestamp,
    /// The timestamp lies further in the past than tolerated: perhaps a replay.
    #[error("the signature is too old")]
    TooOld,
    /// The timestamp lies further in the future than tolerated: a clock is wrong.
    #[error("the signature is from the future")]
    TooNew,
    /// No signature matches any of the keys.
    #[error("no signature matches")]
    NoMatch,
}

impl<'a> Signed<'a> {
    /// Takes the three headers out of a message; `header` is asked for lower-case names.
    pub fn find(header: impl Fn(&'static str) -> Option<&'a str>) -> Result<Self, VerifyError> {
        let need = |name| header(name).ok_or(VerifyError::Missing(name));
        Ok(Self {
            id: need(ID)?,
            timestamp: need(TIMESTAMP)?,
            signature: need(SIGNATURE)?,
        })
    }

    /// Verifies the body: some signature must match some key, and the time must be within `tolerance`
    /// of `now`.
    pub fn verify<K: Verify>(
        &self,
        body: &[u8],
        keys: &[K],
        now: Timestamp,
        tolerance: SignedDuration,
    ) -> Result<Verified, VerifyError> {
        let seconds = self.timestamp.parse().map_err(|_| VerifyError::Timestamp)?;
        let at = Timestamp::from_second(seconds).map_err(|_| VerifyError::Timestamp)?;
        let age = now.duration_since(at);
        if age > tolerance {
            return Err(VerifyError::TooOld);
        }
        if age < -tolerance {
            return Err(VerifyError::TooNew);
        }
        let signatures = Signatures::read(self.signature);
        let message = signed(self.id, self.timestamp, body);
        let matching = |key: &K| key.matches(&signatures, &message);
        let secret = keys.iter().position(matching);
        let secret = secret.ok_or(VerifyError::NoMatch)?;
        Ok(Verified { at, secret })
    }
}

/// What both schemes sign, in parts: the body may be long.
fn signed<'a>(id: &'a str, timestamp: &'a str, body: &'a [u8]) -> [&'a [u8]; 5] {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body]
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // The vector that the libraries of the Standard Webhooks project share.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const MESSAGE: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const SECONDS: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const CODE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn secret() -> Secret {
        Secret::from_text(SECRET).expect("the published secret is well formed")
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("in range")
    }

    fn check(signature: &str, now: i64) -> Result<Verified, VerifyError> {
        let timestamp = SECONDS.to_string();
        let signed = Signed {
            id: MESSAGE,
            timestamp: &timestamp,
            signature,
        };
        let other = Secret::generate([9; 32]);
        signed.verify(BODY, &[other, secret()], at(now), TOLERANCE)
    }

    #[test]
    fn the_published_vector_holds() {
        assert_eq!(sign(&secret(), MESSAGE, SECONDS, BODY), CODE);
        assert_eq!(
            check(CODE, SECONDS),
            Ok(Verified {
                at: at(SECONDS),
                secret: 1
            })
        );
    }

    #[test]
    fn one_of_several_signatures_is_enough() {
        let header = format!("v1a,AAAA v1,not-base64 v1,AAAA {CODE}");
        assert!(check(&header, SECONDS).is_ok());
    }

    #[test]
    fn time_is_checked_in_both_directions() {
        assert!(check(CODE, SECONDS + 300).is_ok());
        assert_eq!(check(CODE, SECONDS + 301), Err(VerifyError::TooOld));
        assert_eq!(check(CODE, SECONDS - 301), Err(VerifyError::TooNew));
    }

    #[test]
    fn hostile_headers_are_refused() {
        for signature in ["", " ", "v1,", "v1", "v2,x", &"v1,AAAA ".repeat(10_000)] {
            assert_eq!(check(signature, SECONDS), Err(VerifyError::NoMatch));
        }
        for timestamp in [
            "",
            "soon",
            "-99999999999999999",
            "9223372036854775807",
            "1e9",
        ] {
            let signed = Signed {
                id: MESSAGE,
                timestamp,
                signature: CODE,
            };
            assert!(
                signed
                    .verify(BODY, &[secret()], at(SECONDS), TOLERANCE)
                    .is_err()
            );
        }
    }

    #[test]
    fn an_absent_header_is_named() {
        let found = Signed::find(|name| (name != TIMESTAMP).then_some("x"));
        assert_eq!(found.err(), Some(VerifyError::Missing(TIMESTAMP)));
    }
}
