//! What goes back and forth between lanes and the engine.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::{Due, Report};

/// Why a delivery was not taken.
#[derive(Debug)]
pub(in crate::engine) enum Refused {
    /// It is here already: it waits, from now on under this lease, or is in flight.
    Known(Box<Due>),
    /// Its lane, or all of the memory, is full.
    Full(Box<Due>),
    /// Its endpoint is between two probes, the next of which is at this time.
    Paused(Box<Due>, Timestamp),
}

/// What an outcome means for the rest of its lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Ended {
    /// What it says about the endpoint.
    pub(in crate::engine) report: Option<Report>,
    /// Whether the delivery is to be attempted again.
    pub(in crate::engine) open: bool,
}

/// What goes back to the queue, without an attempt.
#[derive(Debug, Default)]
pub(in crate::engine) struct Rest {
    pub(in crate::engine) due: VecDeque<Due>,
    /// Not before this time; at once if there is none.
    pub(in crate::engine) until: Option<Timestamp>,
}
