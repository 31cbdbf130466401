//! The DPoP nonces that servers gave last, so that a request need not be sent twice each time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Servers that are remembered. Forgetting one costs one more request.
const MOST: usize = 256;

/// The longest nonce that is remembered, in bytes; real ones have less than 50.
const LONGEST: usize = 256;

/// By origin of the server.
#[derive(Default)]
pub struct Nonces(Mutex<HashMap<String, String>>);

impl Nonces {
    /// What this server gave last.
    pub fn of(&self, origin: &str) -> Option<String> {
        self.map().get(origin).cloned()
    }

    /// Remembers what a server gave.
    pub fn remember(&self, origin: &str, nonce: &str) {
        if nonce.len() > LONGEST {
            return;
        }
        let mut map = self.map();
        if map.len() >= MOST && !map.contains_key(origin) {
            map.clear();
        }
        map.insert(origin.to_owned(), nonce.to_owned());
    }

    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        // Every state of the map is right: at worst a nonce is missing.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_each_server_and_never_too_many() {
        let nonces = Nonces::default();
        nonces.remember("https://a.example", "1");
        nonces.remember("https://a.example", "2");
        nonces.remember("https://b.example", &"x".repeat(LONGEST + 1));
        assert_eq!(nonces.of("https://a.example").as_deref(), Some("2"));
        assert_eq!(nonces.of("https://b.example"), None);
        for number in 0..3 * MOST {
            nonces.remember(&format!("https://{number}.example"), "n");
            assert!(nonces.map().len() <= MOST);
        }
    }
}
