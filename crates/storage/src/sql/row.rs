//! Rows of an answer.

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{ColumnIndex, Row as _, TypeInfo as _, ValueRef as _};

use super::inline::InlineRow;

/// A row of an answer.
pub(crate) enum Row {
    /// SQLite's.
    Sqlite(SqliteRow),
    /// SQLite's, from the connection that writes.
    Inline(InlineRow),
    /// PostgreSQL's.
    Postgres(PgRow),
}

/// How a column is called: by name, or by place.
pub(crate) trait Position: Copy + ColumnIndex<SqliteRow> + ColumnIndex<PgRow> {
    /// Which of these names it is.
    fn among(self, names: &[Box<str>]) -> Option<usize>;
}

impl Position for usize {
    fn among(self, names: &[Box<str>]) -> Option<usize> {
        (self < names.len()).then_some(self)
    }
}

impl Position for &str {
    fn among(self, names: &[Box<str>]) -> Option<usize> {
        names.iter().position(|name| **name == *self)
    }
}

impl Row {
    /// The value of a column.
    pub(crate) fn get<'r, T: Column<'r>>(&'r self, at: impl Position) -> Result<T, sqlx::Error> {
        T::read(self, at)
    }
}

/// What a column can be read as.
pub(crate) trait Column<'r>: Sized {
    /// Reads the column.
    fn read(row: &'r Row, at: impl Position) -> Result<Self, sqlx::Error>;
}

/// Types that both drivers read alike.
macro_rules! columns {
    ($($type:ty),*) => { $(
        impl<'r> Column<'r> for $type {
            fn read(row: &'r Row, at: impl Position) -> Result<Self, sqlx::Error> {
                match row {
                    Row::Sqlite(row) => row.try_get(at),
                    Row::Inline(row) => required(row.get(at)?),
                    Row::Postgres(row) => row.try_get(at),
                }
            }
        }

        impl<'r> Column<'r> for Option<$type> {
            fn read(row: &'r Row, at: impl Position) -> Result<Self, sqlx::Error> {
                match row {
                    Row::Sqlite(row) => row.try_get(at),
                    Row::Inline(row) => row.get(at),
                    Row::Postgres(row) => row.try_get(at),
                }
            }
        }
    )* };
}

columns!(&'r str, String, &'r [u8], Vec<u8>);

impl<'r> Column<'r> for Option<i64> {
    fn read(row: &'r Row, at: impl Position) -> Result<Self, sqlx::Error> {
        match row {
            Row::Sqlite(row) => row.try_get(at),
            Row::Inline(row) => row.get(at),
            Row::Postgres(row) => integer(row, at),
        }
    }
}

impl<'r> Column<'r> for Option<bool> {
    fn read(row: &'r Row, at: impl Position) -> Result<Self, sqlx::Error> {
        match row {
            Row::Sqlite(row) => row.try_get(at),
            Row::Inline(row) => Ok(row.get::<i64>(at)?.map(|number| number != 0)),
            Row::Postgres(row) => Ok(integer(row, at)?.map(|number| number != 0)),
        }
    }
}

/// Types of which PostgreSQL has several.
macro_rules! required {
    ($($type:ty),*) => { $(
        impl<'r> Column<'r> for $type {
            fn read(row: &'r Row, at: impl Position) -> Result<Self, sqlx::Error> {
                required(<Option<$type>>::read(row, at)?)
            }
        }
    )* };
}

required!(i64, bool);

fn required<T>(value: Option<T>) -> Result<T, sqlx::Error> {
    value.ok_or_else(|| sqlx::Error::Decode("a value is missing".into()))
}

/// A number of any width, or a truth: what PostgreSQL makes of an expression depends on it.
fn integer(row: &PgRow, at: impl Position) -> Result<Option<i64>, sqlx::Error> {
    let value = row.try_get_raw(at)?;
    Ok(match value.type_info().name() {
        "BOOL" => row.try_get::<Option<bool>, _>(at)?.map(i64::from),
        "INT2" => row.try_get::<Option<i16>, _>(at)?.map(i64::from),
        "INT4" => row.try_get::<Option<i32>, _>(at)?.map(i64::from),
        _ => row.try_get(at)?,
    })
}
