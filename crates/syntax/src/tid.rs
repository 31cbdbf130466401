//! TID.

use crate::RecordKey;
use crate::newtype::identifier;
use crate::scan::{Scanned, flaw};

identifier! {
    /// A timestamp identifier: 13 characters that sort by time.
    ///
    /// 53 bits of microseconds since 1970 and 10 bits of clock id in a sortable base 32 (TID
    /// specification).
    Tid, Tid, scan
}

/// The digits, in the order of their values.
const DIGITS: &[u8; 32] = b"234567abcdefghijklmnopqrstuvwxyz";

/// Characters of a TID.
const LENGTH: usize = 13;

impl Tid {
    /// The TID of this moment and clock; `None` from the year 2255 on, where 53 bits end.
    ///
    /// The clock id tells apart what happens in the same microsecond; only its lower 10 bits count.
    pub fn from_micros(micros: u64, clock_id: u16) -> Option<Self> {
        if micros >> 53 != 0 {
            return None;
        }
        let value = micros << 10 | u64::from(clock_id & 0x3ff);
        let text: String = (0..LENGTH)
            .map(|place| {
                let digit = value >> (5 * (LENGTH - 1 - place)) & 31;
                char::from(DIGITS[digit as usize])
            })
            .collect();
        Some(Self::trusted(text))
    }

    /// Microseconds since 1970; the syntax leaves room for one bit more than is ever written.
    pub fn micros(&self) -> u64 {
        self.value() >> 10
    }

    /// Which clock made it, 0 to 1023.
    pub fn clock_id(&self) -> u16 {
        (self.value() & 0x3ff) as u16
    }

    fn value(&self) -> u64 {
        self.as_str()
            .bytes()
            .fold(0, |value, byte| value << 5 | u64::from(digit(byte)))
    }
}

impl From<Tid> for RecordKey {
    fn from(tid: Tid) -> Self {
        Self::trusted(tid.as_str())
    }
}

/// The value of a digit; 0 for anything else, which a valid TID does not have.
const fn digit(byte: u8) -> u8 {
    match byte {
        b'2'..=b'7' => byte - b'2',
        b'a'..=b'z' => byte - b'a' + 6,
        _ => 0,
    }
}

pub(crate) const fn scan(text: &[u8], from: usize, to: usize) -> Scanned {
    if to - from != LENGTH {
        return flaw(to, "a TID has 13 characters");
    }
    let mut at = from;
    while at < to {
        if !matches!(text[at], b'2'..=b'7' | b'a'..=b'z') {
            return flaw(
                at,
                "a TID is made of the digits 2 to 7 and lower-case letters",
            );
        }
        at += 1;
    }
    if digit(text[from]) > 15 {
        return flaw(
            from,
            "the first character of a TID is one of `234567abcdefghij`",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Tid;

    #[test]
    fn the_ends_of_time() {
        let first = Tid::from_micros(0, 0).expect("in range");
        assert_eq!(
            (first.as_str(), first.micros(), first.clock_id()),
            ("2222222222222", 0, 0)
        );
        let most = (1 << 53) - 1;
        let last = Tid::from_micros(most, 0xffff).expect("in range");
        assert_eq!(
            (last.as_str(), last.micros(), last.clock_id()),
            ("bzzzzzzzzzzzz", most, 1023)
        );
        assert_eq!(Tid::from_micros(1 << 53, 0), None);
    }
}
