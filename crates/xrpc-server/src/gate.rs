//! Who may call at all, whatever the method: keys of API clients, say.

use futures_util::future::BoxFuture;
use http::request::Parts;

use crate::envelope::Refusal;
use crate::rate::Quota;

/// Stands before every method of a service.
///
/// It comes after the limits per caller, so that guessing is limited as well, and before the
/// method's extractors, which find in the request's extensions what it has put there. Health,
/// metrics and preflights do not pass it.
pub trait Gate: Send + Sync + 'static {
    /// Lets a call pass. With a [`Quota`], it is counted once more, against that.
    ///
    /// # Errors
    /// Why it may not.
    fn admit<'a>(&'a self, parts: &'a mut Parts) -> BoxFuture<'a, Result<Option<Quota>, Refusal>>;
}
