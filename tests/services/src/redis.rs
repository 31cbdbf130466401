//! Redis.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::TempDir;

use crate::leash::Leash;
use crate::program::{Program, User};
use crate::{REDIS, ServiceError};

const SERVER: Program = Program {
    name: "redis-server",
    package: "redis-server",
};
const USERS: &[&str] = &["redis", "nobody"];
/// How often, 20 ms apart, a server is asked whether it is there: 20 s.
pub(crate) const ASKED: usize = 1_000;
pub(crate) const PAUSE: Duration = Duration::from_millis(20);
/// Somebody else may take a free port before the server does.
pub(crate) const PORTS: usize = 5;

/// A Redis of one's own, in memory only.
pub struct Redis {
    running: Option<Leash>,
    folder: TempDir,
    user: User,
    port: u16,
    password: String,
}

impl Redis {
    /// The URL of the Redis for all tests. Channels and keys are shared: use names of your own.
    ///
    /// # Panics
    /// If there is none and none can be started.
    pub fn url() -> String {
        static OWN: OnceLock<Redis> = OnceLock::new();
        std::env::var(REDIS).unwrap_or_else(|_| {
            let own =
                OWN.get_or_init(|| Self::start().unwrap_or_else(|error| crate::give_up(&error)));
            own.own_url()
        })
    }

    /// Starts one.
    ///
    /// # Errors
    /// If there is no binary, or it does not run.
    pub fn start() -> Result<Self, ServiceError> {
        let user = User::of(SERVER.name, USERS)?;
        let folder = crate::folder(&user)?;
        let mut redis = Self {
            folder,
            user,
            port: 0,
            password: crate::password(),
            running: None,
        };
        for _ in 1..PORTS {
            redis.port = crate::free_port()?;
            if redis.resume().is_ok() {
                return Ok(redis);
            }
        }
        redis.port = crate::free_port()?;
        redis.resume()?;
        Ok(redis)
    }

    /// Its URL.
    pub fn own_url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}", self.password, self.port)
    }

    /// Ends it at once. Its port stays its own as far as nobody else takes it.
    ///
    /// # Errors
    /// If the process cannot be reached.
    pub fn stop(&mut self) -> Result<(), ServiceError> {
        let ended = self
            .running
            .take()
            .map_or(Ok(()), |leash| leash.end("KILL"));
        ended.map_err(ServiceError::io("stop", SERVER.name))
    }

    /// Starts it again after [`Redis::stop`], empty.
    ///
    /// # Errors
    /// If it does not run.
    pub fn resume(&mut self) -> Result<(), ServiceError> {
        let settings = self.folder.path().join("redis.conf");
        let text = format!(
            "bind 127.0.0.1\nport {}\nrequirepass {}\nsave \"\"\nappendonly no\ndir {}\n",
            self.port,
            self.password,
            self.folder.path().display()
        );
        std::fs::write(&settings, text).map_err(ServiceError::io("write", &settings))?;
        self.user.own(&settings)?;
        let mut command = self.user.command(SERVER.path()?);
        command.arg(&settings);
        let log = self.folder.path().join("log");
        let leash = Leash::start(&command, self.folder.path(), "KILL", &log)?;
        for _ in 0..ASKED {
            if !leash.runs() {
                break;
            }
            if self.answers() {
                self.running = Some(leash);
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
        let log = crate::tail(&log);
        leash
            .end("KILL")
            .map_err(ServiceError::io("stop", SERVER.name))?;
        Err(ServiceError::Silent {
            server: "Redis",
            log,
        })
    }

    /// Whether it is this one that answers: it takes the password.
    fn answers(&self) -> bool {
        let asked = || {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
            stream.set_read_timeout(Some(Duration::from_secs(1)))?;
            stream.write_all(format!("AUTH {}\r\n", self.password).as_bytes())?;
            let mut answer = [0; 3];
            stream.read_exact(&mut answer)?;
            std::io::Result::Ok(&answer == b"+OK")
        };
        asked().unwrap_or(false)
    }
}
