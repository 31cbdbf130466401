//! Who is told of what became of deliveries, once it is on disk.

use crate::{Due, Settled};

/// Hears what became of deliveries, after the commit that recorded it: for live views, statistics
/// and other channels, which are never in the way of a delivery.
pub trait Observer: Send + Sync + 'static {
    /// Called on the engine's own task, once for each outcome that was recorded: has to return at
    /// once, and to drop what it has no room for.
    fn recorded(&self, outcome: &Observed<'_>);
}

/// An outcome that is on disk.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// The delivery as it was when its attempt began.
    pub due: &'a Due,
    /// What became of it.
    pub settled: &'a Settled,
    /// The node did not hold it any more: the attempt was made, the state stands elsewhere.
    pub stale: bool,
}
