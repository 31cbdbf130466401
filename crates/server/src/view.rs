//! From what is stored to what is shown.

use jiff::Timestamp;
use loggia_syntax::Datetime;

/// A time on the wire, in UTC with milliseconds.
pub fn datetime(at: Timestamp) -> Datetime {
    Datetime::from_unix_micros(at.as_millisecond() * 1000)
        .expect("times from the clock and from rows lie within years 0 to 9999")
}

/// A time from the wire. The last hours of the year 9999 are more than can be counted, and stand for the
/// last moment that can be.
pub fn timestamp(at: &Datetime) -> Timestamp {
    Timestamp::from_microsecond(at.unix_micros()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_on_the_wire_is_one() {
        for text in [
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59-12:00",
        ] {
            let at = timestamp(&Datetime::new(text).expect("a datetime"));
            assert_eq!(
                datetime(at).unix_micros(),
                at.as_millisecond() * 1000,
                "{text}"
            );
        }
    }
}
