//! The program as child processes, which end with the test.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use reqwest::blocking::{Client, RequestBuilder};
use serde_json::Value;

/// Longer than the longest gap before a second retry, so that only what never comes fails.
const PATIENCE: Duration = Duration::from_secs(75);

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// `loggia serve`, ready.
pub struct Serving {
    pub port: u16,
    /// All that it said until it was ready.
    pub banner: String,
    data: PathBuf,
    child: Running,
    client: Client,
}

/// `loggia listen`, ready, or another command that goes on showing things.
pub struct Listening(Running);

/// A child process whose output is read line by line.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

fn loggia(data: &Path, port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loggia"));
    let address = format!("127.0.0.1:{port}");
    // What the developer's own environment says about a server is of no concern here.
    for (name, _) in std::env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("LOGGIA_"))
        {
            command.env_remove(name);
        }
    }
    command
        .env("LOGGIA_BIND", address)
        .env("LOGGIA_DATA", data)
        .env("LOGGIA_LOG", "warn");
    command
}

impl Serving {
    /// Starts a server and waits until it has said all that it says.
    pub fn start(data: &Path, port: u16) -> Self {
        Self::start_as(loggia(data, port), data, port)
    }

    /// Starts a server that logs a lot to a standard error that is closed.
    pub fn start_unheard(data: &Path, port: u16) -> Self {
        let mut command = loggia(data, port);
        command.env("LOGGIA_LOG", "trace").stderr(Stdio::piped());
        Self::start_as(command, data, port)
    }

    fn start_as(mut command: Command, data: &Path, port: u16) -> Self {
        let child = Running::start(command.arg("serve"));
        let banner = child.until("The README goes on from there.");
        // The choice of a second test is the same.
        rustls::crypto::ring::default_provider()
            .install_default()
            .unwrap_or_default();
        Self {
            port,
            banner,
            data: data.to_owned(),
            child,
            client: Client::new(),
        }
    }

    /// Runs another command with the same settings; what it prints.
    pub fn loggia(&self, args: &[&str]) -> String {
        let output = loggia(&self.data, self.port)
            .args(args)
            .output()
            .expect("it runs");
        assert!(output.status.success(), "loggia {args:?}: {output:?}");
        String::from_utf8(output.stdout)
            .expect("text")
            .trim_end()
            .to_owned()
    }

    /// Calls a procedure as alice.
    pub fn procedure(&self, nsid: &str, input: &Value) -> (u16, Value) {
        let token = self.loggia(&["dev", "token", "--lxm", nsid]);
        answer(
            self.client
                .post(self.url(nsid))
                .bearer_auth(token)
                .json(input),
        )
    }

    /// Calls a procedure as nobody.
    pub fn open_procedure(&self, nsid: &str, input: &Value) -> (u16, Value) {
        answer(self.client.post(self.url(nsid)).json(input))
    }

    /// Calls a query as alice.
    pub fn query(&self, nsid: &str) -> (u16, Value) {
        let token = self.loggia(&["dev", "token", "--lxm", nsid]);
        answer(self.client.get(self.url(nsid)).bearer_auth(token))
    }

    /// Runs another command with the same settings that does not end by itself.
    pub fn follow(&self, args: &[&str]) -> Listening {
        Listening(Running::start(loggia(&self.data, self.port).args(args)))
    }

    fn url(&self, nsid: &str) -> String {
        format!("http://127.0.0.1:{}/xrpc/{nsid}", self.port)
    }

    /// Kills it without any warning (SIGKILL); its port.
    pub fn kill(mut self) -> u16 {
        self.child.child.kill().expect("it runs");
        self.child.child.wait().expect("it ends");
        self.port
    }

    /// Asks it to stop (SIGTERM) and holds that it does so without an error.
    pub fn terminate(mut self) {
        let pid = self.child.child.id().to_string();
        let told = Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .expect("kill is there");
        assert!(told.success());
        let ended = self.child.child.wait().expect("it ends");
        assert!(ended.success(), "{ended}");
    }
}

fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().expect("the server answers");
    (response.status().as_u16(), response.json().expect("JSON"))
}

impl Listening {
    /// Starts a receiver and waits until it listens.
    pub fn start(port: u16, secret: &str) -> Self {
        Self::start_with(port, secret, &[])
    }

    /// Starts a receiver that behaves as these arguments say.
    pub fn start_with(port: u16, secret: &str, args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loggia"));
        command
            .args(["listen", "--port", &port.to_string(), "--secret", secret])
            .args(args);
        let child = Running::start(&mut command);
        child.until("listening on");
        Self(child)
    }

    /// All that it shows until a line that starts like this.
    pub fn until(&self, start: &str) -> String {
        self.0.until(start)
    }
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let stdout = child.stdout.take().expect("piped above");
        // A pipe that nobody reads: for a program that must go on when its log has gone.
        drop(child.stderr.take());
        let (sender, lines) = channel();
        std::thread::spawn(move || forward(stdout, |line| sender.send(line).is_ok()));
        Self { child, lines }
    }

    fn until(&self, start: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut text = String::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("no line `{start}…` came after:\n{text}"));
            text.push_str(&line);
            text.push('\n');
            if line.starts_with(start) {
                return text;
            }
        }
    }
}

/// Reads to the end even if nobody wants the lines, so that the child never waits.
fn forward(output: impl Read, mut send: impl FnMut(String) -> bool) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        send(line);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended on its own; then there is nothing to kill.
        self.child.kill().unwrap_or_default();
        self.child.wait().expect("it ends");
    }
}
