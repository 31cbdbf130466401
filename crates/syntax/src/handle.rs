//! Handle.

use compact_str::CompactString;

use crate::newtype::identifier;
use crate::scan::{Scanned, flaw, label, segment, tri};

identifier! {
    /// A domain name that stands for an account: `alice.example.com`.
    ///
    /// Syntax only: names that may not be registered (`.local`, `.arpa`) are handles too. The text
    /// keeps its case, and two spellings are two values; compare with [`Handle::is_same`].
    Handle, Handle, scan
}

/// Longest handle (specification, from DNS).
const LONGEST: usize = 253;

impl Handle {
    /// The handle in lower case, as it is looked up and compared.
    #[must_use]
    pub fn normalized(&self) -> Self {
        let mut text = CompactString::from(self.as_str());
        text.make_ascii_lowercase();
        Self::trusted(text)
    }

    /// Whether both name the same account: case does not matter.
    pub fn is_same(&self, other: &Self) -> bool {
        self.as_str().eq_ignore_ascii_case(other.as_str())
    }
}

pub(crate) const fn scan(text: &[u8], from: usize, to: usize) -> Scanned {
    if to - from > LONGEST {
        return flaw(from + LONGEST, "a handle has at most 253 characters");
    }
    let mut start = from;
    let mut labels = 0;
    loop {
        let segment = segment(text, start, to);
        tri!(label(text, segment));
        labels += 1;
        if segment.end == to {
            break;
        }
        start = segment.end + 1;
    }
    if labels < 2 {
        return flaw(to, "a handle is a domain name of at least two segments");
    }
    if !text[start].is_ascii_alphabetic() {
        return flaw(start, "the last segment of a handle starts with a letter");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Handle;

    #[test]
    fn keeps_its_case_and_compares_without() {
        const HANDLE: Handle = Handle::from_static("Alice.Example.COM");
        assert_eq!(HANDLE, "Alice.Example.COM");
        assert_eq!(HANDLE.normalized(), "alice.example.com");
        assert!(HANDLE.is_same(&HANDLE.normalized()));
        assert_ne!(HANDLE, HANDLE.normalized());
    }
}
