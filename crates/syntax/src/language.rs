//! Language tag.

use crate::newtype::identifier;
use crate::scan::{Scanned, find, flaw};

identifier! {
    /// A language tag: `ja`, `pt-BR`, `zh-Hant`.
    ///
    /// Well-formed by BCP 47 (RFC 5646, section 2.1), whether or not the subtags are registered,
    /// with one restriction of the interoperability files: the primary language is written as two
    /// or three lower-case letters. Repeated variants and extensions are well-formed.
    Language, Language, scan
}

/// Longest tag: far beyond any that means something, short enough to store.
const LONGEST: usize = 128;

/// Tags from before RFC 4646 that the grammar does not produce.
const IRREGULAR: [&[u8]; 17] = [
    b"en-gb-oed",
    b"i-ami",
    b"i-bnn",
    b"i-default",
    b"i-enochian",
    b"i-hak",
    b"i-klingon",
    b"i-lux",
    b"i-mingo",
    b"i-navajo",
    b"i-pwn",
    b"i-tao",
    b"i-tay",
    b"i-tsu",
    b"sgn-be-fr",
    b"sgn-be-nl",
    b"sgn-ch-de",
];

impl Language {
    /// The first subtag: `pt` of `pt-BR`; `x` or `i` for private and old tags.
    pub fn primary(&self) -> &str {
        self.as_str().split('-').next().unwrap_or_default()
    }
}

pub(crate) const fn scan(text: &[u8], from: usize, to: usize) -> Scanned {
    if to - from > LONGEST {
        return flaw(from + LONGEST, "a language tag has at most 128 characters");
    }
    if is_irregular(text, from, to) {
        return Ok(());
    }
    let mut at = from;
    while at < to {
        if !(text[at].is_ascii_alphanumeric() || text[at] == b'-') {
            return flaw(at, "a language tag is made of letters, digits and hyphens");
        }
        at += 1;
    }
    let primary_end = find(text, from, to, b'-');
    if primary_end - from == 1 && is_x(text[from]) {
        return private_use(text, primary_end, to);
    }
    if !matches!(primary_end - from, 2 | 3) || !all_lowercase(text, from, primary_end) {
        return flaw(
            from,
            "a language tag starts with two or three lower-case letters",
        );
    }
    subtags(text, primary_end, to)
}

/// Everything after the primary language, from its hyphen on: the parts of RFC 5646 in their
/// order, each told by its shape.
const fn subtags(text: &[u8], from: usize, to: usize) -> Scanned {
    const EXTENDED: u8 = 0;
    const SCRIPT: u8 = 1;
    const REGION: u8 = 2;
    const VARIANT: u8 = 3;

    let mut stage = EXTENDED;
    let mut extended = 0;
    let mut hyphen = from;
    while hyphen < to {
        let start = hyphen + 1;
        let end = find(text, start, to, b'-');
        let length = end - start;
        let letters = all_letters(text, start, end);
        if length == 1 {
            return singletons(text, hyphen, to);
        } else if stage == EXTENDED && length == 3 && letters && extended < 3 {
            extended += 1;
        } else if stage < SCRIPT && length == 4 && letters {
            stage = SCRIPT;
        } else if stage < REGION
            && ((length == 2 && letters) || (length == 3 && all_digits(text, start, end)))
        {
            stage = REGION;
        } else if matches!(length, 5..=8) || (length == 4 && text[start].is_ascii_digit()) {
            stage = VARIANT;
        } else {
            return flaw(
                start,
                "this subtag is empty, too long, or does not belong here",
            );
        }
        hyphen = end;
    }
    Ok(())
}

/// Extensions and private use: each one character, then one or more longer subtags.
const fn singletons(text: &[u8], from: usize, to: usize) -> Scanned {
    let mut hyphen = from;
    while hyphen < to {
        let start = hyphen + 1;
        if is_x(text[start]) && (start + 1 == to || text[start + 1] == b'-') {
            return private_use(text, start + 1, to);
        }
        hyphen = start + 1;
        let mut followers = 0;
        while hyphen < to {
            let end = find(text, hyphen + 1, to, b'-');
            match end - hyphen - 1 {
                1 => break,
                2..=8 => followers += 1,
                _ => return flaw(hyphen + 1, "a subtag of an extension has 2 to 8 characters"),
            }
            hyphen = end;
        }
        if followers == 0 {
            return flaw(hyphen, "an extension needs at least one subtag");
        }
    }
    Ok(())
}

/// What follows `x`, from its hyphen on.
const fn private_use(text: &[u8], from: usize, to: usize) -> Scanned {
    if from == to {
        return flaw(to, "nothing follows `x`");
    }
    let mut hyphen = from;
    while hyphen < to {
        let end = find(text, hyphen + 1, to, b'-');
        if !matches!(end - hyphen - 1, 1..=8) {
            return flaw(hyphen + 1, "a private subtag has 1 to 8 characters");
        }
        hyphen = end;
    }
    Ok(())
}

/// Case does not matter, except that of the primary language.
const fn is_irregular(text: &[u8], from: usize, to: usize) -> bool {
    if from == to || !text[from].is_ascii_lowercase() {
        return false;
    }
    let (_, tail) = text.split_at(from);
    let (tag, _) = tail.split_at(to - from);
    let mut i = 0;
    while i < IRREGULAR.len() {
        if tag.eq_ignore_ascii_case(IRREGULAR[i]) {
            return true;
        }
        i += 1;
    }
    false
}

const fn is_x(byte: u8) -> bool {
    matches!(byte, b'x' | b'X')
}

const fn all_lowercase(text: &[u8], from: usize, to: usize) -> bool {
    let mut at = from;
    while at < to && text[at].is_ascii_lowercase() {
        at += 1;
    }
    at == to
}

const fn all_letters(text: &[u8], from: usize, to: usize) -> bool {
    let mut at = from;
    while at < to && text[at].is_ascii_alphabetic() {
        at += 1;
    }
    at == to
}

const fn all_digits(text: &[u8], from: usize, to: usize) -> bool {
    let mut at = from;
    while at < to && text[at].is_ascii_digit() {
        at += 1;
    }
    at == to
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn the_order_of_subtags_counts() {
        for good in [
            "zh-cmn-Hans-CN-x-a",
            "sl-IT-nedis",
            "de-1996",
            "en-a-bb-x-c",
            "sgn-be-FR",
        ] {
            assert_eq!(Language::check(good), Ok(()), "{good}");
        }
        for bad in [
            "de-419-DE",
            "de-DE-Latn",
            "en-a",
            "en-a-x-b",
            "en-x",
            "x",
            "en--us",
            "I-default",
        ] {
            assert!(Language::check(bad).is_err(), "{bad}");
        }
        assert_eq!(Language::from_static("pt-BR").primary(), "pt");
    }
}
