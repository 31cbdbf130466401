//! The impls that are the same for every generated type.

/// For an [`ObjectType`](crate::ObjectType): serde both ways, [`Read`](crate::Read) and
/// [`JsonBody`](crate::JsonBody).
#[macro_export]
macro_rules! object {
    ($name:ident) => {
        $crate::read_impls!($name, read_object);

        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(
                &self,
                to: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::write_object(self, to)
            }
        }

        impl $crate::JsonBody for $name {}
    };
}

/// For a [`UnionType`](crate::UnionType) that writes itself: `Deserialize`,
/// [`Read`](crate::Read) and [`JsonBody`](crate::JsonBody).
#[macro_export]
macro_rules! union_type {
    ($name:ident) => {
        $crate::read_impls!($name, read_union);

        impl $crate::JsonBody for $name {}
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! read_impls {
    ($name:ident, $read:ident) => {
        impl<'de> $crate::Read<'de> for $name {
            fn read<D: $crate::serde::Deserializer<'de>>(
                from: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::$read(from)
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(
                from: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::$read(from)
            }
        }
    };
}

/// For an enum that can hold the listed values and nothing else.
#[macro_export]
macro_rules! closed_strings {
    ($name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        impl $crate::Listed for $name {
            const VALUES: &'static [&'static str] = &[$($text),*];

            fn from_text(text: &str) -> ::core::option::Option<Self> {
                match text {
                    $($text => ::core::option::Option::Some(Self::$variant),)*
                    _ => ::core::option::Option::None,
                }
            }

            fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        $crate::string_impls!($name);
    };
}

/// For an enum of the values that a lexicon knows, with `Other` for the rest.
#[macro_export]
macro_rules! known_strings {
    ($name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        impl $crate::Listed for $name {
            const VALUES: &'static [&'static str] = &[$($text),*];

            fn from_text(text: &str) -> ::core::option::Option<Self> {
                ::core::option::Option::Some(match text {
                    $($text => Self::$variant,)*
                    other => Self::Other(other.into()),
                })
            }

            fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl ::core::convert::From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    other => Self::Other(other.into()),
                }
            }
        }

        $crate::string_impls!($name);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! string_impls {
    ($name:ident) => {
        $crate::read_impls!($name, read_listed);

        impl $name {
            /// The text as on the wire.
            pub fn as_str(&self) -> &str {
                $crate::Listed::as_str(self)
            }
        }

        impl ::core::str::FromStr for $name {
            type Err = $crate::NotListed;

            fn from_str(text: &str) -> ::core::result::Result<Self, $crate::NotListed> {
                $crate::parse_listed(text)
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str($crate::Listed::as_str(self))
            }
        }

        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(
                &self,
                to: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::write_listed(self, to)
            }
        }

        impl $crate::ParamValue for $name {
            fn parse(text: &str) -> ::core::result::Result<Self, ::std::string::String> {
                $crate::parse_listed(text)
                    .map_err(|error: $crate::NotListed| ::std::string::ToString::to_string(&error))
            }

            fn text(&self) -> ::std::borrow::Cow<'_, str> {
                ::std::borrow::Cow::Borrowed($crate::Listed::as_str(self))
            }
        }
    };
}

/// For a newtype over [`Binary`](crate::Binary): a body that is not JSON.
#[macro_export]
macro_rules! binary_body {
    ($name:ident, $encoding:literal) => {
        impl $crate::Body for $name {
            const ENCODING: &'static str = $encoding;
            const KIND: $crate::BodyKind = $crate::BodyKind::Raw;

            fn decode(payload: $crate::Payload) -> ::core::result::Result<Self, $crate::BodyError> {
                payload.into_raw().map(Self)
            }

            fn encode(self) -> ::core::result::Result<$crate::Payload, $crate::BodyError> {
                ::core::result::Result::Ok($crate::Payload::Raw(self.0))
            }

            fn check(&self, _: &mut $crate::syntax::check::Report) {}
        }

        impl ::core::convert::From<$crate::Binary> for $name {
            fn from(binary: $crate::Binary) -> Self {
                Self(binary)
            }
        }
    };
}

/// For a newtype over a value that is neither an object nor a union: a JSON body all the same.
#[macro_export]
macro_rules! value_body {
    ($name:ident) => {
        impl<'de> $crate::Read<'de> for $name {
            fn read<D: $crate::serde::Deserializer<'de>>(
                from: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::Read::read(from).map(Self)
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(
                from: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::Read::read(from).map(Self)
            }
        }

        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(
                &self,
                to: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                $crate::serde::Serialize::serialize(&self.0, to)
            }
        }

        impl $crate::JsonBody for $name {}
    };
}
