//! Date and time.

mod calendar;
mod usual;

use calendar::{civil_from_days, days_from_civil, days_in_month};

use crate::newtype::identifier;
use crate::scan::{Flaw, Scanned, flaw};

identifier! {
    /// A moment with a time zone: `2026-01-31T12:00:00.000Z`.
    ///
    /// The common part of RFC 3339 and ISO 8601, strictly (interoperability files): upper-case `T`
    /// and `Z`, seconds and zone required, no `-00:00`, no leap second, a day that exists, and not
    /// before the year 0 in UTC. The text keeps its precision and zone; two spellings of one moment
    /// are two values, and only [`Datetime::unix_micros`] compares in time.
    Datetime, Datetime, scan
}

/// Longest text: leaves room for 20 digits of fractions and more.
const LONGEST: usize = 64;
/// Most digits after the decimal point: femtoseconds and then some.
const MOST_DIGITS: usize = 20;
/// Where `YYYY-MM-DDTHH:MM:SS` ends.
const SECONDS_END: usize = 19;

const SHAPE: &str = "a datetime looks like `2026-01-31T12:00:00.000Z`";

impl Datetime {
    /// The moment in UTC, in milliseconds if that says it all, else in microseconds.
    ///
    /// `None` outside the years 0 to 9999.
    pub fn from_unix_micros(micros: i64) -> Option<Self> {
        let (days, in_day) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
        let (year, month, day) = civil_from_days(days);
        if !(0..=9999).contains(&year) {
            return None;
        }
        let (seconds, fraction) = (in_day / 1_000_000, in_day % 1_000_000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.");
        if fraction % 1000 == 0 {
            text.push_str(&format!("{:03}Z", fraction / 1000));
        } else {
            text.push_str(&format!("{fraction:06}Z"));
        }
        Some(Self::trusted(text))
    }

    /// Microseconds since 1970; finer digits are cut off.
    pub fn unix_micros(&self) -> i64 {
        let text = self.as_str().as_bytes();
        read(text, 0, text.len()).expect("the constructor has read the same text")
    }
}

const DAY: i64 = 86_400_000_000;

pub(crate) const fn scan(text: &[u8], from: usize, to: usize) -> Scanned {
    if usual::is_usual(text, from, to) {
        return Ok(());
    }
    match read(text, from, to) {
        Ok(_) => Ok(()),
        Err(flaw) => Err(flaw),
    }
}

/// Microseconds since 1970.
const fn read(text: &[u8], from: usize, to: usize) -> Result<i64, Flaw> {
    if to - from > LONGEST {
        return Err(Flaw {
            at: from + LONGEST,
            reason: "a datetime has at most 64 characters",
        });
    }
    if let Err(flaw) = shape(text, from, to) {
        return Err(flaw);
    }
    let second_of_day = match time(text, from) {
        Ok(second_of_day) => second_of_day,
        Err(flaw) => return Err(flaw),
    };
    let day = match date(text, from) {
        Ok(day) => day,
        Err(flaw) => return Err(flaw),
    };
    let (fraction, zone_at) = match fraction(text, from + SECONDS_END, to) {
        Ok(pair) => pair,
        Err(flaw) => return Err(flaw),
    };
    let offset = match zone(text, zone_at, to) {
        Ok(offset) => offset,
        Err(flaw) => return Err(flaw),
    };
    let micros = day * DAY + (second_of_day - offset) * 1_000_000 + fraction;
    if micros < days_from_civil(0, 1, 1) * DAY {
        return Err(Flaw {
            at: from,
            reason: "the moment is before the year 0 in UTC",
        });
    }
    Ok(micros)
}

/// Whether digits and marks stand where they should up to the seconds.
const fn shape(text: &[u8], from: usize, to: usize) -> Scanned {
    const MODEL: &[u8; SECONDS_END] = b"0000-00-00T00:00:00";
    let mut i = 0;
    while i < SECONDS_END {
        if from + i == to {
            return flaw(to, SHAPE);
        }
        let byte = text[from + i];
        let fits = if MODEL[i] == b'0' {
            byte.is_ascii_digit()
        } else {
            byte == MODEL[i]
        };
        if !fits {
            return flaw(from + i, SHAPE);
        }
        i += 1;
    }
    Ok(())
}

/// Days since 1970.
const fn date(text: &[u8], from: usize) -> Result<i64, Flaw> {
    let year = number(text, from, 4);
    let month = number(text, from + 5, 2);
    let day = number(text, from + 8, 2);
    if month < 1 || month > 12 {
        return Err(Flaw {
            at: from + 5,
            reason: "there is no such month",
        });
    }
    if day < 1 || day > days_in_month(year, month) {
        return Err(Flaw {
            at: from + 8,
            reason: "the month has no such day",
        });
    }
    Ok(days_from_civil(year, month, day))
}

/// Seconds since midnight.
const fn time(text: &[u8], from: usize) -> Result<i64, Flaw> {
    let hour = number(text, from + 11, 2);
    let minute = number(text, from + 14, 2);
    let second = number(text, from + 17, 2);
    if hour > 23 || minute > 59 || second > 59 {
        return Err(Flaw {
            at: from + 11,
            reason: "there is no such time of day",
        });
    }
    Ok(hour * 3600 + minute * 60 + second)
}

/// Microseconds, and where the zone starts.
const fn fraction(text: &[u8], from: usize, to: usize) -> Result<(i64, usize), Flaw> {
    if from == to || text[from] != b'.' {
        return Ok((0, from));
    }
    let mut micros = 0;
    let mut at = from + 1;
    while at < to && text[at].is_ascii_digit() {
        if at - from <= 6 {
            micros = micros * 10 + (text[at] - b'0') as i64;
        }
        at += 1;
    }
    let digits = at - from - 1;
    if digits == 0 || digits > MOST_DIGITS {
        return Err(Flaw {
            at: from,
            reason: "fractions of a second have 1 to 20 digits",
        });
    }
    let mut missing = digits;
    while missing < 6 {
        micros *= 10;
        missing += 1;
    }
    Ok((micros, at))
}

/// Seconds east of UTC.
const fn zone(text: &[u8], from: usize, to: usize) -> Result<i64, Flaw> {
    const ZONE: &str = "a datetime ends with a zone: `Z` or an offset such as `+01:00`";
    if to - from == 1 && text[from] == b'Z' {
        return Ok(0);
    }
    if to - from != 6
        || !matches!(text[from], b'+' | b'-')
        || !text[from + 1].is_ascii_digit()
        || !text[from + 2].is_ascii_digit()
        || text[from + 3] != b':'
        || !text[from + 4].is_ascii_digit()
        || !text[from + 5].is_ascii_digit()
    {
        return Err(Flaw {
            at: from,
            reason: ZONE,
        });
    }
    let hours = number(text, from + 1, 2);
    let minutes = number(text, from + 4, 2);
    if hours > 23 || minutes > 59 {
        return Err(Flaw {
            at: from,
            reason: "there is no such zone",
        });
    }
    let seconds = hours * 3600 + minutes * 60;
    if text[from] == b'-' && seconds == 0 {
        return Err(Flaw {
            at: from,
            reason: "the offset `-00:00` is not allowed; write `Z`",
        });
    }
    Ok(if text[from] == b'-' {
        -seconds
    } else {
        seconds
    })
}

const fn number(text: &[u8], from: usize, digits: usize) -> i64 {
    let mut value = 0;
    let mut at = from;
    while at < from + digits {
        value = value * 10 + (text[at] - b'0') as i64;
        at += 1;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::Datetime;

    fn micros(text: &str) -> Option<i64> {
        Datetime::new(text)
            .ok()
            .map(|datetime| datetime.unix_micros())
    }

    #[test]
    fn known_moments() {
        assert_eq!(micros("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(micros("1969-12-31T23:59:59.999999Z"), Some(-1));
        assert_eq!(micros("2000-02-29T00:00:00Z"), Some(951_782_400_000_000));
        assert_eq!(
            micros("2000-02-29T01:00:00.5+01:00"),
            Some(951_782_400_500_000)
        );
        assert_eq!(
            micros("0000-01-01T00:00:00Z"),
            Some(-62_167_219_200_000_000)
        );
        assert_eq!(
            micros("9999-12-31T23:59:59.9999999Z"),
            Some(253_402_300_799_999_999)
        );
    }

    #[test]
    fn only_days_that_exist() {
        for bad in [
            "2015-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
        ] {
            assert_eq!(micros(bad), None, "{bad}");
        }
        assert_eq!(micros("1990-12-31T23:59:60Z"), None);
        assert_eq!(micros("1985-04-12T24:00:00Z"), None);
    }

    #[test]
    fn written_in_millis_where_they_suffice() {
        let text = |micros| Datetime::from_unix_micros(micros).map(String::from);
        assert_eq!(text(1_500_000).as_deref(), Some("1970-01-01T00:00:01.500Z"));
        assert_eq!(text(-1).as_deref(), Some("1969-12-31T23:59:59.999999Z"));
        assert_eq!(
            text(-62_167_219_200_000_000).as_deref(),
            Some("0000-01-01T00:00:00.000Z")
        );
        assert_eq!(text(-62_167_219_200_000_001), None);
        assert_eq!(text(253_402_300_800_000_000), None);
        assert_eq!((text(i64::MIN), text(i64::MAX)), (None, None));
    }
}
