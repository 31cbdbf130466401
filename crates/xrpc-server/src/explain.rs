//! Saying everything that is wrong with a body, where decoding stops at the first thing.

use loggia_lexicon::validate::Validator;
use loggia_xrpc::syntax::check::Violation;

/// Knows the lexicons and can say everything that is wrong with a body that could not be decoded.
///
/// Asked only after decoding failed, so it may take its time; the answer of a service without one
/// names the first mistake only.
pub trait Explain: Send + Sync + 'static {
    /// Every violation in the JSON input of this method; empty if it finds none.
    fn input(&self, nsid: &str, json: &[u8]) -> Vec<Violation>;
}

impl Explain for Validator {
    fn input(&self, nsid: &str, json: &[u8]) -> Vec<Violation> {
        match serde_json::from_slice::<serde_json::Value>(json) {
            Ok(value) => Validator::input(self, nsid, &value)
                .err()
                .unwrap_or_default(),
            // Not JSON at all: the decoder has said where.
            Err(_) => Vec::new(),
        }
    }
}
