//! The connection that writes an SQLite file. Its statements are executed on the thread that asks for
//! them: a way to another thread and back would take longer than most of them, and a transaction has many.

use std::borrow::Cow;
use std::error::Error;
use std::ffi::CStr;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::types::{ToSqlOutput, Value as Cell, ValueRef};
use rusqlite::{CachedStatement, ErrorCode, OpenFlags, ffi};
use sqlx::error::{DatabaseError, ErrorKind};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

use super::Value;
use super::row::Position;

/// A statement that takes longer is logged.
const SLOW: Duration = Duration::from_secs(1);

/// An open connection.
#[derive(Debug)]
pub(crate) struct Inline {
    connection: rusqlite::Connection,
    patience: Duration,
}

/// How long the statements of a transaction take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// Some may be long: other tasks of their thread go to another one before.
    Any,
    /// Each is over in about a millisecond.
    Brief,
}

impl Length {
    /// Does what takes so long.
    pub(super) fn run<T>(self, work: impl FnOnce() -> T) -> T {
        let many = || {
            let runtime = Handle::try_current();
            runtime.is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
        };
        if self == Self::Any && many() {
            block_in_place(work)
        } else {
            work()
        }
    }
}

/// A row of an answer.
#[derive(Debug)]
pub(crate) struct InlineRow {
    names: Arc<[Box<str>]>,
    cells: Vec<Cell>,
}

impl Inline {
    /// Opens a file that there is. Keeps so many prepared `statements`, and waits so long for another
    /// process that writes.
    pub(crate) fn open(
        path: &Path,
        vfs: Option<&CStr>,
        statements: usize,
        patience: Duration,
    ) -> Result<Self, sqlx::Error> {
        // Whoever uses it has it alone.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match vfs {
            None => rusqlite::Connection::open_with_flags(path, flags),
            Some(vfs) => rusqlite::Connection::open_with_flags_and_vfs(path, flags, vfs),
        };
        let connection = connection.map_err(failed)?;
        connection.set_prepared_statement_cache_capacity(statements);
        connection.busy_timeout(patience).map_err(failed)?;
        Ok(Self {
            connection,
            patience,
        })
    }

    /// Begins a transaction that writes, unless another process is in one; whether it did.
    pub(crate) fn begin_now(&self) -> Result<bool, sqlx::Error> {
        self.connection
            .busy_timeout(Duration::ZERO)
            .map_err(failed)?;
        let begun = self.connection.execute_batch("BEGIN IMMEDIATE");
        self.connection
            .busy_timeout(self.patience)
            .map_err(failed)?;
        match begun {
            Ok(()) => Ok(true),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }

    /// Whether it is within a transaction.
    pub(crate) fn is_in_transaction(&self) -> bool {
        !self.connection.is_autocommit()
    }

    /// Runs statements that have no parameters and of whose answers nobody wants to know.
    pub(crate) fn run(&self, statements: &str) -> Result<(), sqlx::Error> {
        self.connection.execute_batch(statements).map_err(failed)
    }

    /// The id of the row that was inserted last.
    pub(crate) fn last_id(&self) -> i64 {
        self.connection.last_insert_rowid()
    }

    /// Executes a statement; how many rows it wrote.
    pub(super) fn execute(&mut self, text: &str, values: &[Value<'_>]) -> Result<u64, sqlx::Error> {
        let _watch = Watch::over(text);
        let mut statement = self.prepare(text, values)?;
        let mut rows = statement.raw_query();
        while rows.next().map_err(failed)?.is_some() {}
        Ok(self.connection.changes())
    }

    /// The first rows of a statement's answer.
    pub(crate) fn fetch(
        &mut self,
        text: &str,
        values: &[Value<'_>],
        most: usize,
    ) -> Result<Vec<InlineRow>, sqlx::Error> {
        let _watch = Watch::over(text);
        let mut statement = self.prepare(text, values)?;
        let names: Arc<[Box<str>]> = statement
            .column_names()
            .into_iter()
            .map(Box::from)
            .collect();
        let mut rows = statement.raw_query();
        let mut all = Vec::new();
        while all.len() < most
            && let Some(row) = rows.next().map_err(failed)?
        {
            let cells = (0..names.len()).map(|at| row.get::<_, Cell>(at));
            all.push(InlineRow {
                names: Arc::clone(&names),
                cells: cells.collect::<Result<_, _>>().map_err(failed)?,
            });
        }
        Ok(all)
    }

    /// A statement with its parameters. Those without a name are taken in their order.
    fn prepare(
        &self,
        text: &str,
        values: &[Value<'_>],
    ) -> Result<CachedStatement<'_>, sqlx::Error> {
        let mut statement = self.connection.prepare_cached(text).map_err(failed)?;
        for at in 1..=statement.parameter_count() {
            let number = match statement.parameter_name(at) {
                None => Some(at),
                Some(name) => name
                    .strip_prefix('$')
                    .and_then(|number| number.parse().ok()),
            };
            let value = number.and_then(|number: usize| values.get(number.checked_sub(1)?));
            let value = value.ok_or_else(|| {
                sqlx::Error::Protocol(format!("parameter {at} has no value in: {text}"))
            })?;
            let value = ToSqlOutput::Borrowed(borrowed(value)?);
            statement.raw_bind_parameter(at, value).map_err(failed)?;
        }
        Ok(statement)
    }
}

/// Logs a statement that was slow, once it is dropped.
struct Watch<'t> {
    text: &'t str,
    begun: Instant,
}

impl<'t> Watch<'t> {
    fn over(text: &'t str) -> Self {
        Self {
            text,
            begun: Instant::now(),
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let (text, took) = (self.text, self.begun.elapsed());
        if took >= SLOW {
            tracing::warn!(?took, text, "a statement was slow");
        }
    }
}

impl InlineRow {
    /// The value of a column, unless it is null.
    pub(crate) fn get<'r, T: OfCell<'r>>(
        &'r self,
        at: impl Position,
    ) -> Result<Option<T>, sqlx::Error> {
        let place = at.among(&self.names).ok_or_else(|| {
            sqlx::Error::ColumnNotFound(format!("one of {}", self.names.join(", ")))
        })?;
        match &self.cells[place] {
            Cell::Null => Ok(None),
            cell => {
                let wrong = || {
                    let found = cell.data_type();
                    let name = &self.names[place];
                    sqlx::Error::Decode(format!("column {name} has another type: {found}").into())
                };
                T::of(cell).ok_or_else(wrong).map(Some)
            }
        }
    }
}

/// What a cell that is not null can be read as.
pub(crate) trait OfCell<'r>: Sized {
    fn of(cell: &'r Cell) -> Option<Self>;
}

impl OfCell<'_> for i64 {
    fn of(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Integer(number) => Some(*number),
            _ => None,
        }
    }
}

impl<'r> OfCell<'r> for &'r str {
    fn of(cell: &'r Cell) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl<'r> OfCell<'r> for &'r [u8] {
    fn of(cell: &'r Cell) -> Option<Self> {
        match cell {
            Cell::Blob(bytes) => Some(bytes),
            Cell::Text(text) => Some(text.as_bytes()),
            _ => None,
        }
    }
}

impl OfCell<'_> for String {
    fn of(cell: &Cell) -> Option<Self> {
        <&str>::of(cell).map(str::to_owned)
    }
}

impl OfCell<'_> for Vec<u8> {
    fn of(cell: &Cell) -> Option<Self> {
        <&[u8]>::of(cell).map(<[u8]>::to_owned)
    }
}

fn borrowed<'v>(value: &'v Value<'_>) -> Result<ValueRef<'v>, sqlx::Error> {
    Ok(match value {
        Value::Integer(None) | Value::Text(None) | Value::Blob(None) => ValueRef::Null,
        Value::Integer(Some(number)) => ValueRef::Integer(*number),
        Value::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
        Value::Blob(Some(bytes)) => ValueRef::Blob(bytes),
        Value::Integers(_) | Value::Texts(_) | Value::Blobs(_) => {
            return Err(sqlx::Error::Encode("SQLite has no lists".into()));
        }
    })
}

/// What SQLite says, as any other error of a database.
#[derive(Debug)]
struct Failure {
    code: i32,
    message: String,
}

fn failed(error: rusqlite::Error) -> sqlx::Error {
    match error {
        rusqlite::Error::SqliteFailure(ffi::Error { extended_code, .. }, message) => {
            let message = message.unwrap_or_else(|| ffi::code_to_str(extended_code).to_owned());
            sqlx::Error::Database(Box::new(Failure {
                code: extended_code,
                message,
            }))
        }
        other => sqlx::Error::Protocol(other.to_string()),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(code: {}) {}", self.code, self.message)
    }
}

impl Error for Failure {}

impl DatabaseError for Failure {
    fn message(&self) -> &str {
        &self.message
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.code.to_string().into())
    }

    fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}
