//! From what is stored to what is shown.

use jiff::Timestamp;
use loggia_syntax::Datetime;

/// A time on the wire, in UTC with milliseconds.
pub fn datetime(at: Timestamp) -> Datetime {
    Datetime::from_unix_micros(at.as_millisecond() * 1000)
        .expect("times from the clock and from rows lie within years 0 to 9999")
}
