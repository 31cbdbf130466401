//! Where a store is kept: a file of this machine, or a PostgreSQL server.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

/// Where a store is kept. Shown without the password.
#[derive(Clone)]
pub struct Location(pub(crate) Place);

#[derive(Clone)]
pub(crate) enum Place {
    File(PathBuf, Synchronous),
    Postgres(Box<PgConnectOptions>),
}

/// When a commit to an SQLite file counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// When it is on the disk: what was acknowledged survives a loss of power.
    #[default]
    Full,
    /// When the system has it: faster, survives the death of the process, and may lose the last
    /// commits with the power.
    Normal,
}

/// A text that is neither `full` nor `normal`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be `full` or `normal`")]
pub struct InvalidSynchronous;

impl FromStr for Synchronous {
    type Err = InvalidSynchronous;

    fn from_str(text: &str) -> Result<Self, InvalidSynchronous> {
        match text {
            "full" => Ok(Self::Full),
            "normal" => Ok(Self::Normal),
            _ => Err(InvalidSynchronous),
        }
    }
}

impl fmt::Display for Synchronous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "full",
            Self::Normal => "normal",
        })
    }
}

/// A text that names no PostgreSQL database. Does not repeat the text, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum InvalidLocation {
    /// It begins otherwise.
    #[error("a database is named by a URL that begins with postgres:// or postgresql://")]
    Scheme,
    /// The rest of it.
    #[error("the URL of the database cannot be read")]
    Url(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No database is named.
    #[error("the URL names no database: postgres://user@host/database")]
    NoDatabase,
}

impl Location {
    /// An SQLite file. Its folder must exist.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Place::File(path.into(), Synchronous::Full))
    }

    /// The same, with commits to an SQLite file done in this way; PostgreSQL has a setting of its own.
    #[must_use]
    pub fn synchronous(self, synchronous: Synchronous) -> Self {
        match self.0 {
            Place::File(path, _) => Self(Place::File(path, synchronous)),
            Place::Postgres(_) => self,
        }
    }

    /// The SQLite file, if it is one.
    pub fn as_file(&self) -> Option<&Path> {
        match &self.0 {
            Place::File(path, _) => Some(path),
            Place::Postgres(_) => None,
        }
    }

    /// Whether several processes may have the store open at once.
    pub fn is_shared(&self) -> bool {
        matches!(self.0, Place::Postgres(_))
    }
}

impl FromStr for Location {
    type Err = InvalidLocation;

    /// Reads `postgres://user:password@host:port/database?…`, with the parameters that libpq knows.
    fn from_str(text: &str) -> Result<Self, InvalidLocation> {
        if !["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| text.starts_with(scheme))
        {
            return Err(InvalidLocation::Scheme);
        }
        let options: PgConnectOptions = text.parse().map_err(|error: sqlx::Error| match error {
            sqlx::Error::Configuration(source) => InvalidLocation::Url(source),
            other => InvalidLocation::Url(other.into()),
        })?;
        match options.get_database() {
            Some(name) if !name.is_empty() => Ok(Self(Place::Postgres(Box::new(options)))),
            _ => Err(InvalidLocation::NoDatabase),
        }
    }
}

impl From<&Path> for Location {
    fn from(path: &Path) -> Self {
        Self::file(path)
    }
}

impl From<PathBuf> for Location {
    fn from(path: PathBuf) -> Self {
        Self::file(path)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::File(path, _) => write!(f, "{}", path.display()),
            Place::Postgres(options) => {
                let database = options.get_database().unwrap_or_default();
                match options.get_socket() {
                    Some(socket) => write!(f, "{database} on {}", socket.display()),
                    None => write!(
                        f,
                        "{database} on {}:{}",
                        options.get_host(),
                        options.get_port()
                    ),
                }
            }
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_never_shown() {
        let location: Location = "postgres://anna:hush%21@db.example.com:5433/loggia"
            .parse()
            .expect("is one");
        for shown in [location.to_string(), format!("{location:?}")] {
            assert!(shown.contains("loggia on db.example.com:5433"), "{shown}");
            assert!(!shown.contains("hush"), "{shown}");
        }
    }

    #[test]
    fn what_names_no_database_is_refused_without_repeating_it() {
        for text in [
            "mysql://a:hush@b/c",
            "postgres://a:hush@b:port/c",
            "postgres://a:hush@b?sslmode=hush",
            "postgres://",
            "hush",
            "",
        ] {
            let error = text.parse::<Location>().expect_err(text);
            assert!(!error.to_string().contains("hush"), "{error}");
        }
    }
}
