//! base58btc, for texts as short as keys are.

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// The longest text that is decoded. The time grows with the square of the length, and 65 bytes of
/// an uncompressed point take 89 characters.
const LONGEST: usize = 128;

/// The bytes of a text, or `None` if it has other characters or is longer than any key.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    if text.len() > LONGEST {
        return None;
    }
    let mut number: Vec<u8> = Vec::with_capacity(text.len()); // little endian
    for character in text.bytes() {
        let digit = ALPHABET.iter().position(|&known| known == character)?;
        let mut carry = digit as u32;
        for byte in &mut number {
            carry += u32::from(*byte) * 58;
            *byte = carry as u8;
            carry >>= 8;
        }
        while carry > 0 {
            number.push(carry as u8);
            carry >>= 8;
        }
    }
    let zeros = text.bytes().take_while(|&b| b == b'1').count();
    number.extend(std::iter::repeat_n(0, zeros));
    number.reverse();
    Some(number)
}

/// The text of some bytes.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut digits: Vec<u8> = Vec::with_capacity(bytes.len() * 2); // little endian
    for &byte in bytes {
        let mut carry = u32::from(byte);
        for digit in &mut digits {
            carry += u32::from(*digit) << 8;
            *digit = (carry % 58) as u8;
            carry /= 58;
        }
        while carry > 0 {
            digits.push((carry % 58) as u8);
            carry /= 58;
        }
    }
    let zeros = bytes.iter().take_while(|&&b| b == 0).count();
    digits.extend(std::iter::repeat_n(0, zeros));
    digits
        .iter()
        .rev()
        .map(|&digit| char::from(ALPHABET[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_texts() {
        assert_eq!(encode(b"Hello World!"), "2NEpo7TZRRrLZSi2U");
        assert_eq!(
            decode("2NEpo7TZRRrLZSi2U").as_deref(),
            Some(b"Hello World!".as_slice())
        );
        assert_eq!(encode(&[0, 0, 1]), "112");
        assert_eq!(decode("112"), Some(vec![0, 0, 1]));
        assert_eq!(decode(""), Some(vec![]));
    }

    #[test]
    fn refuses_other_characters_and_long_texts() {
        for text in ["0", "O", "I", "l", "é", " 2"] {
            assert_eq!(decode(text), None, "{text}");
        }
        assert_eq!(decode(&"2".repeat(LONGEST + 1)), None);
    }

    proptest! {
        #[test]
        fn round_trip(bytes in proptest::collection::vec(any::<u8>(), 0..70)) {
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }
    }
}
