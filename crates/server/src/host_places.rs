//! Who may be asked now: places are shared out by host, so that hosts that accept and never answer keep
//! nobody else waiting; and by what is known of hosts, so that however many of them are silent, those that
//! answer have places.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use url::{Host, Url};

/// Questions to one host at a time.
const OF_A_HOST: usize = 2;
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
/// Hosts that are known to be silent; with more, they are forgotten.
const MOST_SILENT: usize = 4096;
/// Hosts that are known to answer; with more, they are forgotten.
const MOST_ANSWERING: usize = 4096;

/// The places of all hosts. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Places(Arc<Mutex<All>>);

#[derive(Default)]
struct All {
    hosts: HashMap<String, Seen>,
    /// Those that answered when they were asked last.
    answering: HashSet<String>,
    /// How many questions of each kind are with hosts of each standing.
    taken: HashMap<(&'static str, Standing), usize>,
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
    /// It answers.
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
}

impl Places {
    /// A place to ask this host.
    pub(crate) fn enter(&self, host: &Url, kind: Kind) -> Result<Place, NoPlace> {
        let (host, now) = (name(host), Instant::now());
        let mut all = self.lock();
        let mut seen = all.hosts.get(&host).copied().unwrap_or_default();
        let standing = match seen.silences {
            0 if all.answering.contains(&host) => Standing::Answering,
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
        let taken = all.taken.get(&(kind.name, standing)).copied();
        let crowded = taken.unwrap_or(0) >= kind.share(standing);
        if let Some(wait) = wait.or_else(|| crowded.then_some(CROWDED)) {
            let silences = seen.silences;
            return Err(NoPlace { wait, silences });
        }
        if all.hosts.len() >= MOST_SILENT {
            all.hosts.retain(|_, seen| seen.asked > 0);
        }
        seen.asked += 1;
        all.hosts.insert(host.clone(), seen);
        *all.taken.entry((kind.name, standing)).or_default() += 1;
        drop(all);
        Ok(Place {
            places: self.clone(),
            host,
            kind,
            standing,
            answered: None,
        })
    }

    /// Whether two places are at the same host.
    pub(crate) fn are_same(one: &Url, other: &Url) -> bool {
        name(one) == name(other)
    }

    fn lock(&self) -> MutexGuard<'_, All> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut all = self.places.lock();
        let All {
            hosts,
            answering,
            taken,
        } = &mut *all;
        if let Some(taken) = taken.get_mut(&(self.kind.name, self.standing)) {
            *taken = taken.saturating_sub(1);
        }
        match self.answered {
            Some(true) => {
                if answering.len() >= MOST_ANSWERING {
                    answering.clear();
                }
                answering.insert(self.host.clone());
            }
            Some(false) => {
                answering.remove(&self.host);
            }
            None => {}
        }
        let Some(seen) = hosts.get_mut(&self.host) else {
            return;
        };
        seen.asked = seen.asked.saturating_sub(1);
        match self.answered {
            Some(true) => (seen.silences, seen.until) = (0, None),
            Some(false) => {
                let doublings = seen.silences.min(DOUBLINGS);
                seen.silences = seen.silences.saturating_add(1);
                let pause = (PAUSE[0] * 2u32.pow(doublings)).min(PAUSE[1]);
                seen.until = Some(Instant::now() + pause);
            }
            None => {}
        }
        if seen.asked == 0 && seen.silences == 0 {
            hosts.remove(&self.host);
        }
    }
}

/// Whose host it is. Anybody can listen on many ports, which are one host; but on this machine, which is
/// asked in development alone, each port is another's.
fn name(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default().to_owned();
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.port() {
        Some(port) if is_here => format!("{host}:{port}"),
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(url: &str) -> Url {
        url.parse().expect("a URL")
    }

    const KIND: Kind = Kind {
        name: "read",
        at_once: 8,
    };

    fn wait(places: &Places, url: &str) -> Option<(u64, u32)> {
        let refused = places.enter(&host(url), KIND).err();
        refused.map(|refused| (refused.wait.as_secs(), refused.silences))
    }

    #[tokio::test(start_paused = true)]
    async fn one_host_leaves_places_to_others() {
        let places = Places::default();
        let held = [1, 2].map(|port| places.enter(&host(&format!("https://a.test:{port}")), KIND));
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(wait(&places, "https://a.test/"), Some((1, 0)));
        assert_eq!(wait(&places, "https://b.test/"), None);
        drop(held);
        assert_eq!(wait(&places, "https://a.test/"), None);
        assert!(places.lock().hosts.is_empty(), "nothing is left over");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_host_is_left_alone_ever_longer_until_it_answers() {
        let (places, url) = (Places::default(), "https://a.test/");
        let ask = |answered| {
            let mut place = places.enter(&host(url), KIND).expect("a place");
            place.answered(answered);
        };
        for (silences, pause) in (1..).zip([20, 40, 80, 160, 320, 600, 600]) {
            ask(false);
            assert_eq!(wait(&places, url), Some((pause, silences)));
            tokio::time::advance(Duration::from_secs(pause)).await;
        }
        let probe = places.enter(&host(url), KIND).expect("a place");
        assert_eq!(wait(&places, url), Some((1, 7)), "one is enough");
        drop(probe);
        ask(true);
        assert!(places.lock().hosts.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn silent_hosts_are_forgotten_before_they_are_too_many() {
        let places = Places::default();
        let asked = places
            .enter(&host("https://asked.test"), KIND)
            .expect("a place");
        for number in 0..2 * MOST_SILENT {
            let url = host(&format!("https://host{number}.test"));
            places.enter(&url, KIND).expect("a place").answered(false);
        }
        assert!(places.lock().hosts.len() <= MOST_SILENT);
        assert!(places.lock().hosts.contains_key("asked.test"));
        drop(asked);
    }

    #[test]
    fn ports_count_on_this_machine_alone() {
        for (url, known) in [
            ("https://a.test:8443/", "a.test"),
            ("http://localhost:2583/", "localhost:2583"),
            ("http://127.0.0.1:2583/", "127.0.0.1:2583"),
            ("https://192.0.2.1:8443/", "192.0.2.1"),
        ] {
            assert_eq!(name(&host(url)), known);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_hosts_are_silent_those_that_answer_have_places() {
        let places = Places::default();
        let ask = |url: &str, answered| {
            let mut place = places.enter(&host(url), KIND).expect("a place");
            place.answered(answered);
        };
        ask("https://good.test/", true);
        let fresh: Vec<_> = (0..9)
            .map(|number| places.enter(&host(&format!("https://new{number}.test/")), KIND))
            .collect();
        assert_eq!(fresh.iter().filter(|place| place.is_ok()).count(), 4);
        assert_eq!(wait(&places, "https://new9.test/"), Some((5, 0)));
        for _ in 0..2 {
            let place = places.enter(&host("https://good.test/"), KIND);
            assert_eq!(place.expect("a place").patience(), PATIENCE);
        }
        // Another kind of question has places of its own.
        let other = Kind {
            name: "scan",
            ..KIND
        };
        let place = places.enter(&host("https://new9.test/"), other);
        assert_eq!(place.expect("a place").patience(), FIRST_PATIENCE);
        drop(fresh);
        for number in 0..9 {
            ask(&format!("https://new{number}.test/"), false);
        }
        tokio::time::advance(PAUSE[0]).await;
        let silent: Vec<_> = (0..9)
            .map(|number| places.enter(&host(&format!("https://new{number}.test/")), KIND))
            .collect();
        assert_eq!(silent.iter().filter(|place| place.is_ok()).count(), 2);
        assert!(places.enter(&host("https://new9.test/"), KIND).is_ok());
    }
}
