//! Small steps that the format checks are made of.
//!
//! Everything here is a `const fn` over bytes. That gives two things by construction: a check
//! cannot allocate, and a wrong identifier in a constant is a compile error. Positions are always
//! counted from the start of the whole text, so that a part of a larger identifier can say where
//! in the whole it goes wrong.

/// What is wrong, and at which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(crate) reason: &'static str,
    pub(crate) at: usize,
}

pub(crate) type Scanned = Result<(), Flaw>;

/// Says no.
pub(crate) const fn flaw(at: usize, reason: &'static str) -> Scanned {
    Err(Flaw { reason, at })
}

/// `?` for [`Scanned`]: the operator itself cannot be used in a `const fn`.
macro_rules! tri {
    ($scanned:expr) => {
        if let Err(flaw) = $scanned {
            return Err(flaw);
        }
    };
}
pub(crate) use tri;

/// The first place of `byte` in `from..to`, or `to`.
pub(crate) const fn find(text: &[u8], from: usize, to: usize, byte: u8) -> usize {
    // The part ends with the slice, so that no step of the loop needs a check of its bounds.
    let (text, _) = text.split_at(to);
    let (_, mut rest) = text.split_at(from);
    // Eight bytes at a time: identifiers are looked through several times over.
    while let Some((word, after)) = rest.split_first_chunk() {
        let found = zeros(u64::from_le_bytes(*word) ^ (ONES * byte as u64));
        if found != 0 {
            return to - rest.len() + found.trailing_zeros() as usize / 8;
        }
        rest = after;
    }
    while let Some((first, after)) = rest.split_first() {
        if *first == byte {
            break;
        }
        rest = after;
    }
    to - rest.len()
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = ONES << 7;

/// The highest bit of every byte that is zero; of bytes above the first such one, perhaps more.
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGH
}

/// What a byte may be part of: one bit for each set of characters.
#[derive(Clone, Copy)]
pub(crate) struct Class(u8);

impl Class {
    /// `a` to `z`.
    pub(crate) const LOWER: Self = Self(1);
    /// Letters and digits.
    pub(crate) const ALPHANUMERIC: Self = Self(1 << 1);
    /// Letters, digits and hyphens.
    pub(crate) const LABEL: Self = Self(1 << 2);
    /// Letters, digits and `._:%-`.
    pub(crate) const DID: Self = Self(1 << 3);
    /// Letters, digits and `_~.:-`.
    pub(crate) const RECORD_KEY: Self = Self(1 << 4);
    /// Letters, digits and `+=`.
    pub(crate) const CID: Self = Self(1 << 5);
    /// Letters, digits and `+-.`.
    pub(crate) const SCHEME: Self = Self(1 << 6);
    /// Everything visible in ASCII.
    pub(crate) const GRAPHIC: Self = Self(1 << 7);

    /// The classes of every byte.
    const OF: [u8; 256] = {
        let mut classes = [0; 256];
        let mut byte = 0;
        while byte < 128 {
            classes[byte] = Self::of(byte as u8);
            byte += 1;
        }
        classes
    };

    const fn has(self, byte: u8) -> bool {
        Self::OF[byte as usize] & self.0 != 0
    }

    const fn has_all(self, bytes: &[u8; 8]) -> bool {
        if self.0 == Self::GRAPHIC.0 {
            return within(u64::from_le_bytes(*bytes), b'!', b'~') == HIGH;
        }
        let [a, b, c, d, e, f, g, h] = bytes;
        let half = self.has(*a) & self.has(*b) & self.has(*c) & self.has(*d);
        half & self.has(*e) & self.has(*f) & self.has(*g) & self.has(*h)
    }

    const fn of(byte: u8) -> u8 {
        let marks = match byte {
            b'a'..=b'z' => Self::LOWER.0,
            b'-' => Self::LABEL.0 | Self::DID.0 | Self::RECORD_KEY.0 | Self::SCHEME.0,
            b'.' => Self::DID.0 | Self::RECORD_KEY.0 | Self::SCHEME.0,
            b'_' | b':' => Self::DID.0 | Self::RECORD_KEY.0,
            b'%' => Self::DID.0,
            b'~' => Self::RECORD_KEY.0,
            b'+' => Self::CID.0 | Self::SCHEME.0,
            b'=' => Self::CID.0,
            _ => 0,
        };
        if byte.is_ascii_alphanumeric() {
            marks | !(Self::LOWER.0)
        } else if byte.is_ascii_graphic() {
            marks | Self::GRAPHIC.0
        } else {
            marks
        }
    }
}

/// The first place in `from..to` whose byte is not of the class, or `to`.
pub(crate) const fn skip(text: &[u8], from: usize, to: usize, class: Class) -> usize {
    let (text, _) = text.split_at(to);
    let (_, mut rest) = text.split_at(from);
    while let Some((first, after)) = rest.split_first() {
        if !class.has(*first) {
            break;
        }
        rest = after;
    }
    to - rest.len()
}

/// As [`skip`], faster where dozens of bytes are of the class and slower where only a few are.
///
/// For classes that have all lower-case letters and digits, which most identifiers are made of.
pub(crate) const fn skip_many(text: &[u8], from: usize, to: usize, class: Class) -> usize {
    let (text, _) = text.split_at(to);
    let (_, whole) = text.split_at(from);
    let mut rest = whole;
    while let Some((word, after)) = rest.split_first_chunk() {
        if !are_usual(word) && !class.has_all(word) {
            return skip(text, to - rest.len(), to, class);
        }
        rest = after;
    }
    match whole.last_chunk() {
        // What is left is looked at together with some that have been seen.
        Some(word) if are_usual(word) => to,
        _ => skip(text, to - rest.len(), to, class),
    }
}

/// Whether all eight are lower-case letters or digits.
const fn are_usual(bytes: &[u8; 8]) -> bool {
    let word = u64::from_le_bytes(*bytes);
    within(word, b'a', b'z') | within(word, b'0', b'9') == HIGH
}

/// The highest bit of every byte that is one of `first..=last`, which are ASCII.
const fn within(word: u64, first: u8, last: u8) -> u64 {
    let low = word & !HIGH;
    // No sum goes beyond its byte, and the highest bit tells whether it reached 128.
    let not_below = low + ONES * (0x80 - first as u64);
    let above = low + ONES * (0x7f - last as u64);
    not_below & !above & !word & HIGH
}

/// Whether `from..to` begins with `prefix`.
pub(crate) const fn starts_with<const N: usize>(
    text: &[u8],
    from: usize,
    to: usize,
    prefix: &[u8; N],
) -> bool {
    let (text, _) = text.split_at(to);
    let (_, rest) = text.split_at(from);
    let Some((head, _)) = rest.split_first_chunk::<N>() else {
        return false;
    };
    // No early end: over so few bytes one comparison of all of them is faster.
    let mut differing = 0;
    let mut i = 0;
    while i < N {
        differing |= head[i] ^ prefix[i];
        i += 1;
    }
    differing == 0
}

/// Whether `from..to` is exactly `other`.
pub(crate) const fn is<const N: usize>(
    text: &[u8],
    from: usize,
    to: usize,
    other: &[u8; N],
) -> bool {
    to - from == N && starts_with(text, from, to, other)
}

/// What stands between two dots, or a dot and the end.
#[derive(Clone, Copy)]
pub(crate) struct Segment {
    from: usize,
    /// The first byte that no label may have, or the end.
    good: usize,
    /// The next dot, or the end of all.
    pub(crate) end: usize,
}

/// The segment that starts at `from`.
pub(crate) const fn segment(text: &[u8], from: usize, to: usize) -> Segment {
    let good = skip(text, from, to, Class::LABEL);
    let end = if good < to && text[good] != b'.' {
        find(text, good, to, b'.')
    } else {
        good
    };
    Segment { from, good, end }
}

/// One label of a domain name: letters, digits and inner hyphens, at most 63 (RFC 1035).
pub(crate) const fn label(text: &[u8], segment: Segment) -> Scanned {
    let Segment { from, good, end } = segment;
    if from == end {
        return flaw(from, "a segment is empty");
    }
    if end - from > 63 {
        return flaw(from, "a segment is longer than 63 characters");
    }
    if good < end {
        return flaw(
            good,
            "only letters, digits, hyphens and dots are allowed here",
        );
    }
    if text[from] == b'-' || text[end - 1] == b'-' {
        return flaw(from, "a segment starts or ends with a hyphen");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_skipped_as_few_are() {
        for length in 0..20 {
            for place in 0..length {
                for byte in 0..=u8::MAX {
                    let mut text = vec![b'z'; length];
                    text[place] = byte;
                    for class in [Class::CID, Class::DID, Class::RECORD_KEY, Class::GRAPHIC] {
                        let few = skip(&text, 0, length, class);
                        assert_eq!(skip_many(&text, 0, length, class), few, "{text:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn positions_are_those_of_the_whole() {
        assert_eq!(find(b"a.b.c", 2, 5, b'.'), 3);
        assert_eq!(find(b"a.b.c", 4, 5, b'.'), 5);
        assert_eq!(find(b"a.bcdefghij.klm", 2, 15, b'.'), 11);
        assert_eq!(find(b"a.bcdefghijklm.", 2, 14, b'.'), 14);
        assert_eq!(skip(b"did:plc:abc", 4, 11, Class::LOWER), 7);
        assert_eq!(skip(b"did:plc:abc", 4, 6, Class::LOWER), 6);
        for end in 2..20 {
            let text = b"--abcdefghijklmnopqr--";
            assert_eq!(skip_many(text, 2, end, Class::CID), end);
            assert_eq!(skip_many(&text[..end], 2, end, Class::CID), end);
        }
        assert!(starts_with(b"xxdid:", 2, 6, b"did:"));
        assert!(!starts_with(b"xxdid:", 2, 5, b"did:"));
        let text = b"ab.c_d.e";
        let second = segment(text, 3, 8);
        assert_eq!(second.end, 6);
        assert_eq!(label(text, second).map_err(|flaw| flaw.at), Err(4));
    }
}
