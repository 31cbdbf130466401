//! Many rows in one statement: what the statement reads as a table called `r`.

use std::borrow::Cow;
use std::fmt::Write as _;

use sqlx::AssertSqlSafe;

use super::{Backend, Connection, Inline, Query, Row, Value, query};

/// What a column of [`Rows`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Numbers.
    Integer,
    /// Texts.
    Text,
    /// Bytes.
    Blob,
}

/// Name and kind of each column.
pub(crate) type Columns = &'static [(&'static str, Kind)];

/// SQLite gets a parameter for each value, so a text for each number of rows, of which the powers of
/// two up to this one are there; prepared statements are kept. What is short of such a number is made
/// up with rows of nothing.
const LONGEST: usize = 128;

/// PostgreSQL gets an array for each column, and so one text for any number of rows; this many at a
/// time, so that memory is bounded.
const ARRAY: usize = 1000;

/// Rows that a statement reads as the table `r`. Their first column is never null.
pub(crate) struct Rows<'q> {
    columns: Columns,
    values: Vec<Value<'q>>,
}

impl<'q> Rows<'q> {
    /// No rows yet, with these columns.
    pub(crate) fn new(columns: Columns) -> Self {
        Self {
            columns,
            values: Vec::new(),
        }
    }

    /// Adds a row, a value for each column.
    pub(crate) fn push<const N: usize>(&mut self, row: [Value<'q>; N]) {
        debug_assert_eq!(N, self.columns.len(), "a value for each column");
        self.values.extend(row);
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Executes `statement`, which reads from `r`; how many rows it wrote. In several parts where
    /// there are many rows.
    pub(crate) async fn execute(
        self,
        connection: &mut Connection,
        statement: &str,
    ) -> Result<u64, sqlx::Error> {
        let mut written = 0;
        for part in self.parts(connection.backend(), statement) {
            written += part.execute(&mut *connection).await?;
        }
        Ok(written)
    }

    /// The same on the connection that writes a file.
    pub(crate) fn execute_inline(
        self,
        connection: &mut Inline,
        statement: &str,
    ) -> Result<u64, sqlx::Error> {
        let parts = self.parts(Backend::Sqlite, statement).into_iter();
        parts.map(|part| part.execute_inline(connection)).sum()
    }

    /// The same for a statement that answers rows.
    pub(crate) async fn fetch_all(
        self,
        connection: &mut Connection,
        statement: &str,
    ) -> Result<Vec<Row>, sqlx::Error> {
        let mut rows = Vec::new();
        for part in self.parts(connection.backend(), statement) {
            rows.append(&mut part.fetch_all(&mut *connection).await?);
        }
        Ok(rows)
    }

    fn parts(self, backend: Backend, statement: &str) -> Vec<Query<'q>> {
        let width = self.columns.len();
        let mut left = self.values.len() / width;
        let mut values = self.values.into_iter();
        let mut parts = Vec::new();
        while left > 0 {
            let size = left.min(match backend {
                Backend::Sqlite => LONGEST,
                Backend::Postgres => ARRAY,
            });
            let part: Vec<_> = values.by_ref().take(size * width).collect();
            parts.push(match backend {
                Backend::Sqlite => in_values(self.columns, part, statement),
                Backend::Postgres => in_arrays(self.columns, part, statement),
            });
            left -= size;
        }
        parts
    }
}

/// `WITH r (a, b) AS (SELECT * FROM (VALUES (?, ?), (?, ?)) WHERE column1 IS NOT NULL) …`. The
/// parameters have no numbers: SQLite looks the name of a numbered one up in a list, which for hundreds
/// of them takes longer than the statement.
fn in_values<'q>(columns: Columns, mut values: Vec<Value<'q>>, statement: &str) -> Query<'q> {
    let width = columns.len();
    let size = (values.len() / width).next_power_of_two();
    values.resize(size * width, Value::Integer(None));
    let mut text = head(columns);
    text.reserve(size * (width * 3 + 2) + statement.len() + 64);
    // One row is never made up.
    text.push_str(if size == 1 {
        " (VALUES "
    } else {
        " (SELECT * FROM (VALUES "
    });
    for row in 0..size {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..width {
            text.push_str(if column == 0 { "?" } else { ", ?" });
        }
        text.push(')');
    }
    text.push_str(if size == 1 {
        ") "
    } else {
        ") WHERE column1 IS NOT NULL) "
    });
    text.push_str(statement);
    let mut query = query(AssertSqlSafe(text));
    query.values = values;
    query
}

/// `WITH r (a, b) AS (SELECT * FROM unnest($1::bytea[], $2::text[])) …`
fn in_arrays<'q>(columns: Columns, values: Vec<Value<'q>>, statement: &str) -> Query<'q> {
    let mut arrays = String::new();
    for (number, (_, kind)) in (1..).zip(columns) {
        let kind = match kind {
            Kind::Integer => "bigint",
            Kind::Text => "text",
            Kind::Blob => "bytea",
        };
        let comma = if number == 1 { "" } else { ", " };
        write!(arrays, "{comma}${number}::{kind}[]").expect("a String takes everything");
    }
    let text = format!(
        "{} (SELECT * FROM unnest({arrays})) {statement}",
        head(columns)
    );
    let mut query = query(AssertSqlSafe(text));
    query.values = transposed(columns, values);
    query
}

fn head(columns: Columns) -> String {
    let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
    format!("WITH r ({}) AS", names.join(", "))
}

/// A list for each column, made of rows one after the other.
fn transposed<'q>(columns: Columns, values: Vec<Value<'q>>) -> Vec<Value<'q>> {
    let mut lists: Vec<_> = columns
        .iter()
        .map(|(_, kind)| match kind {
            Kind::Integer => Value::Integers(Vec::new()),
            Kind::Text => Value::Texts(Vec::new()),
            Kind::Blob => Value::Blobs(Vec::new()),
        })
        .collect();
    for (index, value) in values.into_iter().enumerate() {
        match (&mut lists[index % columns.len()], value) {
            (Value::Integers(list), Value::Integer(value)) => list.push(value),
            (Value::Texts(list), Value::Text(value)) => list.push(value.map(Cow::into_owned)),
            (Value::Blobs(list), Value::Blob(value)) => list.push(value.map(Cow::into_owned)),
            (list, value) => unreachable!("{value:?} in a column of {list:?}"),
        }
    }
    lists
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIRS: Columns = &[("a", Kind::Integer), ("b", Kind::Text)];

    fn pairs(count: i64) -> Rows<'static> {
        let mut rows = Rows::new(PAIRS);
        for number in 0..count {
            rows.push([number.into(), None::<&str>.into()]);
        }
        rows
    }

    #[test]
    fn sqlite_gets_few_texts_for_any_number_of_rows() {
        let sizes = |count| {
            let parts = pairs(count).parts(Backend::Sqlite, "SELECT a FROM r");
            let sizes = parts.iter().map(|part| part.values.len() / 2);
            sizes.collect::<Vec<_>>()
        };
        assert!(sizes(0).is_empty());
        assert_eq!(sizes(1), [1]);
        assert_eq!(sizes(3), [4]);
        assert_eq!(sizes(150), [128, 32]);
        let part = &pairs(1).parts(Backend::Sqlite, "SELECT a FROM r")[0];
        assert_eq!(
            part.text.as_str(),
            "WITH r (a, b) AS (VALUES (?, ?)) SELECT a FROM r"
        );
        let part = &pairs(2).parts(Backend::Sqlite, "SELECT a FROM r")[0];
        assert_eq!(
            part.text.as_str(),
            "WITH r (a, b) AS (SELECT * FROM (VALUES (?, ?), (?, ?)) WHERE column1 IS NOT NULL) \
             SELECT a FROM r"
        );
    }

    #[test]
    fn postgres_gets_one_array_for_each_column() {
        let parts = pairs(1001).parts(Backend::Postgres, "SELECT a FROM r");
        assert_eq!(parts.len(), 2);
        assert_eq!(
            parts[0].text.as_str(),
            "WITH r (a, b) AS (SELECT * FROM unnest($1::bigint[], $2::text[])) SELECT a FROM r"
        );
        let [Value::Integers(first), Value::Texts(second)] = &parts[1].values[..] else {
            panic!("two arrays: {:?}", parts[1].values);
        };
        assert_eq!((&first[..], &second[..]), (&[Some(1000)][..], &[None][..]));
    }
}
