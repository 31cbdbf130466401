//! Integers as they arrive.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// An integer that also reads the JSON literal `1.0`, as every reference implementation does.
///
/// A literal without a fraction never goes through a float; one with a fraction is taken up to
/// ±(2^53-1), where floats are still exact. A float in DAG-CBOR is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Integer(pub i64);

impl Integer {
    /// The largest integer that every peer can read (data model specification): 2^53 - 1.
    pub const MAX: i64 = (1 << 53) - 1;
    /// The smallest integer that every peer can read: -(2^53 - 1).
    pub const MIN: i64 = -Self::MAX;

    /// The integer that a float stands for, if it stands for exactly one.
    pub fn from_f64(value: f64) -> Option<Self> {
        let exact = value.fract() == 0.0 && value.abs() <= Self::MAX as f64;
        exact.then_some(Self(value as i64))
    }
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Number {
            floats: bool,
        }

        impl Visitor<'_> for Number {
            type Value = Integer;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer of 64 bits")
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Integer, E> {
                Ok(Integer(value))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Integer, E> {
                i64::try_from(value)
                    .map(Integer)
                    .map_err(|_| out_of_range(value))
            }

            fn visit_i128<E: Error>(self, value: i128) -> Result<Integer, E> {
                i64::try_from(value)
                    .map(Integer)
                    .map_err(|_| out_of_range(value))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Integer, E> {
                let integer = if self.floats {
                    Integer::from_f64(value)
                } else {
                    None
                };
                integer.ok_or_else(|| E::invalid_type(serde::de::Unexpected::Float(value), &self))
            }
        }

        if from.is_human_readable() {
            from.deserialize_i64(Number { floats: true })
        } else {
            from.deserialize_i64(Number { floats: false })
        }
    }
}

pub(super) fn out_of_range<E: Error>(value: impl fmt::Display) -> E {
    E::custom(format_args!(
        "the integer {value} does not fit 64 bits with a sign"
    ))
}

#[cfg(test)]
mod tests {
    use super::Integer;

    #[test]
    fn a_fraction_of_zero_is_no_fraction() {
        let read = |text| {
            serde_json::from_str::<Integer>(text)
                .ok()
                .map(|integer| integer.0)
        };
        assert_eq!(read("1.0"), Some(1));
        assert_eq!(read("-3"), Some(-3));
        assert_eq!(read("9223372036854775807"), Some(i64::MAX));
        assert_eq!(read("9223372036854775808"), None);
        assert_eq!(read("9007199254740992.0"), None);
        assert_eq!(read("1.5"), None);
        assert_eq!(read("\"1\""), None);
    }
}
