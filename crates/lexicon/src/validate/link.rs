//! Links as text.

use loggia_syntax::data::{CidLink, LinkError};

/// Whether a text is a link. The form that nearly every link has is checked without an allocation.
pub(super) fn check(text: &str) -> Result<(), LinkError> {
    if is_usual(text.as_bytes()) {
        Ok(())
    } else {
        CidLink::check(text)
    }
}

/// Version 1, dag-cbor or raw, SHA-256, in base 32: `bafyrei…` and `bafkrei…`.
fn is_usual(text: &[u8]) -> bool {
    /// 36 bytes are 57 whole digits and 3 bits of another.
    const LENGTH: usize = 59;
    let is_digit = |byte: &u8| matches!(byte, b'a'..=b'z' | b'2'..=b'7');
    text.len() == LENGTH
        && (text.starts_with(b"bafyrei") || text.starts_with(b"bafkrei"))
        && text.iter().all(is_digit)
        // The last digit has 3 bits of the digest and 2 bits that must be 0.
        && matches!(text[LENGTH - 1], b'a' | b'e' | b'i' | b'm' | b'q' | b'u' | b'y' | b'4')
}

#[cfg(test)]
mod tests {
    use loggia_syntax::data::CidLink;

    use super::{check, is_usual};

    const USUAL: &str = "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a";

    #[test]
    fn usual_links_are_links() {
        let digits = b"abcdefghijklmnopqrstuvwxyz234567A01-";
        let prefixes = ["bafyrei", "bafkrei", "bafyref", "bbfyrei"];
        for prefix in prefixes {
            for &last in digits {
                let mut text = USUAL.replacen("bafyrei", prefix, 1).into_bytes();
                text[58] = last;
                let text = String::from_utf8(text).expect("ASCII");
                assert!(
                    !is_usual(text.as_bytes()) || CidLink::check(&text).is_ok(),
                    "{text}"
                );
                assert_eq!(
                    check(&text).is_ok(),
                    CidLink::check(&text).is_ok(),
                    "{text}"
                );
            }
        }
        assert!(is_usual(USUAL.as_bytes()));
        assert!(is_usual(
            b"bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity"
        ));
        for text in [
            "",
            "bafyrei",
            "QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMnR",
        ] {
            assert!(!is_usual(text.as_bytes()));
        }
    }
}
