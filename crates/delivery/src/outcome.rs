//! How an attempt went, and what that means.

use std::fmt;
use std::str::FromStr;

use crate::{Answer, RetryAfter, Success, UnknownName};

/// How an attempt went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver answered.
    Answered(Answer),
    /// It did not.
    Failed(Fault),
}

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The name could not be resolved.
    Dns,
    /// No connection, or it broke.
    Network,
    /// The TLS handshake failed.
    Tls,
    /// The deadline of the attempt passed.
    Timeout,
    /// The answer was not HTTP, larger than allowed in its head, or a success whose body broke off.
    Protocol,
    /// The address guard refused the address.
    Blocked,
    /// The URL cannot be called at all.
    InvalidTarget,
    /// The request could not be signed, or no token could be minted for it.
    Signing,
    /// The attempt was lost inside this process.
    Internal,
}

/// What follows from an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Delivered.
    Success,
    /// Worth another attempt, not before what the receiver asked for.
    Transient(Option<RetryAfter>),
    /// Another attempt would fare no better.
    Permanent,
    /// 410: the endpoint is no more.
    Gone,
}

impl Fault {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Dns,
        Self::Network,
        Self::Tls,
        Self::Timeout,
        Self::Protocol,
        Self::Blocked,
        Self::InvalidTarget,
        Self::Signing,
        Self::Internal,
    ];

    /// The name in storage and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Network => "network",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::Blocked => "blocked",
            Self::InvalidTarget => "invalid_target",
            Self::Signing => "signing",
            Self::Internal => "internal",
        }
    }

    fn is_permanent(self) -> bool {
        matches!(self, Self::Blocked | Self::InvalidTarget)
    }
}

impl fmt::Display for Fault {
    /// For people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dns => "its name does not resolve",
            Self::Network => "there is no connection to it, or it broke",
            Self::Tls => "it does not speak TLS, or its certificate is not to be trusted",
            Self::Timeout => "it did not answer completely in time",
            Self::Protocol => "its answer is not HTTP, or breaks off",
            Self::Blocked => "its address may not be reached from here",
            Self::InvalidTarget => "its URL cannot be called",
            Self::Signing => "the request could not be signed",
            Self::Internal => "the attempt was lost inside the server",
        })
    }
}

impl FromStr for Fault {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|fault| fault.as_str() == name);
        found.ok_or_else(|| UnknownName(name.to_owned()))
    }
}

impl Outcome {
    /// Judges the outcome by what counts as success.
    ///
    /// Redirects are not followed and count as permanent failures, as does any 4xx that is not
    /// known to pass; [`Success`] may say otherwise.
    pub fn verdict(&self, success: Success) -> Verdict {
        let answer = match self {
            Self::Answered(answer) => answer,
            Self::Failed(fault) if fault.is_permanent() && !success.is_never_final() => {
                return Verdict::Permanent;
            }
            Self::Failed(_) => return Verdict::Transient(None),
        };
        match answer.status {
            _ if success.is_met_by(answer) => Verdict::Success,
            410 if !success.is_never_final() => Verdict::Gone,
            _ if success.fails_for_now() => answer.transient(),
            408 | 409 | 423 | 425 | 429 | 500..=599 => answer.transient(),
            _ => Verdict::Permanent,
        }
    }
}

impl Answer {
    fn transient(&self) -> Verdict {
        Verdict::Transient(self.retry_after.as_deref().and_then(RetryAfter::parse))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn verdict(status: u16) -> Verdict {
        let answer = Answer {
            status,
            retry_after: None,
            body: Bytes::new(),
        };
        Outcome::Answered(answer).verdict(Success::Any2xx)
    }

    #[test]
    fn statuses_are_judged_by_the_rules() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(verdict(status), Verdict::Success, "{status}");
        }
        for status in [408, 409, 423, 425, 429, 500, 502, 503, 504, 599] {
            assert_eq!(verdict(status), Verdict::Transient(None), "{status}");
        }
        for status in [100, 301, 302, 307, 400, 401, 403, 404, 422, 600, 999] {
            assert_eq!(verdict(status), Verdict::Permanent, "{status}");
        }
        assert_eq!(verdict(410), Verdict::Gone);
    }

    #[test]
    fn faults_are_judged_by_the_rules() {
        for fault in Fault::ALL {
            let expected = match fault {
                Fault::Blocked | Fault::InvalidTarget => Verdict::Permanent,
                _ => Verdict::Transient(None),
            };
            assert_eq!(
                Outcome::Failed(fault).verdict(Success::Any2xx),
                expected,
                "{fault:?}"
            );
        }
    }
}
