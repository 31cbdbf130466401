//! URI.

use crate::newtype::identifier;
use crate::scan::{Class, Scanned, find, flaw, skip, skip_many};

identifier! {
    /// A URI of any scheme.
    ///
    /// Generic syntax (RFC 3986): a scheme, a colon, and something after it, in printable ASCII;
    /// at most 8 KiB. International addresses must arrive percent-encoded.
    Uri, Uri, scan
}

/// Longest URI (Lexicon specification).
pub(crate) const LONGEST: usize = 8 * 1024;

impl Uri {
    /// What stands before the first colon, as written.
    pub fn scheme(&self) -> &str {
        self.as_str()
            .split_once(':')
            .map_or("", |(scheme, _)| scheme)
    }
}

pub(crate) const fn scan(text: &[u8], from: usize, to: usize) -> Scanned {
    if to - from > LONGEST {
        return flaw(from + LONGEST, "a URI has at most 8192 bytes");
    }
    let colon = find(text, from, to, b':');
    if colon == to {
        return flaw(to, "a URI starts with a scheme such as `https:`");
    }
    if colon == from || !text[from].is_ascii_alphabetic() {
        return flaw(from, "a URI scheme starts with a letter");
    }
    let at = skip(text, from, colon, Class::SCHEME);
    if at < colon {
        return flaw(at, "a URI scheme is made of letters, digits and `+-.`");
    }
    if colon + 1 == to {
        return flaw(to, "nothing follows the URI scheme");
    }
    let at = skip_many(text, colon, to, Class::GRAPHIC);
    if at < to {
        return flaw(
            at,
            "a URI has neither spaces nor characters outside ASCII; percent-encode",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Uri;

    #[test]
    fn has_a_scheme() {
        assert_eq!(Uri::from_static("did:web:a.example").scheme(), "did");
        assert!(Uri::check("https://例え.jp/").is_err());
    }
}
