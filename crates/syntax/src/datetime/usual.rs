//! The form that nearly every datetime has, told at eight characters a step.

use super::calendar::days_in_month;
use super::{MOST_DIGITS, SECONDS_END};

/// Whether it is `YYYY-MM-DDTHH:MM:SSZ`, with or without a fraction, and all that the rules want.
pub(super) const fn is_usual(text: &[u8], from: usize, to: usize) -> bool {
    let (text, _) = text.split_at(to);
    let (_, rest) = text.split_at(from);
    let Some((head, rest)) = rest.split_first_chunk::<SECONDS_END>() else {
        return false;
    };
    is_utc(rest) && is_moment(head)
}

/// Nothing or a fraction, and `Z`.
const fn is_utc(text: &[u8]) -> bool {
    let [b'.', digits @ .., b'Z'] = text else {
        return matches!(text, [b'Z']);
    };
    if digits.is_empty() || digits.len() > MOST_DIGITS {
        return false;
    }
    let mut rest = digits;
    while let Some((digit, after)) = rest.split_first() {
        if !digit.is_ascii_digit() {
            return false;
        }
        rest = after;
    }
    true
}

/// `YYYY-MM-DDTHH:MM:SS`: a time of day on a day that exists.
const fn is_moment(text: &[u8; SECONDS_END]) -> bool {
    let [y0, y1, y2, y3, a, m0, m1, b, rest @ ..] = text;
    let [d0, d1, c, h0, h1, d, n0, n1, e, s0, s1] = rest;
    let [Some(date), Some(clock), Some(rest)] = [
        digits([*y0, *y1, *y2, *y3, *a, *m0, *m1, *b], b"0000-00-"),
        digits([*d0, *d1, *c, *h0, *h1, *d, *n0, *n1], b"00T00:00"),
        digits([*e, *s0, *s1, 0, 0, 0, 0, 0], b":00\0\0\0\0\0"),
    ] else {
        return false;
    };
    let (month, day) = (pair(date, 5), pair(clock, 0));
    let (hour, minute, second) = (pair(clock, 3), pair(clock, 6), pair(rest, 1));
    let exists = day <= 28 || day <= days_in_month(pair(date, 0) * 100 + pair(date, 2), month);
    1 <= month && month <= 12 && 1 <= day && exists && hour < 24 && minute < 60 && second < 60
}

/// The values of the digits of eight characters, if digits stand where the model has a zero, and
/// everything else is as in the model.
const fn digits(text: [u8; 8], model: &[u8; 8]) -> Option<[u8; 8]> {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // What a value may be at most, taken from 127: adding it to more than that sets the high bit.
    let mut room = [0x7f; 8];
    let mut i = 0;
    while i < 8 {
        if model[i] == b'0' {
            room[i] = 0x7f - 9;
        }
        i += 1;
    }
    // A digit and `0` differ in the digit's value; what is equal differs in nothing.
    let values = u64::from_le_bytes(text) ^ u64::from_le_bytes(*model);
    let low = values & !HIGH;
    if ((low + u64::from_le_bytes(room)) | values) & HIGH == 0 {
        Some(values.to_le_bytes())
    } else {
        None
    }
}

/// The number of two digits.
const fn pair(digits: [u8; 8], at: usize) -> i64 {
    (digits[at] * 10 + digits[at + 1]) as i64
}

#[cfg(test)]
mod tests {
    use super::is_usual;
    use crate::datetime::read;

    fn agrees(text: &[u8]) -> bool {
        let usual = is_usual(text, 0, text.len());
        let read = read(text, 0, text.len()).is_ok();
        assert!(!usual || read, "{}", String::from_utf8_lossy(text));
        usual
    }

    #[test]
    fn usual_ones_are_told() {
        for (text, usual) in [
            ("2026-01-31T12:00:00.000Z", true),
            ("2026-01-31T12:00:00Z", true),
            ("0000-02-29T23:59:59.12345678901234567890Z", true),
            ("2026-02-29T12:00:00Z", false),
            ("2026-01-31T12:00:00.Z", false),
            ("2026-01-31T12:00:00.123456789012345678901Z", false),
            ("2026-01-31T12:00:00+01:00", false),
            ("2026-01-31T12:00:00", false),
            ("2026-01-31T12:00:60Z", false),
            ("2026-01-31T24:00:00Z", false),
            ("2026-13-01T12:00:00Z", false),
            ("2026-00-01T12:00:00Z", false),
            ("2026-01-00T12:00:00Z", false),
            ("", false),
        ] {
            assert_eq!(agrees(text.as_bytes()), usual, "{text}");
        }
    }

    #[test]
    fn every_byte_everywhere() {
        let model = b"2024-02-29T23:59:59.9Z";
        assert!(agrees(model));
        for place in 0..model.len() {
            for byte in 0..=u8::MAX {
                let mut text = *model;
                text[place] = byte;
                let usual = agrees(&text);
                // In this form both tell the same, not only the one what the other does.
                assert_eq!(usual, read(&text, 0, text.len()).is_ok(), "{place} {byte}");
            }
        }
    }
}
