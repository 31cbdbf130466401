//! How many fetches are under way: of the clients of one domain, so that none takes the places of all
//! others, and altogether.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ClientId;

/// Places for fetches. No more domains than places.
#[derive(Debug)]
pub(super) struct Places {
    of_each: usize,
    of_all: usize,
    taken: Mutex<HashMap<String, usize>>,
}

/// A place; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place<'a> {
    places: &'a Places,
    domain: String,
}

impl Places {
    pub(super) fn new(of_each: usize, of_all: usize) -> Self {
        Self {
            of_each,
            of_all,
            taken: Mutex::default(),
        }
    }

    /// A place to fetch this client, if there is one.
    pub(super) fn enter(&self, id: &ClientId) -> Option<Place<'_>> {
        let domain = domain(id);
        let mut taken = self.lock();
        let of_this = taken.get(&domain).copied().unwrap_or(0);
        if of_this >= self.of_each || taken.values().sum::<usize>() >= self.of_all {
            return None;
        }
        taken.insert(domain.clone(), of_this + 1);
        Some(Place {
            places: self,
            domain,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        // Nothing panics while it is held.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        match taken.get_mut(&self.domain) {
            Some(places) if *places > 1 => *places -= 1,
            _ => {
                taken.remove(&self.domain);
            }
        }
    }
}

/// The last two labels of a client's host: whoever has those can make any number below.
fn domain(id: &ClientId) -> String {
    let host = id.host();
    let mut dots = host.rmatch_indices('.').map(|(place, _)| place);
    let begin = dots.nth(1).map_or(0, |place| place + 1);
    host[begin..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(host: &str) -> ClientId {
        ClientId::new(format!("https://{host}/client.json")).expect("a client")
    }

    #[test]
    fn one_domain_leaves_places_to_others() {
        let places = Places::new(2, 3);
        let first = places.enter(&client("a.slow.example")).expect("a place");
        let _second = places.enter(&client("slow.example")).expect("a place");
        assert!(places.enter(&client("b.c.slow.example")).is_none());
        let other = places.enter(&client("app.quick.example")).expect("a place");
        assert!(
            places.enter(&client("app.other.example")).is_none(),
            "three"
        );
        drop(first);
        let again = places.enter(&client("c.slow.example")).expect("free again");
        drop((again, other, _second));
        assert!(places.lock().is_empty(), "nothing is left over");
    }
}
