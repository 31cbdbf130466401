//! PostgreSQL.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;
use url::Url;
use uuid::Uuid;

use crate::leash::Leash;
use crate::program::{Program, User, run};
use crate::redis::{ASKED, PAUSE, PORTS};
use crate::{POSTGRES, ServiceError};

mod template;

const SERVER: Program = Program {
    name: "postgres",
    package: "postgresql",
};
const CLIENT: Program = Program {
    name: "psql",
    package: "postgresql-client",
};
const USERS: &[&str] = &["postgres", "nobody"];
/// The one account of a server.
const ACCOUNT: &str = "loggia";

/// Whether what was committed outlives the loss of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// It does, as in production: for measurements.
    Full,
    /// It outlives the end of the server alone, which is all that a test can try. Much faster.
    Process,
}

/// A PostgreSQL of one's own.
pub struct Postgres {
    running: Option<Leash>,
    folder: TempDir,
    user: User,
    port: u16,
    password: String,
    durability: Durability,
}

impl Postgres {
    /// The URL of a new, empty database in the PostgreSQL for all tests.
    ///
    /// # Panics
    /// If there is none and none can be started.
    pub async fn database() -> String {
        static OWN: OnceLock<Postgres> = OnceLock::new();
        let made = tokio::task::spawn_blocking(|| match std::env::var(POSTGRES) {
            Ok(url) => make_database(&url),
            Err(_) => OWN
                .get_or_init(|| {
                    Self::start(Durability::Process).unwrap_or_else(|error| crate::give_up(&error))
                })
                .own_database(),
        });
        let made = made.await.expect("its panic is this one's");
        made.unwrap_or_else(|error| crate::give_up(&error))
    }

    /// Starts one.
    ///
    /// # Errors
    /// If there is no binary, or it does not run.
    pub fn start(durability: Durability) -> Result<Self, ServiceError> {
        let user = User::of(SERVER.name, USERS)?;
        let server = SERVER.path()?;
        let folder = crate::folder(&user)?;
        let password = template::lay_out(&user, &server, folder.path())?;
        let mut postgres = Self {
            running: None,
            folder,
            user,
            port: 0,
            password,
            durability,
        };
        for _ in 1..PORTS {
            postgres.port = crate::free_port()?;
            if postgres.resume().is_ok() {
                return Ok(postgres);
            }
        }
        postgres.port = crate::free_port()?;
        postgres.resume()?;
        Ok(postgres)
    }

    /// The URL of the database that every server has, to make others from.
    pub fn own_url(&self) -> String {
        let Self { port, password, .. } = self;
        format!("postgres://{ACCOUNT}:{password}@127.0.0.1:{port}/postgres")
    }

    /// The URL of a new, empty database.
    ///
    /// # Errors
    /// If the server does not run.
    pub fn own_database(&self) -> Result<String, ServiceError> {
        make_database(&self.own_url())
    }

    /// The process id of the server, to look at how much memory and time it takes.
    pub fn process(&self) -> Option<u32> {
        self.running.as_ref().map(|leash| leash.server)
    }

    /// Stops it as an operator does: connections end, everything is written.
    ///
    /// # Errors
    /// If the process cannot be reached.
    pub fn stop(&mut self) -> Result<(), ServiceError> {
        self.end("INT")
    }

    /// Ends it as a crash does: at once; the next start recovers.
    ///
    /// # Errors
    /// If the process cannot be reached.
    pub fn crash(&mut self) -> Result<(), ServiceError> {
        self.end("QUIT")
    }

    fn end(&mut self, signal: &str) -> Result<(), ServiceError> {
        let ended = self
            .running
            .take()
            .map_or(Ok(()), |leash| leash.end(signal));
        ended.map_err(ServiceError::io("stop", SERVER.name))
    }

    /// Starts it again after [`Postgres::stop`] or [`Postgres::crash`], on the same port, with the
    /// same data.
    ///
    /// # Errors
    /// If it does not run, e.g. because somebody took the port meanwhile.
    pub fn resume(&mut self) -> Result<(), ServiceError> {
        let data = self.folder.path().join("data");
        let durable = if self.durability == Durability::Full {
            "on"
        } else {
            "off"
        };
        let mut command = self.user.command(SERVER.path()?);
        command
            .arg("-D")
            .arg(&data)
            .args(["-p", &self.port.to_string()]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "max_connections=300",
            "shared_buffers=64MB",
            "logging_collector=off",
            &format!("fsync={durable}"),
            &format!("full_page_writes={durable}"),
        ] {
            command.args(["-c", setting]);
        }
        let log = self.folder.path().join("log");
        let leash = Leash::start(&command, self.folder.path(), "QUIT", &log)?;
        let state = data.join("postmaster.pid");
        for _ in 0..ASKED {
            if !leash.runs() {
                break;
            }
            if is_ready(&state, leash.server) {
                self.running = Some(leash);
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
        let log = crate::tail(&log);
        leash
            .end("QUIT")
            .map_err(ServiceError::io("stop", SERVER.name))?;
        Err(ServiceError::Silent {
            server: "PostgreSQL",
            log,
        })
    }
}

/// What the server itself says: in the first line of this file its process, in the last its state.
fn is_ready(state: &Path, server: u32) -> bool {
    let Ok(text) = std::fs::read_to_string(state) else {
        return false;
    };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.first().and_then(|line| line.parse().ok()) == Some(server)
        && lines.get(7) == Some(&"ready")
}

/// A new database beside the one of this URL.
fn make_database(url: &str) -> Result<String, ServiceError> {
    let invalid =
        |error| ServiceError::io("read the URL in", POSTGRES)(std::io::Error::other(error));
    let mut url = Url::parse(url).map_err(invalid)?;
    let name = format!("loggia_test_{}", Uuid::new_v4().simple());
    run(client(&url)?.args(["-qXAt", "-c", &format!("CREATE DATABASE {name}")]))?;
    url.set_path(&name);
    Ok(url.into())
}

/// The client, told where to go by variables: arguments can be read by everybody.
fn client(url: &Url) -> Result<Command, ServiceError> {
    let path: PathBuf = CLIENT.path()?;
    let mut client = Command::new(path);
    client
        .env("PGHOST", url.host_str().unwrap_or_default())
        .env("PGPORT", url.port().unwrap_or(5432).to_string())
        .env("PGUSER", url.username())
        .env("PGPASSWORD", url.password().unwrap_or_default())
        .env("PGDATABASE", url.path().trim_start_matches('/'));
    Ok(client)
}
