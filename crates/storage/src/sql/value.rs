//! Values of parameters.

use std::borrow::Cow;

use sqlx::Arguments as _;
use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;

/// The value of a parameter. Numbers and truth are 64-bit integers in both databases.
#[derive(Clone, Debug)]
pub(crate) enum Value<'q> {
    /// A number.
    Integer(Option<i64>),
    /// A text.
    Text(Option<Cow<'q, str>>),
    /// Bytes.
    Blob(Option<Cow<'q, [u8]>>),
    /// A column of numbers; PostgreSQL only.
    Integers(Vec<Option<i64>>),
    /// A column of texts; PostgreSQL only.
    Texts(Vec<Option<String>>),
    /// A column of bytes; PostgreSQL only.
    Blobs(Vec<Option<Vec<u8>>>),
}

impl Value<'_> {
    pub(super) fn add_to_sqlite(self, arguments: &mut SqliteArguments) -> Result<(), sqlx::Error> {
        let added = match self {
            Self::Integer(number) => arguments.add(number),
            Self::Text(None) => arguments.add(None::<String>),
            Self::Text(Some(Cow::Borrowed(text))) => arguments.add(text),
            Self::Text(Some(Cow::Owned(text))) => arguments.add(text),
            Self::Blob(None) => arguments.add(None::<Vec<u8>>),
            Self::Blob(Some(Cow::Borrowed(bytes))) => arguments.add(bytes),
            Self::Blob(Some(Cow::Owned(bytes))) => arguments.add(bytes),
            Self::Integers(_) | Self::Texts(_) | Self::Blobs(_) => {
                Err("SQLite has no lists".into())
            }
        };
        added.map_err(sqlx::Error::Encode)
    }

    pub(super) fn add_to_postgres(self, arguments: &mut PgArguments) -> Result<(), sqlx::Error> {
        let added = match self {
            Self::Integer(number) => arguments.add(number),
            Self::Text(None) => arguments.add(None::<String>),
            Self::Text(Some(Cow::Borrowed(text))) => arguments.add(text),
            Self::Text(Some(Cow::Owned(text))) => arguments.add(text),
            Self::Blob(None) => arguments.add(None::<Vec<u8>>),
            Self::Blob(Some(Cow::Borrowed(bytes))) => arguments.add(bytes),
            Self::Blob(Some(Cow::Owned(bytes))) => arguments.add(bytes),
            Self::Integers(numbers) => arguments.add(numbers),
            Self::Texts(texts) => arguments.add(texts),
            Self::Blobs(blobs) => arguments.add(blobs),
        };
        added.map_err(sqlx::Error::Encode)
    }
}

/// `From` for a kind of value and for an optional one.
macro_rules! values {
    ($($type:ty => $variant:ident($value:ident: $into:expr);)*) => { $(
        impl<'q> From<$type> for Value<'q> {
            fn from($value: $type) -> Self {
                Self::$variant(Some($into))
            }
        }

        impl<'q> From<Option<$type>> for Value<'q> {
            fn from(value: Option<$type>) -> Self {
                Self::$variant(value.map(|$value: $type| $into))
            }
        }
    )* };
}

values! {
    i64 => Integer(value: value);
    u32 => Integer(value: i64::from(value));
    bool => Integer(value: i64::from(value));
    &'q str => Text(value: Cow::Borrowed(value));
    &'q String => Text(value: Cow::Borrowed(value.as_str()));
    String => Text(value: Cow::Owned(value));
    &'q [u8] => Blob(value: Cow::Borrowed(value));
    &'q Vec<u8> => Blob(value: Cow::Borrowed(value.as_slice()));
    Vec<u8> => Blob(value: Cow::Owned(value));
}

impl<'q> From<&'q Option<String>> for Value<'q> {
    fn from(value: &'q Option<String>) -> Self {
        value.as_deref().into()
    }
}

impl From<Vec<Option<i64>>> for Value<'_> {
    fn from(numbers: Vec<Option<i64>>) -> Self {
        Self::Integers(numbers)
    }
}

impl From<Vec<Option<String>>> for Value<'_> {
    fn from(texts: Vec<Option<String>>) -> Self {
        Self::Texts(texts)
    }
}

impl From<Vec<Option<Vec<u8>>>> for Value<'_> {
    fn from(blobs: Vec<Option<Vec<u8>>>) -> Self {
        Self::Blobs(blobs)
    }
}
