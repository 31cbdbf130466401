//! DID.

use crate::newtype::identifier;
use crate::scan::{Class, Scanned, flaw, skip, skip_many, starts_with};

identifier! {
    /// A decentralized identifier: `did:plc:…`, `did:web:…`.
    ///
    /// Syntax only, and of any method (DID specification of AT Protocol): at most 2,048
    /// characters, no path, query or fragment.
    Did, Did, scan
}

/// Longest DID (specification).
const LONGEST: usize = 2048;

impl Did {
    /// The method: `plc`, `web`.
    pub fn method(&self) -> &str {
        let rest = &self.as_str()[4..];
        rest.split_once(':').map_or(rest, |(method, _)| method)
    }

    /// What follows the method.
    pub fn identifier(&self) -> &str {
        &self.as_str()[4 + self.method().len() + 1..]
    }
}

/// The end of the DID that `from..to` begins with, or `from` if it begins with none.
pub(crate) const fn end(text: &[u8], from: usize, to: usize) -> usize {
    let identifier = if starts_with(text, from, to, b"did:plc:") {
        from + 8
    } else if starts_with(text, from, to, b"did:") {
        let colon = skip(text, from + 4, to, Class::LOWER);
        if colon == from + 4 || colon == to || text[colon] != b':' {
            return from;
        }
        colon + 1
    } else {
        return from;
    };
    let end = skip_many(text, identifier, to, Class::DID);
    if end == identifier || end - from > LONGEST || matches!(text[end - 1], b':' | b'%') {
        return from;
    }
    end
}

pub(crate) const fn scan(text: &[u8], from: usize, to: usize) -> Scanned {
    if from < to && end(text, from, to) == to {
        Ok(())
    } else {
        scan_by_rules(text, from, to)
    }
}

/// Rule by rule, to tell which one is broken.
const fn scan_by_rules(text: &[u8], from: usize, to: usize) -> Scanned {
    if to - from > LONGEST {
        return flaw(from + LONGEST, "a DID has at most 2048 characters");
    }
    if !starts_with(text, from, to, b"did:") {
        return flaw(from, "a DID starts with `did:`");
    }
    let method = from + 4;
    let colon = skip(text, method, to, Class::LOWER);
    if colon < to && text[colon] != b':' {
        return flaw(colon, "a DID method is made of lower-case letters");
    }
    if colon == method {
        return flaw(method, "the DID method is missing");
    }
    if colon == to || colon + 1 == to {
        return flaw(to, "the identifier after the DID method is missing");
    }
    let at = skip_many(text, colon + 1, to, Class::DID);
    if at < to {
        return flaw(at, "a DID is made of letters, digits and `._:%-`");
    }
    if matches!(text[to - 1], b':' | b'%') {
        return flaw(to - 1, "a DID does not end with `:` or `%`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Did, end, scan_by_rules};

    #[test]
    fn what_ends_well_keeps_the_rules() {
        let longest = format!("did:a:{}", "b".repeat(2042));
        for text in [
            "did:plc:abc",
            "did:web:a%3A1:b",
            "did:plc:",
            "did::abc",
            "did:plc",
            "did:PLC:abc",
            "did:plc:abc:",
            "did:plc:abc%",
            "did:plc:a b",
            "did:",
            "",
            "dad:plc:abc",
            &longest,
            &format!("{longest}c"),
        ] {
            let bytes = text.as_bytes();
            let whole = !bytes.is_empty() && end(bytes, 0, bytes.len()) == bytes.len();
            let by_rules = scan_by_rules(bytes, 0, bytes.len()).is_ok();
            assert_eq!(whole, by_rules, "{text}");
        }
        assert_eq!(end(b"at://did:a:b/c", 5, 14), 12);
        assert_eq!(end(b"at://a.b/c", 5, 10), 5);
    }

    #[test]
    fn takes_itself_apart() {
        const ALICE: Did = Did::from_static("did:web:localhost%3A1234:alice");
        assert_eq!(ALICE.method(), "web");
        assert_eq!(ALICE.identifier(), "localhost%3A1234:alice");
    }
}
