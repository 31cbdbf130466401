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
    use super::Nsid;

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
    fn the_authority_is_at_most_a_domain_name() {
        let authority = format!("com.{}", vec!["a".repeat(48); 5].join("."));
        assert_eq!(authority.len(), 248);
        assert!(Nsid::new(format!("{authority}.{}", "n".repeat(63))).is_ok());
        assert!(Nsid::new(format!("{authority}.abcdef.{}", "n".repeat(63))).is_err());
    }
}
