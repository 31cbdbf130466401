//! One way to speak to both databases: texts with `$1…$n`, values, rows and connections that are
//! either SQLite's or PostgreSQL's.
//!
//! Knows the two drivers and nothing of what is stored. Mirrors the calls of sqlx, so that a
//! repository reads like any other.

mod connection;
mod inline;
mod row;
mod rows;
mod value;

use std::borrow::BorrowMut;

use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Postgres, SqlSafeStr, SqlStr, Sqlite};

use connection::Driver;
pub(crate) use connection::{Backend, Connection, Executor, Pool};
pub(crate) use inline::{Inline, Length};
pub(crate) use row::{Column, Row};
pub(crate) use rows::{Columns, Kind, Rows};
pub(crate) use value::Value;

/// A statement with the values of its parameters.
#[must_use = "a statement does nothing until it is executed"]
pub(crate) struct Query<'q> {
    text: SqlStr,
    values: Vec<Value<'q>>,
}

/// A statement; its parameters are `$1…$n`.
pub(crate) fn query<'q>(text: impl SqlSafeStr) -> Query<'q> {
    Query {
        text: text.into_sql_str(),
        values: Vec::new(),
    }
}

/// A statement that answers rows of which only the first column is of interest.
pub(crate) fn query_scalar<'q>(text: impl SqlSafeStr) -> Scalar<'q> {
    Scalar(query(text))
}

impl<'q> Query<'q> {
    /// The value of the next parameter.
    pub(crate) fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Executes the statement; how many rows it wrote.
    pub(crate) async fn execute(self, on: impl Executor) -> Result<u64, sqlx::Error> {
        let mut held = on.connection().await?;
        let connection = held.borrow_mut();
        let done = match connection.driver() {
            Driver::Sqlite(driver) => {
                let done = self.sqlite()?.execute(driver).await;
                done.map(|done| done.rows_affected())
            }
            Driver::Inline(driver, length) => length.run(|| self.execute_inline(driver)),
            Driver::Postgres(driver) => {
                let done = self.postgres()?.execute(driver).await;
                done.map(|done| done.rows_affected())
            }
        };
        connection.noting(done)
    }

    /// All rows of the answer.
    pub(crate) async fn fetch_all(self, on: impl Executor) -> Result<Vec<Row>, sqlx::Error> {
        let mut held = on.connection().await?;
        let connection = held.borrow_mut();
        let rows = match connection.driver() {
            Driver::Sqlite(driver) => {
                let rows = self.sqlite()?.fetch_all(driver).await;
                rows.map(|rows| rows.into_iter().map(Row::Sqlite).collect())
            }
            Driver::Inline(driver, length) => length.run(|| self.fetch_inline(driver)),
            Driver::Postgres(driver) => {
                let rows = self.postgres()?.fetch_all(driver).await;
                rows.map(|rows| rows.into_iter().map(Row::Postgres).collect())
            }
        };
        connection.noting(rows)
    }

    /// The first row of the answer, if there is one.
    pub(crate) async fn fetch_optional(
        self,
        on: impl Executor,
    ) -> Result<Option<Row>, sqlx::Error> {
        let mut held = on.connection().await?;
        let connection = held.borrow_mut();
        let row = match connection.driver() {
            Driver::Sqlite(driver) => {
                let row = self.sqlite()?.fetch_optional(driver).await;
                row.map(|row| row.map(Row::Sqlite))
            }
            Driver::Inline(driver, length) => {
                let rows = length.run(|| driver.fetch(self.text.as_str(), &self.values, 1));
                rows.map(|mut rows| rows.pop().map(Row::Inline))
            }
            Driver::Postgres(driver) => {
                let row = self.postgres()?.fetch_optional(driver).await;
                row.map(|row| row.map(Row::Postgres))
            }
        };
        connection.noting(row)
    }

    /// The first row of the answer, which has one.
    pub(crate) async fn fetch_one(self, on: impl Executor) -> Result<Row, sqlx::Error> {
        let row = self.fetch_optional(on).await?;
        row.ok_or(sqlx::Error::RowNotFound)
    }

    /// The same as [`Query::execute`] on the connection that writes a file.
    pub(crate) fn execute_inline(self, on: &mut Inline) -> Result<u64, sqlx::Error> {
        on.execute(self.text.as_str(), &self.values)
    }

    /// The same as [`Query::fetch_all`] on the connection that writes a file.
    pub(crate) fn fetch_inline(self, on: &mut Inline) -> Result<Vec<Row>, sqlx::Error> {
        let rows = on.fetch(self.text.as_str(), &self.values, usize::MAX)?;
        Ok(rows.into_iter().map(Row::Inline).collect())
    }

    fn sqlite(self) -> Result<sqlx::query::Query<'static, Sqlite, SqliteArguments>, sqlx::Error> {
        let mut arguments = SqliteArguments::default();
        for value in self.values {
            value.add_to_sqlite(&mut arguments)?;
        }
        Ok(sqlx::query_with(self.text, arguments))
    }

    fn postgres(self) -> Result<sqlx::query::Query<'static, Postgres, PgArguments>, sqlx::Error> {
        let mut arguments = PgArguments::default();
        for value in self.values {
            value.add_to_postgres(&mut arguments)?;
        }
        Ok(sqlx::query_with(self.text, arguments))
    }
}

/// A statement of which only the first column is of interest.
#[must_use = "a statement does nothing until it is executed"]
pub(crate) struct Scalar<'q>(Query<'q>);

impl<'q> Scalar<'q> {
    /// The value of the next parameter.
    pub(crate) fn bind(self, value: impl Into<Value<'q>>) -> Self {
        Self(self.0.bind(value))
    }

    /// The first column of the first row, which there is.
    pub(crate) async fn fetch_one<T>(self, on: impl Executor) -> Result<T, sqlx::Error>
    where
        T: for<'r> Column<'r>,
    {
        self.0.fetch_one(on).await?.get(0)
    }

    /// The first column of the first row, if there is one.
    pub(crate) async fn fetch_optional<T>(self, on: impl Executor) -> Result<Option<T>, sqlx::Error>
    where
        T: for<'r> Column<'r>,
    {
        let row = self.0.fetch_optional(on).await?;
        row.map(|row| row.get(0)).transpose()
    }
}
