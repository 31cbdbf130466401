//! Who may be asked now: places are shared out by host, so that hosts that accept and never answer keep
//! nobody else waiting; and by what is known of hosts, so that however many of them are silent, those that
//! answer have places.
//!
//! Whoever has a domain can have any number of hosts below it. What is known to be good is known of the
//! domain, and however well it answers, its hosts have a share of the places and no more.

mod domain;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use domain::host_of;
pub(crate) use domain::{Domain, own_host};

/// Questions to one host at a time.
const OF_A_HOST: usize = 2;
/// The share of a kind's places that the hosts of one domain may have: one in so many, and as many as one
/// host.
const OF_A_DOMAIN: usize = 4;
/// When to come again to a host that is being asked as much as it may be.
const BUSY: Duration = Duration::from_secs(1);
/// When to come again while too many hosts are asked of which nothing is known, or nothing good.
const CROWDED: Duration = Duration::from_secs(5);
/// How long a host that did not answer is left alone: first, and at most.
const PAUSE: [Duration; 2] = [Duration::from_secs(20), Duration::from_secs(600)];
/// The pause doubles this often.
const DOUBLINGS: u32 = 5;
/// How long an answer may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// The first answer of a host that nothing is known of. One that is slower is asked again as one that was
/// silent.
const FIRST_PATIENCE: Duration = Duration::from_secs(5);
/// Hosts that are known to be silent; with more, those are forgotten first whose pause ends first.
const MOST_SILENT: usize = 4096;
/// Domains that are known to answer; with more, those are forgotten first that have not answered for
/// longest.
const MOST_ANSWERING: usize = 4096;

/// The places of all hosts. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Places(Arc<Mutex<All>>);

#[derive(Default)]
struct All {
    hosts: HashMap<String, Seen>,
    /// Domains of which the host that was asked last answered, and when.
    answering: HashMap<Domain, Instant>,
    /// How many questions of each kind are with hosts of each standing.
    taken: HashMap<(&'static str, Standing), usize>,
    /// How many of each kind are with hosts of each domain.
    of_domains: HashMap<(&'static str, Domain), usize>,
}

/// What is known of a host: that it is being asked, or did not answer.
#[derive(Clone, Copy, Default)]
struct Seen {
    asked: usize,
    /// Silences in a row.
    silences: u32,
    /// It is left alone until then.
    until: Option<Instant>,
}

/// What is expected of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Standing {
    /// It answers, as others of its domain do.
    Answering,
    /// Nobody knows.
    New,
    /// It was silent when it was asked last.
    Silent,
}

/// What is asked, of which so many questions are asked at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) at_once: usize,
}

/// A place; free again when it is dropped.
pub(crate) struct Place {
    places: Places,
    host: String,
    domain: Domain,
    kind: Kind,
    standing: Standing,
    /// Whether the host answered, once that is known.
    answered: Option<bool>,
}

/// There is no place now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoPlace {
    /// When to come again.
    pub(crate) wait: Duration,
    /// How often in a row the host did not answer.
    pub(crate) silences: u32,
}

impl Kind {
    /// How many of its questions may be with hosts of a standing. What is left is for those that answer.
    fn share(self, standing: Standing) -> usize {
        match standing {
            Standing::Answering => usize::MAX,
            Standing::New => self.at_once / 2,
            Standing::Silent => self.at_once / 4,
        }
    }

    /// How many may be with hosts of one domain.
    fn of_a_domain(self) -> usize {
        (self.at_once / OF_A_DOMAIN).max(OF_A_HOST)
    }
}

impl Places {
    /// A place to ask this host.
    pub(crate) fn enter(&self, url: &Url, kind: Kind) -> Result<Place, NoPlace> {
        let (host, domain, now) = (host_of(url), Domain::of(url), Instant::now());
        let mut all = self.lock();
        let mut seen = all.hosts.get(&host).copied().unwrap_or_default();
        let standing = match seen.silences {
            0 if all.answering.contains_key(&domain) => Standing::Answering,
            0 => Standing::New,
            _ => Standing::Silent,
        };
        let most = match standing {
            Standing::Answering | Standing::New => OF_A_HOST,
            // One finds out for all whether it answers again.
            Standing::Silent => 1,
        };
        let left = seen.until.map(|until| until.duration_since(now));
        let left = left.filter(|left| !left.is_zero());
        let wait = left.or_else(|| (seen.asked >= most).then_some(BUSY));
        let wait = wait.or_else(|| all.is_crowded(kind, standing, &domain).then_some(CROWDED));
        if let Some(wait) = wait {
            let silences = seen.silences;
            return Err(NoPlace { wait, silences });
        }
        seen.asked += 1;
        all.take(host.clone(), seen);
        *all.taken.entry((kind.name, standing)).or_default() += 1;
        let of_domain = all.of_domains.entry((kind.name, domain.clone()));
        *of_domain.or_default() += 1;
        drop(all);
        Ok(Place {
            places: self.clone(),
            host,
            domain,
            kind,
            standing,
            answered: None,
        })
    }

    /// Whether two places are at the same host.
    pub(crate) fn are_same(one: &Url, other: &Url) -> bool {
        host_of(one) == host_of(other)
    }

    fn lock(&self) -> MutexGuard<'_, All> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl All {
    fn is_crowded(&self, kind: Kind, standing: Standing, domain: &Domain) -> bool {
        let taken = self.taken.get(&(kind.name, standing)).copied();
        let of_domain = self.of_domains.get(&(kind.name, domain.clone())).copied();
        taken.unwrap_or(0) >= kind.share(standing) || of_domain.unwrap_or(0) >= kind.of_a_domain()
    }

    /// Takes note of a host that is asked now.
    fn take(&mut self, host: String, seen: Seen) {
        if self.hosts.len() >= MOST_SILENT && !self.hosts.contains_key(&host) {
            let silent = self.hosts.iter().filter(|(_, seen)| seen.asked == 0);
            let first = silent.min_by_key(|(_, seen)| seen.until);
            if let Some(first) = first.map(|(host, _)| host.clone()) {
                self.hosts.remove(&first);
            }
        }
        self.hosts.insert(host, seen);
    }

    /// Takes note of a domain that answers.
    fn praise(&mut self, domain: &Domain, now: Instant) {
        if self.answering.len() >= MOST_ANSWERING && !self.answering.contains_key(domain) {
            let first = self.answering.iter().min_by_key(|(_, answered)| **answered);
            if let Some(first) = first.map(|(domain, _)| domain.clone()) {
                self.answering.remove(&first);
            }
        }
        self.answering.insert(domain.clone(), now);
    }

    fn free(&mut self, place: &Place) {
        if let Some(taken) = self.taken.get_mut(&(place.kind.name, place.standing)) {
            *taken = taken.saturating_sub(1);
        }
        let of_domain = (place.kind.name, place.domain.clone());
        match self.of_domains.get_mut(&of_domain) {
            Some(taken) if *taken > 1 => *taken -= 1,
            _ => {
                self.of_domains.remove(&of_domain);
            }
        }
    }

    /// Takes note of how asking a host ended.
    fn learn(&mut self, place: &Place, now: Instant) {
        match place.answered {
            Some(true) => self.praise(&place.domain, now),
            Some(false) => {
                self.answering.remove(&place.domain);
            }
            None => {}
        }
        let Some(seen) = self.hosts.get_mut(&place.host) else {
            return;
        };
        seen.asked = seen.asked.saturating_sub(1);
        match place.answered {
            Some(true) => (seen.silences, seen.until) = (0, None),
            Some(false) => {
                let doublings = seen.silences.min(DOUBLINGS);
                seen.silences = seen.silences.saturating_add(1);
                let pause = (PAUSE[0] * 2u32.pow(doublings)).min(PAUSE[1]);
                seen.until = Some(now + pause);
            }
            None => {}
        }
        if seen.asked == 0 && seen.silences == 0 {
            self.hosts.remove(&place.host);
        }
    }
}

impl Place {
    /// The host answered, or did not.
    pub(crate) fn answered(&mut self, answered: bool) {
        self.answered = Some(answered);
    }

    /// How long its next answer may take.
    pub(crate) fn patience(&self) -> Duration {
        match (self.standing, self.answered) {
            (Standing::New, None) => FIRST_PATIENCE,
            _ => PATIENCE,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let places = self.places.clone();
        let mut all = places.lock();
        all.free(self);
        all.learn(self, Instant::now());
    }
}

#[cfg(test)]
mod tests;
