//! Who may be asked now: places are shared out by host, so that hosts that accept and never answer keep
//! nobody else waiting.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use url::{Host, Url};

/// Questions to one host at a time.
const OF_A_HOST: usize = 2;
/// When to come again to a host that is being asked as much as it may be.
const BUSY: Duration = Duration::from_secs(1);
/// How long a host that did not answer is left alone: first, and at most.
const PAUSE: [Duration; 2] = [Duration::from_secs(20), Duration::from_secs(600)];
/// The pause doubles this often.
const DOUBLINGS: u32 = 5;
/// Hosts that are known to be silent; with more, they are forgotten.
const MOST_SILENT: usize = 4096;

/// The places of all hosts. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Places(Arc<Mutex<HashMap<String, Seen>>>);

/// What is known of a host: that it is being asked, or did not answer.
#[derive(Clone, Copy, Default)]
struct Seen {
    asked: usize,
    /// Silences in a row.
    silences: u32,
    /// It is left alone until then.
    until: Option<Instant>,
}

/// A place; free again when it is dropped.
pub(super) struct Place {
    places: Places,
    host: String,
    /// Whether the host answered, once that is known.
    answered: Option<bool>,
}

/// There is no place now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoPlace {
    /// When to come again.
    pub(super) wait: Duration,
    /// How often in a row the host did not answer.
    pub(super) silences: u32,
}

impl Places {
    /// A place to ask this host.
    pub(super) fn enter(&self, host: &Url) -> Result<Place, NoPlace> {
        let (host, now) = (name(host), Instant::now());
        let mut all = self.lock();
        let mut seen = all.get(&host).copied().unwrap_or_default();
        let most = match seen.silences {
            0 => OF_A_HOST,
            // One finds out for all whether it answers again.
            _ => 1,
        };
        let left = seen.until.map(|until| until.duration_since(now));
        let left = left.filter(|left| !left.is_zero());
        let wait = left.or_else(|| (seen.asked >= most).then_some(BUSY));
        if let Some(wait) = wait {
            let silences = seen.silences;
            return Err(NoPlace { wait, silences });
        }
        if all.len() >= MOST_SILENT {
            all.retain(|_, seen| seen.asked > 0);
        }
        seen.asked += 1;
        all.insert(host.clone(), seen);
        drop(all);
        Ok(Place {
            places: self.clone(),
            host,
            answered: None,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Seen>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The host answered, or did not.
    pub(super) fn answered(&mut self, answered: bool) {
        self.answered = Some(answered);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.places.lock();
        let Some(seen) = all.get_mut(&self.host) else {
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
            all.remove(&self.host);
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

    fn wait(places: &Places, url: &str) -> Option<(u64, u32)> {
        let refused = places.enter(&host(url)).err();
        refused.map(|refused| (refused.wait.as_secs(), refused.silences))
    }

    #[tokio::test(start_paused = true)]
    async fn one_host_leaves_places_to_others() {
        let places = Places::default();
        let held = [1, 2].map(|port| places.enter(&host(&format!("https://a.test:{port}"))));
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(wait(&places, "https://a.test/"), Some((1, 0)));
        assert_eq!(wait(&places, "https://b.test/"), None);
        drop(held);
        assert_eq!(wait(&places, "https://a.test/"), None);
        assert!(places.lock().is_empty(), "nothing is left over");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_host_is_left_alone_ever_longer_until_it_answers() {
        let (places, url) = (Places::default(), "https://a.test/");
        let ask = |answered| {
            let mut place = places.enter(&host(url)).expect("a place");
            place.answered(answered);
        };
        for (silences, pause) in (1..).zip([20, 40, 80, 160, 320, 600, 600]) {
            ask(false);
            assert_eq!(wait(&places, url), Some((pause, silences)));
            tokio::time::advance(Duration::from_secs(pause)).await;
        }
        let probe = places.enter(&host(url)).expect("a place");
        assert_eq!(wait(&places, url), Some((1, 7)), "one is enough");
        drop(probe);
        ask(true);
        assert!(places.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn silent_hosts_are_forgotten_before_they_are_too_many() {
        let places = Places::default();
        let asked = places.enter(&host("https://asked.test")).expect("a place");
        for number in 0..2 * MOST_SILENT {
            let url = host(&format!("https://host{number}.test"));
            places.enter(&url).expect("a place").answered(false);
        }
        assert!(places.lock().len() <= MOST_SILENT);
        assert!(places.lock().contains_key("asked.test"));
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
}
