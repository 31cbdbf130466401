//! Sortable identifiers.

use jiff::Timestamp;

/// An identifier could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID")]
pub struct InvalidId;

/// Makes a newtype over a UUIDv7: sixteen bytes that sort by the time they were made at, to a quarter
/// of a microsecond (RFC 9562, section 6.2, method 3).
///
/// Time and randomness are arguments, so that the same inputs make the same identifier.
#[macro_export]
macro_rules! sortable_id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name($crate::uuid::Uuid);

        impl $name {
            /// A new identifier (RFC 9562, version 7). Times before 1970 count as 1970.
            pub fn new(now: ::jiff::Timestamp, random: [u8; 10]) -> Self {
                let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
                let random = $crate::with_fraction(now, random);
                let builder = $crate::uuid::Builder::from_unix_timestamp_millis(millis, &random);
                Self(builder.into_uuid())
            }

            /// The sixteen bytes, in the order in which they sort.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// Reads the sixteen bytes back.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, $crate::InvalidId> {
                let uuid = $crate::uuid::Uuid::from_slice(bytes);
                uuid.map(Self).map_err(|_| $crate::InvalidId)
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::InvalidId;

            /// Reads the hyphenated form only, so that one identifier has one spelling but for case.
            fn from_str(text: &str) -> Result<Self, $crate::InvalidId> {
                if text.len() != $crate::uuid::fmt::Hyphenated::LENGTH {
                    return Err($crate::InvalidId);
                }
                $crate::uuid::Uuid::try_parse(text).map(Self).map_err(|_| $crate::InvalidId)
            }
        }
    };
}

/// Puts the part of the millisecond into the twelve bits that sort right after it.
#[doc(hidden)]
pub fn with_fraction(now: Timestamp, mut random: [u8; 10]) -> [u8; 10] {
    let nanos = now.as_nanosecond().rem_euclid(1_000_000);
    let [.., high, low] = (nanos * 4096 / 1_000_000).to_be_bytes();
    [random[0], random[1]] = [high, low];
    random
}

sortable_id! {
    /// Which endpoint.
    EndpointId
}

sortable_id! {
    /// Which notification; also the `webhook-id` that stays the same over all attempts.
    NotificationId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_read_back() {
        let early = EndpointId::new(Timestamp::UNIX_EPOCH, [0xff; 10]);
        let late = EndpointId::new(Timestamp::constant(1, 0), [0; 10]);
        assert!(early < late);
        assert!(early.to_string() < late.to_string());
        assert_eq!(late.to_string().parse(), Ok(late));
        assert_eq!(EndpointId::from_slice(late.as_bytes()), Ok(late));
    }

    #[test]
    fn ids_of_one_millisecond_sort_as_well() {
        let at = |nanos| Timestamp::constant(1, nanos);
        let early = EndpointId::new(at(1_000_000), [0xff; 10]);
        let late = EndpointId::new(at(1_000_300), [0; 10]);
        let next = EndpointId::new(at(2_000_000), [0; 10]);
        assert!(early < late && late < next);
        assert_eq!(early.to_string()[14..15], *"7");
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "x",
            "urn:uuid:00000000-03e8-7000-8000-000000000000",
            "é".repeat(18).as_str(),
        ] {
            assert_eq!(text.parse::<EndpointId>(), Err(InvalidId), "{text}");
        }
    }
}
