//! base58btc, for texts as short as keys are.

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// The longest text that is decoded. The time grows with the square of the length, and 65 bytes of
/// an uncompressed point take 89 characters.
const LONGEST: usize = 128;

/// What stands in [`DIGITS`] for a character that is no digit.
const NONE: u8 = u8::MAX;

/// The value of each ASCII character.
const DIGITS: [u8; 128] = {
    let mut digits = [NONE; 128];
    let mut value = 0;
    while value < ALPHABET.len() {
        digits[ALPHABET[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

/// As many digits as always fit into a limb of 32 bits.
const AT_ONCE: usize = 5;

/// The bytes of a text, or `None` if it has other characters or is longer than any key.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    if text.len() > LONGEST {
        return None;
    }
    let mut limbs: Vec<u32> = Vec::with_capacity(text.len() / AT_ONCE + 1); // little endian
    for part in text.as_bytes().chunks(AT_ONCE) {
        let (mut value, mut scale) = (0, 1);
        for &character in part {
            let digit = DIGITS
                .get(usize::from(character))
                .filter(|&&digit| digit != NONE)?;
            value = value * 58 + u64::from(*digit);
            scale *= 58;
        }
        let mut carry = value;
        for limb in &mut limbs {
            carry += u64::from(*limb) * scale;
            *limb = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            limbs.push(carry as u32);
        }
    }
    let mut number: Vec<u8> = limbs.into_iter().flat_map(u32::to_le_bytes).collect();
    let length = number
        .iter()
        .rposition(|&byte| byte > 0)
        .map_or(0, |last| last + 1);
    number.truncate(length);
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
