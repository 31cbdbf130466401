//! The server as a process of its own, which can be killed, paused and measured.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use loggia_auth::service_auth::{Mint, mint};
use loggia_delivery::{Clock, SystemClock};
use loggia_server::chance;
use loggia_server::dev::{DevAccount, DevAccounts};
use loggia_syntax::Nsid;
use serde_json::Value;

use super::http;

/// How long a server may take to start: on a busy machine, with a database to recover.
const START: Duration = Duration::from_secs(60);

/// A server in a process of its own. Dropped, it is killed.
pub struct ServerProcess {
    /// Where it listens, also after a restart.
    pub port: u16,
    data: PathBuf,
    settings: Vec<(String, String)>,
    child: Child,
    client: reqwest::Client,
}

/// Somebody who calls a server, also after it was killed and started again.
#[derive(Clone)]
pub struct Caller {
    account: Arc<DevAccount>,
    port: u16,
    client: reqwest::Client,
}

impl ServerProcess {
    /// Starts a development server on this data, with these settings (`attempt_timeout_ms`), and
    /// waits until it answers and delivers.
    pub async fn start(data: &Path, settings: &[(&str, String)]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let settings: Vec<_> = settings
            .iter()
            .map(|(name, value)| (format!("LOGGIA_{}", name.to_uppercase()), value.clone()))
            .collect();
        let mut server = Self {
            port,
            child: spawn(data, port, &settings),
            data: data.to_owned(),
            settings,
            client: http(),
        };
        server.ready().await;
        server
    }

    /// Kills it without a warning (SIGKILL).
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Tells it to stop (SIGTERM) and waits until it has; its exit code.
    pub async fn stop(&mut self) -> Option<i32> {
        self.signal("TERM");
        let deadline = Instant::now() + START;
        loop {
            if let Some(ended) = self.child.try_wait().expect("its state can be asked for") {
                return ended.code();
            }
            assert!(
                Instant::now() < deadline,
                "it does not stop:\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What it says of its health.
    pub async fn health(&self) -> Value {
        let url = format!("http://127.0.0.1:{}/xrpc/_health", self.port);
        match self.client.get(&url).send().await {
            Ok(answer) => answer.json().await.unwrap_or_default(),
            Err(_) => Value::Null,
        }
    }

    /// Starts it again after [`ServerProcess::kill`], on the same data and port. Does not wait.
    pub fn spawn_again(&mut self) {
        self.child = spawn(&self.data, self.port, &self.settings);
    }

    /// Changes a setting for the next start.
    pub fn set(&mut self, name: &str, value: &str) {
        let name = format!("LOGGIA_{}", name.to_uppercase());
        self.settings.push((name, value.to_owned()));
    }

    /// Sends it a signal, such as `STOP` and `CONT`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &pid])
            .status()
            .expect("there is a shell");
        assert!(sent.success(), "{name} to {pid}");
    }

    /// Waits until it answers and delivers.
    pub async fn ready(&mut self) {
        let url = format!("http://127.0.0.1:{}/xrpc/_health", self.port);
        let deadline = Instant::now() + START;
        loop {
            if let Ok(answer) = self.client.get(&url).send().await {
                let body: Value = answer.json().await.unwrap_or_default();
                // Whether its record streams can be read is up to others, and asked after all else.
                let streams = body["message"] == "record streams does not work";
                if body["delivery"]["running"] == true || streams {
                    return;
                }
            }
            let ended = self.child.try_wait().expect("its state can be asked for");
            assert!(ended.is_none(), "it ended, {ended:?}:\n{}", self.log());
            assert!(
                Instant::now() < deadline,
                "it does not start:\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The end of its log.
    pub fn log(&self) -> String {
        let log = std::fs::read_to_string(self.data.join("log")).expect("it has a log");
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Somebody with a development account, made if it is not there.
    pub fn caller(&self, name: &str) -> Caller {
        let accounts = DevAccounts::new(&self.data, self.port);
        Caller {
            account: Arc::new(accounts.create(name, chance::bytes).expect("an account")),
            port: self.port,
            client: self.client.clone(),
        }
    }

    /// The most memory that it has held so far, in KiB.
    pub fn peak_memory(&self) -> u64 {
        let status = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(status).expect("Linux says it there");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.trim().strip_suffix("kB"));
        number
            .and_then(|number| number.trim().parse().ok())
            .expect("a number of KiB")
    }
}

impl Caller {
    /// Who it is.
    pub fn did(&self) -> &str {
        self.account.did.as_str()
    }

    /// Calls a procedure: status and body, or why there is no answer.
    pub async fn procedure(
        &self,
        nsid: &str,
        input: &Value,
    ) -> Result<(u16, Value), reqwest::Error> {
        self.procedure_with(&self.token(nsid), nsid, input).await
    }

    /// The same with a token that there is already.
    pub async fn procedure_with(
        &self,
        token: &str,
        nsid: &str,
        input: &Value,
    ) -> Result<(u16, Value), reqwest::Error> {
        let url = format!("http://127.0.0.1:{}/xrpc/{nsid}", self.port);
        let sent = self.client.post(url).bearer_auth(token).json(input);
        let answer = sent.send().await?;
        Ok((answer.status().as_u16(), answer.json().await?))
    }

    /// A token for one call of a method.
    pub fn token(&self, nsid: &str) -> String {
        let method = Nsid::new(nsid).expect("an NSID");
        let token = Mint {
            issuer: &self.account.did,
            audience: &format!("did:web:localhost%3A{}", self.port),
            method: &method,
            now: SystemClock.now(),
            lifetime: 60,
            id: chance::bytes(),
        };
        mint(&self.account.key, &token).expect("a token")
    }
}

fn spawn(data: &Path, port: u16, settings: &[(String, String)]) -> Child {
    let log = File::options()
        .create(true)
        .append(true)
        .open(data.join("log"))
        .expect("a log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_loggia-under-test"));
    // What the developer's own environment says about a server is of no concern here.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LOGGIA_") {
            command.env_remove(name);
        }
    }
    command
        .env("LOGGIA_BIND", format!("127.0.0.1:{port}"))
        .env("LOGGIA_DATA", data)
        .env("LOGGIA_REQUESTS_PER_MINUTE", "10000000")
        .envs(settings.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("it starts")
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have ended on its own; then there is nothing to kill.
        self.child.kill().unwrap_or_default();
        self.child.wait().expect("it ends");
    }
}
