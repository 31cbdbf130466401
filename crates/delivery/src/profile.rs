//! Wire profiles: how notifications are dressed for a kind of receiver. Data, not code.

use std::borrow::Cow;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;

use crate::{Answer, Endpoint, Notification, Request, Schedule, UnknownName, signature};

/// Which wire profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// Ours: Standard Webhooks, eight attempts.
    Standard,
    /// Notices of a permissioned space to a plain HTTPS endpoint, until its registration expires.
    SpaceWebhook,
}

/// What a profile consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire {
    /// The name in storage and configuration.
    pub name: &'static str,
    /// How the body is signed.
    pub signature: SignatureScheme,
    /// Headers beside the signature's.
    pub headers: &'static [(&'static str, &'static str)],
    /// What counts as delivered.
    pub success: Success,
    /// When attempts happen.
    pub schedule: Schedule,
}

/// How a body is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureScheme {
    /// Standard Webhooks 1.0.0; several signatures during a rotation, none without a secret.
    StandardWebhooks,
}

/// What counts as delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Success {
    /// Any status from 200 to 299.
    Any2xx,
}

const JSON: (&str, &str) = ("content-type", "application/json");

const STANDARD: Wire = Wire {
    name: "standard",
    signature: SignatureScheme::StandardWebhooks,
    headers: &[JSON],
    success: Success::Any2xx,
    schedule: Schedule::STANDARD,
};

const SPACE_WEBHOOK: Wire = Wire {
    name: "space-webhook",
    schedule: Schedule::UNTIL_DEADLINE,
    ..STANDARD
};

impl Profile {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Standard, Self::SpaceWebhook];

    /// What the profile consists of.
    pub const fn wire(self) -> &'static Wire {
        match self {
            Self::Standard => &STANDARD,
            Self::SpaceWebhook => &SPACE_WEBHOOK,
        }
    }

    /// The name in storage and configuration.
    pub fn as_str(self) -> &'static str {
        self.wire().name
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

impl Success {
    /// Whether this answer means that the notification arrived.
    pub fn is_met_by(self, answer: &Answer) -> bool {
        match self {
            Self::Any2xx => (200..300).contains(&answer.status),
        }
    }
}

impl Wire {
    /// The request for an attempt made at `now`.
    pub fn request(
        &self,
        notification: &Notification,
        endpoint: &Endpoint,
        now: Timestamp,
        timeout: Duration,
    ) -> Request {
        let fixed = self.headers.iter();
        let mut headers: Vec<_> = fixed
            .map(|&(name, value)| (Cow::Borrowed(name), value.to_owned()))
            .collect();
        match self.signature {
            SignatureScheme::StandardWebhooks => {
                headers.extend(standard_webhooks(notification, endpoint, now));
            }
        }
        Request {
            target: endpoint.target.clone(),
            headers,
            body: notification.body.clone(),
            timeout,
        }
    }
}

fn standard_webhooks(
    notification: &Notification,
    endpoint: &Endpoint,
    now: Timestamp,
) -> Vec<(Cow<'static, str>, String)> {
    let id = notification.id.to_string();
    let seconds = now.as_second();
    let codes: Vec<String> = (endpoint.secrets.at(now))
        .map(|secret| signature::sign(secret, &id, seconds, &notification.body))
        .collect();
    let mut headers = vec![
        (Cow::Borrowed(signature::ID), id),
        (Cow::Borrowed(signature::TIMESTAMP), seconds.to_string()),
    ];
    if !codes.is_empty() {
        headers.push((Cow::Borrowed(signature::SIGNATURE), codes.join(" ")));
    }
    headers
}
