//! CID as text.

use crate::newtype::identifier;
use crate::scan::{Class, Scanned, flaw, skip_many, starts_with};

identifier! {
    /// A content identifier as text, in whatever base it was written.
    ///
    /// The string format is loose on purpose (interoperability files): 8 to 256 characters of the
    /// common multibase alphabets, and no version 0. Whether it really decodes is told by
    /// [`Cid::decode`]; a link in data ([`CidLink`](crate::data::CidLink)) always does.
    Cid, Cid, scan
}

/// Shortest: version, codec and an empty identity hash in base 32 are 8 characters.
const SHORTEST: usize = 8;
/// Longest, so that a hostile text is not scanned without end.
const LONGEST: usize = 256;

/// A CID that is well-formed as text, but cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CidError {
    /// The text does not decode.
    #[error("`{text}` does not decode as a CID")]
    Decode {
        /// The text.
        text: String,
        /// Why.
        #[source]
        source: ::cid::Error,
    },
    /// Version 0 has no place in AT Protocol.
    #[error("`{0}` is a CID of version 0; convert it to version 1")]
    Version0(String),
}

impl Cid {
    /// The binary form.
    pub fn decode(&self) -> Result<::cid::Cid, CidError> {
        ::cid::Cid::try_from(self.as_str()).map_err(|source| CidError::Decode {
            text: self.to_string(),
            source,
        })
    }
}

impl TryFrom<&::cid::Cid> for Cid {
    type Error = CidError;

    /// Writes it in base 32.
    fn try_from(cid: &::cid::Cid) -> Result<Self, CidError> {
        match cid.version() {
            ::cid::Version::V0 => Err(CidError::Version0(cid.to_string())),
            ::cid::Version::V1 => Ok(Self::trusted(cid.to_string())),
        }
    }
}

impl TryFrom<&Cid> for ::cid::Cid {
    type Error = CidError;

    fn try_from(cid: &Cid) -> Result<Self, CidError> {
        cid.decode()
    }
}

/// Longest binary form read without the heap: a digest of 64 bytes and what stands before it.
const BUFFER: usize = 128;
/// Longer than any CID of a 64 byte digest in base 2.
const LONGEST_DECODED: usize = 1024;

/// Decodes text in any base, and nothing but a CID: the library alone would also take a path that
/// ends in one, and bytes after one.
pub(crate) fn decode(text: &str) -> Result<::cid::Cid, ::cid::Error> {
    if text.len() > LONGEST_DECODED {
        return Err(::cid::Error::ParsingError);
    }
    if text.starts_with("Qm") {
        return ::cid::Cid::try_from(text).and_then(|cid| match cid.to_string() == text {
            true => Ok(cid),
            false => Err(::cid::Error::ParsingError),
        });
    }
    let mut buffer = [0; BUFFER];
    match text
        .strip_prefix('b')
        .and_then(|digits| decode_base32(digits, &mut buffer))
    {
        Some(length) => decode_bytes(&buffer[..length]),
        None => {
            let (_, bytes) = ::cid::multibase::decode(text)?;
            decode_bytes(&bytes)
        }
    }
}

/// Decodes the binary form, and nothing but that.
pub(crate) fn decode_bytes(bytes: &[u8]) -> Result<::cid::Cid, ::cid::Error> {
    let cid = ::cid::Cid::try_from(bytes)?;
    if cid.encoded_len() == bytes.len() {
        Ok(cid)
    } else {
        Err(::cid::Error::ParsingError)
    }
}

/// Lower-case base 32 without padding (RFC 4648), the base of nearly every CID; `None` if it is
/// something else or too long.
fn decode_base32(digits: &str, buffer: &mut [u8; BUFFER]) -> Option<usize> {
    let (mut bits, mut held, mut length) = (0u32, 0, 0);
    for digit in digits.bytes() {
        let value = match digit {
            b'a'..=b'z' => digit - b'a',
            b'2'..=b'7' => digit - b'2' + 26,
            _ => return None,
        };
        bits = bits << 5 | u32::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            *buffer.get_mut(length)? = (bits >> held) as u8;
            bits &= (1 << held) - 1;
            length += 1;
        }
    }
    // Left over: fewer bits than a digit has, and all of them zero.
    (held < 5 && bits == 0).then_some(length)
}

pub(crate) const fn scan(text: &[u8], from: usize, to: usize) -> Scanned {
    if to - from < SHORTEST {
        return flaw(to, "a CID has at least 8 characters");
    }
    if to - from > LONGEST {
        return flaw(from + LONGEST, "a CID has at most 256 characters");
    }
    if starts_with(text, from, to, b"Qm") {
        return flaw(
            from,
            "CIDs of version 0 are not supported; convert it to version 1",
        );
    }
    let at = skip_many(text, from, to, Class::CID);
    if at < to {
        return flaw(at, "a CID is made of letters, digits and `+=`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Cid;

    const TEXT: &str = "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a";

    #[test]
    fn there_and_back() {
        let cid = Cid::from_static(TEXT);
        let binary = cid.decode().expect("a real CID");
        assert_eq!(Cid::try_from(&binary).expect("version 1"), cid);
    }

    #[test]
    fn other_bases_keep_their_text() {
        let binary = Cid::from_static(TEXT).decode().expect("a real CID");
        let hex =
            Cid::new(binary.to_string_of_base(cid_base()).expect("known base")).expect("valid");
        assert!(hex.as_str().starts_with('z'));
        assert_eq!(hex.decode().expect("the same CID"), binary);
    }

    fn cid_base() -> ::cid::multibase::Base {
        ::cid::multibase::Base::Base58Btc
    }

    #[test]
    fn well_formed_is_not_yet_a_cid() {
        let error = Cid::from_static("mBcDxtdWx0aWhhc2g+")
            .decode()
            .expect_err("version 5");
        assert!(error.to_string().contains("mBcDxtdWx0aWhhc2g+"));
    }
}
