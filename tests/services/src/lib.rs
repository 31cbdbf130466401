//! A throwaway PostgreSQL and Redis for tests: from binaries on the machine, or from apt as root on
//! Debian; on loopback, with a password, with data that is gone afterwards.
//!
//! Tests ask for [`Postgres::database`] and [`Redis::url`]. `cargo xtask test` starts one server of
//! each and says where in [`POSTGRES`] and [`REDIS`]; without these variables a test process starts
//! its own. Nothing is ever skipped: what cannot be started is a panic that says what to install.
//!
//! A server ends with the process that started it, however that ends.

mod leash;
mod postgres;
mod program;
mod redis;

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::{io, process};

pub use postgres::{Durability, Postgres};
pub use redis::Redis;
use tempfile::TempDir;

/// The variable with the URL of a running PostgreSQL, of somebody who may create databases there.
pub const POSTGRES: &str = "LOGGIA_TEST_POSTGRES";

/// The variable with the URL of a running Redis.
pub const REDIS: &str = "LOGGIA_TEST_REDIS";

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Its binary is nowhere, and cannot be installed.
    #[error("there is no `{program}`: install the package `{package}`")]
    Missing {
        /// The binary.
        program: &'static str,
        /// Debian's package that has it.
        package: &'static str,
        /// Why it was not installed by itself.
        #[source]
        source: Box<ServiceError>,
    },
    /// Only root on Debian can install it.
    #[error("only root on Debian, with apt-get, installs it by itself")]
    NotDebian,
    /// Neither this user, being root, nor another can run it.
    #[error("`{program}` does not run as root, and there is none of the users {users}")]
    Users {
        /// The binary.
        program: &'static str,
        /// Who was looked for.
        users: String,
    },
    /// A program failed.
    #[error("`{program}` ended with {status}: {output}")]
    Failed {
        /// The program.
        program: String,
        /// How it ended.
        status: process::ExitStatus,
        /// What it said.
        output: String,
    },
    /// A server ended, or did not answer in time.
    #[error("{server} does not answer; its log says: {log}")]
    Silent {
        /// The server.
        server: &'static str,
        /// The end of its log.
        log: String,
    },
    /// A file or process could not be made or used.
    #[error("cannot {doing} `{}`", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl ServiceError {
    fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }
}

/// What a test says that cannot have its server.
fn give_up(error: &ServiceError) -> ! {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    panic!("{text}")
}

/// A new folder that a server may live in. Below the system's folder for such, because others than
/// root may not be able to reach the build's.
fn folder(user: &program::User) -> Result<TempDir, ServiceError> {
    let made = tempfile::Builder::new().prefix("loggia-").tempdir();
    let folder = made.map_err(ServiceError::io("make a folder in", std::env::temp_dir()))?;
    user.own(folder.path())?;
    Ok(folder)
}

fn password() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// A port of loopback where nobody listens just now.
fn free_port() -> Result<u16, ServiceError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    Ok(address
        .map_err(ServiceError::io("find a free port of", "127.0.0.1"))?
        .port())
}

/// The end of a log.
fn tail(log: &Path) -> String {
    /// Enough for a reason, not for a history.
    const LINES: usize = 12;
    let text = match std::fs::read(log) {
        Ok(text) => text,
        Err(error) => return format!("(no log: {error})"),
    };
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
