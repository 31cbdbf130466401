//! Where deliveries go, and how well that place has been doing.

use std::num::NonZeroU32;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use loggia_syntax::Did;

use crate::{CustomHeaders, EndpointId, Profile, Secret, Target};

/// A place that wants to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Which endpoint.
    pub id: EndpointId,
    /// The account or service that it belongs to.
    pub owner: Did,
    /// The URL that attempts are sent to.
    pub target: Target,
    /// How notifications are dressed for it.
    pub profile: Profile,
    /// What they are signed with.
    pub secrets: Secrets,
    /// What its owner adds to every attempt.
    pub headers: CustomHeaders,
    /// Whether its notifications go out one at a time and in the order of their ids. One that waits
    /// for another attempt holds up those after it.
    pub in_order: bool,
    /// At most so many attempts a second, on each node that makes them.
    pub per_second: Option<NonZeroU32>,
    /// In whose name it is called with service auth and for whom the tokens are; none where that is the
    /// server and the owner.
    pub parties: Option<Parties>,
    /// Whether it is told at all.
    pub state: EndpointState,
    /// How it has been doing.
    pub health: Health,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Endpoint {
    /// A new one: active, in good health, without custom headers, order, limit or parties of its own.
    pub fn new(
        id: EndpointId,
        owner: Did,
        target: Target,
        profile: Profile,
        secrets: Secrets,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            owner,
            target,
            profile,
            secrets,
            headers: CustomHeaders::default(),
            in_order: false,
            per_second: None,
            parties: None,
            state: EndpointState::Active,
            health: Health::default(),
            created_at: now,
        }
    }
}

/// Between whom service auth stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parties {
    /// In whose name a service is called.
    pub issuer: Did,
    /// For whom the tokens are: a DID, or a DID with `#` and an entry of its document.
    pub audience: String,
}

/// The current secret, the one before it until receivers had time to change over, and those of others who
/// are told at the same place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Secrets {
    /// Signs every attempt; none where the profile lets an endpoint go unsigned.
    pub current: Option<Secret>,
    /// Signs beside the current one until the given time.
    pub previous: Option<(Secret, Timestamp)>,
    /// Those of others who have the same place told of the same, and verify with what is theirs.
    pub others: Vec<Secret>,
}

impl Secrets {
    /// One secret and no rotation under way.
    pub fn one(secret: Secret) -> Self {
        Self {
            current: Some(secret),
            ..Self::default()
        }
    }

    /// Puts a new secret in place; the old one keeps signing for `overlap`.
    #[must_use]
    pub fn rotate(self, new: Secret, now: Timestamp, overlap: SignedDuration) -> Self {
        let until = crate::clock::after(now, overlap);
        Self {
            current: Some(new),
            previous: self.current.map(|old| (old, until)),
            others: self.others,
        }
    }

    /// The secrets to sign with at `now`, newest first, then those of others.
    pub fn at(&self, now: Timestamp) -> impl Iterator<Item = &Secret> {
        let previous = self.previous.as_ref().filter(|(_, until)| now < *until);
        self.current
            .iter()
            .chain(previous.map(|(secret, _)| secret))
            .chain(&self.others)
    }
}

/// Whether an endpoint is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointState {
    /// It is.
    Active,
    /// It is not; what would have been sent is a cancelled delivery.
    Disabled {
        /// Why, for its owner to read.
        reason: DisableReason,
        /// Since when.
        at: Timestamp,
    },
}

/// Why an endpoint is no longer told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisableReason {
    /// It answered 410.
    Gone,
    /// It failed for too long, see [`HealthRules`].
    Failing,
    /// Its owner switched it off.
    Owner,
    /// It was deleted, and is kept only for the record of its deliveries.
    Deleted,
    /// What is stored of it cannot be read, for example a secret that the master key does not open.
    Unreadable,
    /// The secret that it was to be signed with does not exist: it never goes out unsigned.
    NoSecret,
    /// The account of its owner is away: deactivated, suspended or taken down.
    Away,
    /// What it stands for is not allowed, or is not what it has to be.
    Refused,
}

/// A name that is none of those known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown name `{0}`")]
pub struct UnknownName(pub String);

impl DisableReason {
    const ALL: [Self; 8] = [
        Self::Gone,
        Self::Failing,
        Self::Owner,
        Self::Deleted,
        Self::Unreadable,
        Self::NoSecret,
        Self::Away,
        Self::Refused,
    ];

    /// The name in storage and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Failing => "failing",
            Self::Owner => "owner",
            Self::Deleted => "deleted",
            Self::Unreadable => "unreadable",
            Self::NoSecret => "no_secret",
            Self::Away => "away",
            Self::Refused => "refused",
        }
    }
}

impl FromStr for DisableReason {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|reason| reason.as_str() == name);
        found.ok_or_else(|| UnknownName(name.to_owned()))
    }
}

/// What an attempt says about its endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// The attempt was delivered.
    Succeeded,
    /// The attempt failed, whether or not there will be another.
    Failed,
    /// The endpoint says that it is gone for good.
    Gone,
}

/// How an endpoint has been doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Failed attempts since the last success.
    pub consecutive_failures: u32,
    /// When the first of them was.
    pub failing_since: Option<Timestamp>,
    /// The last success ever.
    pub last_success: Option<Timestamp>,
}

/// When failing for long becomes being disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthRules {
    /// At least this many failed attempts in a row,
    pub failures: u32,
    /// over at least this long.
    pub over: SignedDuration,
}

impl Default for HealthRules {
    /// Twenty failures over five days: a weekend with a broken receiver is forgiven.
    fn default() -> Self {
        Self {
            failures: 20,
            over: SignedDuration::from_hours(5 * 24),
        }
    }
}

impl Health {
    /// After so many failures in a row an endpoint is only probed: one attempt at a time, with
    /// growing pauses between.
    pub const PROBING: u32 = 5;

    /// The health after one more attempt, and whether the endpoint is to be disabled now.
    #[must_use]
    pub fn after(
        self,
        report: Report,
        rules: &HealthRules,
        now: Timestamp,
    ) -> (Self, Option<DisableReason>) {
        if report == Report::Succeeded {
            let last_success = self.last_success.max(Some(now));
            return (
                Self {
                    last_success,
                    ..Self::default()
                },
                None,
            );
        }
        let since = self.failing_since.unwrap_or(now);
        let consecutive_failures = self.consecutive_failures.saturating_add(1);
        let health = Self {
            consecutive_failures,
            failing_since: Some(since),
            ..self
        };
        let tired =
            consecutive_failures >= rules.failures && now.duration_since(since) >= rules.over;
        let disable = match report {
            Report::Gone => Some(DisableReason::Gone),
            _ if tired => Some(DisableReason::Failing),
            _ => None,
        };
        (health, disable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * n)
    }

    #[test]
    fn both_count_and_time_are_needed_to_disable() {
        let rules = HealthRules::default();
        let mut health = Health::default();
        for _ in 0..30 {
            let (after, disable) = health.after(Report::Failed, &rules, day(0));
            assert_eq!(disable, None);
            health = after;
        }
        assert_eq!(
            health.after(Report::Failed, &rules, day(5)).1,
            Some(DisableReason::Failing)
        );
        let (recovered, _) = health.after(Report::Succeeded, &rules, day(4));
        let expected = Health {
            last_success: Some(day(4)),
            ..Health::default()
        };
        assert_eq!(recovered, expected);
        assert_eq!(recovered.after(Report::Failed, &rules, day(9)).1, None);
    }

    #[test]
    fn gone_is_gone_at_once() {
        let (_, disable) = Health::default().after(Report::Gone, &HealthRules::default(), day(0));
        assert_eq!(disable, Some(DisableReason::Gone));
    }

    #[test]
    fn a_rotated_secret_signs_until_its_overlap_ends() {
        let [old, new] = [Secret::generate([1; 32]), Secret::generate([2; 32])];
        let overlap = SignedDuration::from_hours(24);
        let secrets = Secrets::one(old.clone()).rotate(new.clone(), day(0), overlap);
        assert_eq!(secrets.at(day(0)).collect::<Vec<_>>(), [&new, &old]);
        assert_eq!(secrets.at(day(1)).collect::<Vec<_>>(), [&new]);
    }
}
