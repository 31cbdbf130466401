//! From what is stored to what is shown.

use jiff::Timestamp;
use loggia_syntax::Datetime;

/// A time on the wire, in UTC with milliseconds.
pub fn datetime(at: Timestamp) -> Datetime {
    Datetime::from_unix_micros(at.as_millisecond() * 1000)
        .expect("times from the clock and from rows lie within years 0 to 9999")
}

/// A time from the wire.
pub fn timestamp(at: &Datetime) -> Timestamp {
    Timestamp::from_microsecond(at.unix_micros())
        .expect("years 0 to 9999 lie within what can be counted")
}
