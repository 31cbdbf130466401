//! NSID.

use crate::newtype::identifier;
use crate::scan::{Class, Scanned, flaw, label, segment, skip, tri};

identifier! {
    /// A namespaced identifier: a domain name in reverse and a name, `com.example.fooBar`.
    ///
    /// Without the fragment that a lexicon reference may have. The text keeps its case.
    Nsid, Nsid, scan
}

/// Longest NSID: an authority of 253 characters, a dot and a name of 63 (specification).
const LONGEST: usize = 317;

impl Nsid {
    /// The segments from left to right, the name last.
    pub fn segments(&self) -> std::str::Split<'_, char> {
        self.as_str().split('.')
    }

    /// The authority as written, reversed: `com.example` of `com.example.fooBar`.
    pub fn authority(&self) -> &str {
        self.split().0
    }

    /// The last segment: `fooBar` of `com.example.fooBar`.
    pub fn name(&self) -> &str {
        self.split().1
    }

    /// The domain name that the authority stands for: `example.com` of `com.example.fooBar`.
    pub fn domain(&self) -> String {
        let mut domain = String::with_capacity(self.authority().len());
        for segment in self.authority().rsplit('.') {
            if !domain.is_empty() {
                domain.push('.');
            }
            domain.push_str(segment);
        }
        domain
    }

    fn split(&self) -> (&str, &str) {
        self.as_str()
            .rsplit_once('.')
            .expect("an NSID has at least three segments")
    }
}

pub(crate) const fn scan(text: &[u8], from: usize, to: usize) -> Scanned {
    if is_usual(text, from, to) {
        Ok(())
    } else {
        scan_by_rules(text, from, to)
    }
}

/// Whether it is an NSID without hyphens, as nearly every one is, told in one pass.
pub(crate) const fn is_usual(text: &[u8], from: usize, to: usize) -> bool {
    /// No segment, and so no name, can be longer than a label of a domain name.
    const LONGEST_SEGMENT: usize = 63;
    if from == to || to - from > LONGEST || !text[from].is_ascii_alphabetic() {
        return false;
    }
    let (mut start, mut segments) = (from, 1);
    loop {
        let end = skip(text, start, to, Class::ALPHANUMERIC);
        if end == start || end - start > LONGEST_SEGMENT {
            return false;
        }
        if end == to {
            return segments >= 3 && text[start].is_ascii_alphabetic();
        }
        if text[end] != b'.' {
            return false;
        }
        segments += 1;
        start = end + 1;
    }
}

/// Rule by rule, to tell which one is broken.
const fn scan_by_rules(text: &[u8], from: usize, to: usize) -> Scanned {
    if to - from > LONGEST {
        return flaw(from + LONGEST, "an NSID has at most 317 characters");
    }
    let mut start = from;
    let mut segments = 1;
    loop {
        let segment = segment(text, start, to);
        if segment.end == to {
            break;
        }
        tri!(label(text, segment));
        segments += 1;
        start = segment.end + 1;
    }
    if segments < 3 {
        return flaw(
            to,
            "an NSID has at least three segments: a reversed domain name and a name",
        );
    }
    if !text[from].is_ascii_alphabetic() {
        return flaw(from, "the first segment of an NSID starts with a letter");
    }
    name(text, start, to)
}

/// The last segment.
const fn name(text: &[u8], from: usize, to: usize) -> Scanned {
    if from == to {
        return flaw(from, "the name at the end of the NSID is missing");
    }
    if to - from > 63 {
        return flaw(from + 63, "the name of an NSID has at most 63 characters");
    }
    if !text[from].is_ascii_alphabetic() {
        return flaw(from, "the name of an NSID starts with a letter");
    }
    let at = skip(text, from, to, Class::ALPHANUMERIC);
    if at < to {
        return flaw(at, "the name of an NSID is made of letters and digits");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Nsid, is_usual, scan_by_rules};

    #[test]
    fn takes_itself_apart() {
        const NSID: Nsid = Nsid::from_static("com.example.deep.fooBar");
        assert_eq!(NSID.authority(), "com.example.deep");
        assert_eq!(NSID.name(), "fooBar");
        assert_eq!(NSID.domain(), "deep.example.com");
        assert_eq!(
            NSID.segments().collect::<Vec<_>>(),
            ["com", "example", "deep", "fooBar"]
        );
    }

    #[test]
    fn what_is_usual_keeps_the_rules() {
        let long = "a".repeat(63);
        let too_long = "a".repeat(64);
        for text in [
            "com.example.fooBar",
            "a.b.c",
            "a.1.c",
            "1.b.c",
            "a.b.1c",
            "a.b",
            "a.b.",
            "a..c",
            ".b.c",
            "a.b-c.d",
            "",
            &format!("a.{long}.{long}"),
            &format!("a.{too_long}.c"),
            &format!("a.b.{too_long}"),
            &format!("{too_long}.b.c"),
            &format!("{}c", "a.".repeat(158)),
            &format!("{}cd", "a.".repeat(158)),
        ] {
            let bytes = text.as_bytes();
            let by_rules = scan_by_rules(bytes, 0, bytes.len()).is_ok();
            let usual = is_usual(bytes, 0, bytes.len());
            assert_eq!(usual, by_rules && !text.contains('-'), "{text}");
        }
    }

    #[test]
    fn the_authority_is_at_most_a_domain_name() {
        let authority = format!("com.{}", vec!["a".repeat(48); 5].join("."));
        assert_eq!(authority.len(), 248);
        assert!(Nsid::new(format!("{authority}.{}", "n".repeat(63))).is_ok());
        assert!(Nsid::new(format!("{authority}.abcdef.{}", "n".repeat(63))).is_err());
    }
}
