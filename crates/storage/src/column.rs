//! Between columns and types. A value that does not fit is a [`BadRow`] with table and id.

use std::error::Error;
use std::fmt::Display;

use crate::BadRow;
use crate::sql::{Column, Row};
use jiff::Timestamp;

/// The millisecond of a time, rounded down.
pub(crate) fn millis(time: Timestamp) -> i64 {
    time.as_millisecond()
}

/// The millisecond of a time, rounded up: what is due then is never done before.
pub(crate) fn millis_up(time: Timestamp) -> i64 {
    let floor = time.as_millisecond();
    let exact = Timestamp::from_millisecond(floor).is_ok_and(|floor| floor >= time);
    if exact {
        floor
    } else {
        floor.saturating_add(1)
    }
}

/// A row being read: knows what to call itself when something does not fit.
pub(crate) struct Reading<'a> {
    pub(crate) table: &'static str,
    pub(crate) id: String,
    pub(crate) row: &'a Row,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(table: &'static str, id: impl Display, row: &'a Row) -> Self {
        Self {
            table,
            id: id.to_string(),
            row,
        }
    }

    /// The error for a column of this row.
    pub(crate) fn bad(
        &self,
        column: &'static str,
        source: Option<Box<dyn Error + Send + Sync>>,
    ) -> BadRow {
        BadRow {
            table: self.table,
            id: self.id.clone(),
            column,
            source,
        }
    }

    /// A column as it stands.
    pub(crate) fn get<T>(&self, column: &'static str) -> Result<T, BadRow>
    where
        T: Column<'a>,
    {
        self.row
            .get(column)
            .map_err(|error| self.bad(column, Some(error.into())))
    }

    /// A column through a fallible constructor.
    pub(crate) fn parse<T, S, E>(
        &self,
        column: &'static str,
        parse: impl FnOnce(S) -> Result<T, E>,
    ) -> Result<T, BadRow>
    where
        S: Column<'a>,
        E: Error + Send + Sync + 'static,
    {
        parse(self.get(column)?).map_err(|error| self.bad(column, Some(error.into())))
    }

    /// A time.
    pub(crate) fn time(&self, column: &'static str) -> Result<Timestamp, BadRow> {
        self.parse(column, Timestamp::from_millisecond)
    }

    /// A time, or nothing.
    pub(crate) fn maybe_time(&self, column: &'static str) -> Result<Option<Timestamp>, BadRow> {
        let Some(millis) = self.get::<Option<i64>>(column)? else {
            return Ok(None);
        };
        let time = Timestamp::from_millisecond(millis);
        time.map(Some)
            .map_err(|error| self.bad(column, Some(error.into())))
    }

    /// A count.
    pub(crate) fn count(&self, column: &'static str) -> Result<u32, BadRow> {
        self.parse(column, |count: i64| u32::try_from(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_up_is_never_early() {
        for (nanos, up) in [
            (0, 0),
            (1, 1),
            (999_999, 1),
            (1_000_000, 1),
            (-1, 0),
            (-1_000_000, -1),
        ] {
            let time = Timestamp::from_nanosecond(nanos).expect("in range");
            assert_eq!(millis_up(time), up, "{nanos} ns");
        }
    }
}
