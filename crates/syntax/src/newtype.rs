//! What all identifier types have in common.

/// Defines an identifier: a type around the exact text, which its scanner has found valid.
macro_rules! identifier {
    ($(#[$meta:meta])* $name:ident, $format:ident, $scan:path) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(compact_str::CompactString);

        impl $name {
            /// The string format whose texts this type holds.
            pub const FORMAT: $crate::Format = $crate::Format::$format;

            /// Takes the text as it is, if it is valid.
            pub fn new(
                text: impl AsRef<str> + Into<compact_str::CompactString>,
            ) -> Result<Self, $crate::SyntaxError> {
                match Self::check(text.as_ref()) {
                    Ok(()) => Ok(Self(text.into())),
                    Err(error) => Err(error.with_text(text.as_ref())),
                }
            }

            /// Whether the text is valid. Never allocates.
            pub fn check(text: &str) -> Result<(), $crate::SyntaxError> {
                match $scan(text.as_bytes(), 0, text.len()) {
                    Ok(()) => Ok(()),
                    Err(flaw) => Err($crate::SyntaxError::new(Self::FORMAT, flaw)),
                }
            }

            /// A constant. In a `const` or `static`, invalid text is a compile error.
            ///
            /// # Panics
            /// If the text is not valid and the call is made at run time.
            pub const fn from_static(text: &'static str) -> Self {
                match $scan(text.as_bytes(), 0, text.len()) {
                    Ok(()) => Self(compact_str::CompactString::const_new(text)),
                    Err(flaw) => panic!("{}", flaw.reason),
                }
            }

            /// For text that is known to be valid because of what it was made of.
            #[allow(dead_code, reason = "not every identifier is made of others")]
            pub(crate) fn trusted(text: impl Into<compact_str::CompactString>) -> Self {
                let text = Self(text.into());
                debug_assert!(Self::check(text.as_str()).is_ok(), "{text}");
                text
            }

            /// The text, exactly as received.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::SyntaxError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = $crate::SyntaxError;
            fn try_from(text: &str) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::SyntaxError;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0.into()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.as_str() == *other
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Text;

                impl serde::de::Visitor<'_> for Text {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        write!(f, "a string of format {}", $name::FORMAT)
                    }

                    // Borrowed text arrives here as well.
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        $name::new(text).map_err(E::custom)
                    }

                    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<$name, E> {
                        $name::new(text).map_err(E::custom)
                    }
                }

                from.deserialize_str(Text)
            }
        }
    };
}
pub(crate) use identifier;
