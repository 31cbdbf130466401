//! `Retry-After` (RFC 9110 §10.2.3): when a receiver wants to be asked again.

use jiff::fmt::{rfc2822, strtime};
use jiff::{SignedDuration, Timestamp};

/// What a receiver asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// After so long.
    Delay(SignedDuration),
    /// Not before this time.
    At(Timestamp),
}

/// The date form, and the obsolete ones that a recipient still has to read (RFC 9110 §5.6.7).
const DATES: [&str; 3] = [
    "%a, %d %b %Y %H:%M:%S GMT",
    "%A, %d-%b-%y %H:%M:%S GMT",
    "%a %b %e %H:%M:%S %Y",
];

/// Longer values are not dates, and not worth a look.
const MAX_LENGTH: usize = 64;

impl RetryAfter {
    /// Reads the header; a value that is neither seconds nor a date is as good as none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            // More seconds than fit are still "much later": the cap is the schedule's affair.
            let seconds = text.parse().unwrap_or(i64::MAX);
            return Some(Self::Delay(SignedDuration::from_secs(seconds)));
        }
        if text.len() > MAX_LENGTH {
            return None;
        }
        let modern = rfc2822::DateTimeParser::new().parse_timestamp(text).ok();
        modern.or_else(|| date(text)).map(Self::At)
    }

    /// The time that it means for an answer that came at `now`.
    pub fn time(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Delay(delay) => crate::clock::after(now, delay),
            Self::At(at) => at,
        }
    }
}

/// The last hours of the year 9999 are more than can be counted: "never", as some write it.
fn date(text: &str) -> Option<Timestamp> {
    DATES.iter().find_map(|format| {
        let date = strtime::parse(format, text).ok()?.to_datetime().ok()?;
        let zoned = date.to_zoned(jiff::tz::TimeZone::UTC);
        Some(zoned.map_or(Timestamp::MAX, |zoned| zoned.timestamp()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_all_three_dates_are_read() {
        assert_eq!(
            RetryAfter::parse(" 120 "),
            Some(RetryAfter::Delay(SignedDuration::from_secs(120)))
        );
        let at = RetryAfter::At(Timestamp::constant(784_111_777, 0));
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(RetryAfter::parse(text), Some(at), "{text}");
        }
    }

    #[test]
    fn nonsense_is_none_and_never_panics() {
        for text in [
            "",
            "soon",
            "-1",
            "1.5",
            "٣",
            "Sun, 99 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(RetryAfter::parse(text), None, "{text}");
        }
        for text in ["Fri, 31 Dec 9999 23:59:59 GMT", &"9".repeat(400)] {
            let far = RetryAfter::parse(text).map(|after| after.time(Timestamp::UNIX_EPOCH));
            assert_eq!(far, Some(Timestamp::MAX), "{text}");
        }
    }
}
