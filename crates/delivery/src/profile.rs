//! Wire profiles: how notifications are dressed for a kind of receiver. Data, not code.

use std::str::FromStr;

use serde::Deserialize;

use crate::{Answer, Schedule, Secret, UnknownName};

/// Which wire profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// Ours: Standard Webhooks, eight attempts.
    Standard,
    /// What receivers of Wisp's webhooks read, as its documentation says it.
    Wisp,
    /// The same as its newer service sends it.
    Wisp2,
    /// What receivers of Hapnd's projections read.
    Hapnd,
    /// What receivers of Bettermode's webhooks read.
    Bettermode,
    /// Plain JSON for Discord and whatever reads the same, as Streamplace sends it.
    Stream,
    /// Notices of a permissioned space to a plain HTTPS endpoint, until its registration expires.
    SpaceWebhook,
    /// The same to a service, as calls of its XRPC methods with service auth.
    SpaceProtocol,
}

/// What a profile consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire {
    /// The name in storage and configuration.
    pub name: &'static str,
    /// How the body is signed beside, or instead of, the Standard Webhooks headers.
    pub own: Option<OwnSignature>,
    /// When the three Standard Webhooks headers go along.
    pub standard: StandardHeaders,
    /// Headers that are always the same.
    pub headers: &'static [(&'static str, &'static str)],
    /// The header that names the delivery, the same over all attempts.
    pub key: Option<&'static str>,
    /// The header that counts attempts, from 1.
    pub attempt: Option<&'static str>,
    /// How the receiver is called.
    pub call: Call,
    /// Which secret signs a header that has room for one, while two hold.
    pub overlap: Overlap,
    /// What counts as delivered.
    pub success: Success,
    /// When attempts happen.
    pub schedule: Schedule,
}

/// A signature of another system. Its key is the secret as it is written, prefix and all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OwnSignature {
    /// `<header>: sha256=<hex of HMAC-SHA256 over the body>`
    Sha256OfBody {
        /// The header's name.
        header: &'static str,
    },
    /// `<header>: <hex of HMAC-SHA256 over "milliseconds:body">`
    HexOfTimeAndBody {
        /// The header's name.
        header: &'static str,
        /// The header with the milliseconds since 1970.
        timestamp: &'static str,
    },
}

/// Which secret makes the signature of another system, which has room for one, after a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overlap {
    /// The newest.
    Newest,
    /// The newest for the first attempt, the one before for the second, and so on in turn: only for
    /// profiles to whose receivers a refusal is not final, since each of them refuses every other
    /// attempt.
    InTurn,
}

/// When the three headers of Standard Webhooks go along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StandardHeaders {
    /// On every attempt; the signature only where there is a secret.
    Always,
    /// Where there is a secret, so that a receiver may check freshness.
    WithSecret,
}

/// How a receiver is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Call {
    /// POST to the endpoint's URL.
    Post,
    /// POST to the method that the notification's kind names, at the service whose URL the endpoint
    /// has, with service auth that is minted for each attempt.
    Xrpc,
}

/// What counts as delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Success {
    /// Any status from 200 to 299.
    Any2xx,
    /// The same, and everything else but 410 fails for now only.
    Any2xxInTheEnd,
    /// The same, and nothing else is ever final, 410 and refused addresses included: whatever fails is
    /// attempted as often as the schedule has attempts.
    Any2xxOrOutOfAttempts,
    /// 200 and a JSON object whose `status` is `SUCCEEDED`. Everything else but 410 fails for now
    /// only: receivers report their own trouble in so many ways.
    Succeeded,
}

const JSON: (&str, &str) = ("content-type", "application/json");

const STANDARD: Wire = Wire {
    name: "standard",
    own: None,
    standard: StandardHeaders::Always,
    headers: &[JSON],
    key: None,
    attempt: None,
    call: Call::Post,
    overlap: Overlap::Newest,
    success: Success::Any2xx,
    schedule: Schedule::STANDARD,
};

const WISP: Wire = Wire {
    name: "wisp",
    own: Some(OwnSignature::Sha256OfBody {
        header: "x-webhook-signature",
    }),
    standard: StandardHeaders::WithSecret,
    // The product that its documentation shows, and receivers may look for.
    headers: &[JSON, ("user-agent", "wisp.place-webhook/1.0")],
    key: Some("idempotency-key"),
    success: Success::Any2xxInTheEnd,
    schedule: Schedule::WISP,
    ..STANDARD
};

const WISP_2: Wire = Wire {
    name: "wisp2",
    headers: &[JSON, ("user-agent", "wisp.place-webhook/2.0")],
    success: Success::Any2xx,
    schedule: Schedule::WISP_2,
    ..WISP
};

const HAPND: Wire = Wire {
    name: "hapnd",
    own: Some(OwnSignature::Sha256OfBody {
        header: "x-hapnd-signature",
    }),
    standard: StandardHeaders::WithSecret,
    key: Some("x-hapnd-delivery-id"),
    attempt: Some("x-hapnd-attempt"),
    overlap: Overlap::InTurn,
    success: Success::Any2xxOrOutOfAttempts,
    schedule: Schedule::HAPND,
    ..STANDARD
};

const BETTERMODE: Wire = Wire {
    name: "bettermode",
    own: Some(OwnSignature::HexOfTimeAndBody {
        header: "x-bettermode-signature",
        timestamp: "x-bettermode-request-timestamp",
    }),
    standard: StandardHeaders::WithSecret,
    success: Success::Succeeded,
    schedule: Schedule::BETTERMODE,
    ..STANDARD
};

const STREAM: Wire = Wire {
    name: "stream",
    standard: StandardHeaders::WithSecret,
    schedule: Schedule::STREAM,
    ..STANDARD
};

const SPACE_WEBHOOK: Wire = Wire {
    name: "space-webhook",
    schedule: Schedule::UNTIL_DEADLINE,
    ..STANDARD
};

const SPACE_PROTOCOL: Wire = Wire {
    name: "space-protocol",
    standard: StandardHeaders::WithSecret,
    call: Call::Xrpc,
    schedule: Schedule::UNTIL_DEADLINE,
    ..STANDARD
};

impl Profile {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Standard,
        Self::Wisp,
        Self::Wisp2,
        Self::Hapnd,
        Self::Bettermode,
        Self::Stream,
        Self::SpaceWebhook,
        Self::SpaceProtocol,
    ];

    /// What the profile consists of.
    pub const fn wire(self) -> &'static Wire {
        match self {
            Self::Standard => &STANDARD,
            Self::Wisp => &WISP,
            Self::Wisp2 => &WISP_2,
            Self::Hapnd => &HAPND,
            Self::Bettermode => &BETTERMODE,
            Self::Stream => &STREAM,
            Self::SpaceWebhook => &SPACE_WEBHOOK,
            Self::SpaceProtocol => &SPACE_PROTOCOL,
        }
    }

    /// The name in storage and configuration.
    pub fn as_str(self) -> &'static str {
        self.wire().name
    }

    /// Whether its receivers can make use of such a secret: those that verify with a shared key of
    /// their own system cannot verify a key pair's signature in its place.
    pub fn takes(self, secret: &Secret) -> bool {
        self.wire().own.is_none() || secret.hmac_key().is_some()
    }
}

impl FromStr for Profile {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL
            .into_iter()
            .find(|profile| profile.as_str() == name);
        found.ok_or_else(|| UnknownName(name.to_owned()))
    }
}

/// As much of a Bettermode receiver's answer as matters.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    status: std::borrow::Cow<'a, str>,
}

impl Success {
    /// Whether this answer means that the notification arrived.
    pub fn is_met_by(self, answer: &Answer) -> bool {
        match self {
            Self::Any2xx | Self::Any2xxInTheEnd | Self::Any2xxOrOutOfAttempts => {
                (200..300).contains(&answer.status)
            }
            Self::Succeeded => {
                let told = || serde_json::from_slice::<Told<'_>>(&answer.body);
                answer.status == 200 && told().is_ok_and(|told| told.status == "SUCCEEDED")
            }
        }
    }

    /// Whether whatever else is answered may be different the next time.
    pub(crate) fn fails_for_now(self) -> bool {
        self != Self::Any2xx
    }

    /// Whether nothing at all is final.
    pub(crate) fn is_never_final(self) -> bool {
        self == Self::Any2xxOrOutOfAttempts
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{Outcome, Verdict};

    #[test]
    fn names_read_back() {
        for profile in Profile::ALL {
            assert_eq!(profile.as_str().parse(), Ok(profile));
        }
    }

    #[test]
    fn a_key_pair_is_no_use_to_systems_with_a_signature_of_their_own() {
        let pair = Secret::generate_ed25519([1; 32]);
        let takes = Profile::ALL.map(|profile| profile.takes(&pair));
        assert_eq!(takes, [true, false, false, false, false, true, true, true]);
    }

    #[test]
    fn the_generations_of_wisp_differ_in_what_is_final() {
        let verdict = |profile: Profile, status| {
            let answer = Answer {
                status,
                retry_after: None,
                body: Bytes::new(),
            };
            Outcome::Answered(answer).verdict(profile.wire().success)
        };
        for status in [200, 204, 299] {
            assert_eq!(verdict(Profile::Wisp, status), Verdict::Success);
            assert_eq!(verdict(Profile::Wisp2, status), Verdict::Success);
        }
        for status in [100, 302, 400, 404, 422] {
            assert_eq!(verdict(Profile::Wisp, status), Verdict::Transient(None));
            assert_eq!(verdict(Profile::Wisp2, status), Verdict::Permanent);
        }
        for status in [408, 429, 500, 503] {
            assert_eq!(verdict(Profile::Wisp, status), Verdict::Transient(None));
            assert_eq!(verdict(Profile::Wisp2, status), Verdict::Transient(None));
        }
        assert_eq!(verdict(Profile::Wisp, 410), Verdict::Gone);
    }

    #[test]
    fn nothing_that_a_receiver_of_hapnd_s_does_is_final() {
        let success = Profile::Hapnd.wire().success;
        for status in [100, 302, 400, 401, 404, 408, 410, 422, 429, 500, 503] {
            let answer = Answer {
                status,
                retry_after: None,
                body: Bytes::new(),
            };
            let verdict = Outcome::Answered(answer).verdict(success);
            assert_eq!(verdict, Verdict::Transient(None), "{status}");
        }
        for fault in crate::Fault::ALL {
            let verdict = Outcome::Failed(fault).verdict(success);
            assert_eq!(verdict, Verdict::Transient(None), "{fault:?}");
        }
    }

    #[test]
    fn bettermode_wants_to_be_told_of_success() {
        let verdict = |status, body: &'static str| {
            let body = Bytes::from_static(body.as_bytes());
            let retry_after = None;
            let answer = Answer {
                status,
                retry_after,
                body,
            };
            Outcome::Answered(answer).verdict(Success::Succeeded)
        };
        let good = r#"{"type":"TEST","status":"SUCCEEDED","data":{"deep":[[1]]}}"#;
        assert_eq!(verdict(200, good), Verdict::Success);
        assert_eq!(
            verdict(200, r#"{"status":"SUCC\u0045EDED"}"#),
            Verdict::Success
        );
        let bad = [
            (
                200,
                r#"{"status":"FAILED","errorCode":"x","errorMessage":"y"}"#,
            ),
            (200, r#"{"status":"succeeded"}"#),
            (200, r#"{"status":true}"#),
            (200, "SUCCEEDED"),
            (200, ""),
            (204, good),
            (302, good),
            (404, good),
            (500, good),
        ];
        for (status, body) in bad {
            assert_eq!(
                verdict(status, body),
                Verdict::Transient(None),
                "{status} {body}"
            );
        }
        assert_eq!(verdict(410, good), Verdict::Gone);
    }
}
