//! Small jq programs that strangers wrote, run within limits.
//!
//! A [`Program`] takes a state and an event and gives the next state. It runs on `jaq`, which has no
//! limits of its own; here every evaluated term and every byte of a value that is built counts
//! against a budget, values have a greatest size, and the stack a greatest depth. What goes beyond is
//! stopped by unwinding, at once and whatever the program catches. A program sees neither clock nor
//! environment nor files, so that the same events always make the same states.
//!
//! Knows nothing of projections, storage or HTTP.

mod budget;
mod filters;
mod program;
mod room;
mod update;
mod value;

pub use budget::{MOST_DEPTH, MOST_STEPS, MOST_TIME, MOST_VALUE, Spent};
pub use program::{CompileError, Fault, Given, MOST_SOURCE, Program};
pub use room::{NoRoom, Room};
