//! What may go wrong with the store. Always internal: nothing of it is a caller's business.

use std::error::Error;

use loggia_delivery::EndpointId;

/// The store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The database could not be opened.
    #[error("the database {database} cannot be opened")]
    Open {
        /// Which file, or which database on which host.
        database: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// The tables could not be brought up to date.
    #[error("the database cannot be migrated")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// The tables are not those of this program.
    #[error(
        "the database belongs to another version of loggia, and a running server has it open: use \
         the program that serves, or stop the server"
    )]
    OtherVersion,
    /// The database was made under another master key.
    #[error("the master key is not the one that this database was made with")]
    WrongKey,
    /// Others have the store open, and what was asked for is for one alone.
    #[error("{0} other nodes use this database: stop them first")]
    InUse(i64),
    /// A statement failed.
    #[error("cannot {doing}")]
    Sql {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: sqlx::Error,
    },
    /// A row fits no state that this program knows.
    #[error(transparent)]
    BadRow(#[from] BadRow),
    /// There is no such endpoint.
    #[error("there is no endpoint {0}")]
    NoEndpoint(EndpointId),
    /// A webhook's URL is none that deliveries can go to.
    #[error("the URL of a webhook cannot be used")]
    Target(#[source] loggia_delivery::InvalidTarget),
    /// A notification is over the size limit.
    #[error("cannot enqueue a notification")]
    TooLarge(#[source] loggia_delivery::BodyTooLarge),
}

/// A row that fits no state: written by a newer program, or by hand.
#[derive(Debug, thiserror::Error)]
#[error("row {id} of table {table} has an unusable {column}")]
pub struct BadRow {
    /// Which table.
    pub table: &'static str,
    /// Which row, as text.
    pub id: String,
    /// Which column.
    pub column: &'static str,
    /// Why it is unusable, if there is more to say.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl StorageError {
    /// For `map_err`: says which database was being opened.
    pub(crate) fn opening(database: &str) -> impl FnOnce(sqlx::Error) -> Self {
        let database = database.to_owned();
        move |source| Self::Open { database, source }
    }

    /// Whether another transaction stood in the way, and the same once more may succeed: a deadlock
    /// or a failed serialization of PostgreSQL, or a row that somebody began to refer to while it
    /// was being deleted.
    pub fn is_conflict(&self) -> bool {
        let Self::Sql { source, .. } = self else {
            return false;
        };
        let code = source.as_database_error().and_then(|error| error.code());
        code.is_some_and(|code| matches!(&*code, "40001" | "40P01" | "23503"))
    }

    /// Whether the database is away, full or too busy, so that the same may succeed later.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Sql { source, .. } | Self::Open { source, .. } => is_outage(source),
            _ => false,
        }
    }

    /// For `map_err`: says what was being done.
    pub(crate) fn doing(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Sql { doing, source }
    }
}

fn is_outage(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| is_outage_code(&code)),
        _ => false,
    }
}

/// PostgreSQL's five characters begin with a class: 08 connection lost, 53 no resources (a full disk,
/// too many connections), 57P an operator stops it; 55P03 and 57014 are its time limits. SQLite has a
/// number whose low byte counts: 5 busy, 10 input or output failed, 13 the disk is full.
fn is_outage_code(code: &str) -> bool {
    if code.len() == 5 {
        return ["08", "53", "57P"]
            .iter()
            .any(|class| code.starts_with(class))
            || matches!(code, "55P03" | "57014");
    }
    let code = code.parse::<u32>().map(|code| code & 0xff);
    matches!(code, Ok(5 | 10 | 13))
}

/// Counts how often the same was tried that another transaction stood in the way of.
#[derive(Default)]
pub(crate) struct Tries(u32);

impl Tries {
    /// More would only add to whatever is in the way.
    const MOST: u32 = 5;

    /// Whether it is worth trying again, from the start.
    pub(crate) fn again<T>(&mut self, done: &Result<T, StorageError>) -> bool {
        self.again_after(done.as_ref().is_err_and(StorageError::is_conflict))
    }

    /// The same where it is known whether another transaction stood in the way.
    pub(crate) fn again_after(&mut self, was_conflict: bool) -> bool {
        self.0 += 1;
        was_conflict && self.0 < Self::MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_from_a_mistake() {
        for code in [
            "08006", "53100", "53300", "57P01", "55P03", "5", "261", "13", "778",
        ] {
            assert!(is_outage_code(code), "{code}");
        }
        for code in ["23505", "42601", "57000", "1", "19", "2067", ""] {
            assert!(!is_outage_code(code), "{code}");
        }
        let failed = |source| StorageError::Sql {
            doing: "look",
            source,
        };
        assert!(failed(sqlx::Error::PoolTimedOut).is_outage());
        assert!(!failed(sqlx::Error::RowNotFound).is_outage());
        assert!(!StorageError::WrongKey.is_outage());
    }
}
