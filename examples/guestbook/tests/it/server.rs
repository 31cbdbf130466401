//! A running guestbook, and as much of an HTTP client as its tests need.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use crate::visitor::Visitor;

/// Who the guestbook is, wherever it listens.
pub const GUESTBOOK: &str = "did:web:localhost%3A3000";

/// The guestbook on a port of its own; stopped when dropped.
pub struct Guestbook {
    child: Child,
    address: String,
}

/// The method that erases.
pub const ERASE: &str = "com.example.guestbook.erase";

/// The method that signs it.
pub const SIGN: &str = "com.example.guestbook.sign";

/// A whole answer.
pub struct Answer {
    pub status: u16,
    pub body: String,
    /// What proofs must carry from now on.
    pub nonce: Option<String>,
}

/// An input of `sign`.
pub fn entry(author: &str, text: &str) -> String {
    format!(
        r#"{{"entry": {{"$type": "com.example.guestbook.entry", "author": "{author}", "text": "{text}",
            "createdAt": "2026-01-31T12:00:00.000Z"}}}}"#
    )
}

impl Guestbook {
    /// Starts one and waits until it listens.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with more in its environment.
    pub fn start_with(environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_guestbook"))
            .arg("127.0.0.1:0")
            .env("GUESTBOOK_DID", GUESTBOOK)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary was built for this test");
        let stdout = child.stdout.take().expect("piped above");
        let line = BufReader::new(stdout).lines().next();
        let line = line.expect("a line once it listens").expect("text");
        let address = line.split_once("http://").expect("a URL").1.to_owned();
        Self { child, address }
    }

    /// Ends it; what it has said for whoever runs it.
    pub fn log(mut self) -> String {
        self.child.kill().expect("it runs");
        let mut log = String::new();
        let stderr = self.child.stderr.take().expect("piped above");
        BufReader::new(stderr)
            .read_to_string(&mut log)
            .expect("text");
        log
    }

    pub fn get(&self, method: &str) -> Answer {
        self.exchange(&format!(
            "GET /xrpc/{method} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        ))
    }

    /// Calls a procedure without saying who calls.
    pub fn post(&self, method: &str, json: &str) -> Answer {
        self.post_with(method, json, "")
    }

    /// Signs the book as this visitor.
    pub fn sign(&self, visitor: &Visitor, json: &str) -> Answer {
        let bearer = visitor.bearer(SIGN);
        self.post_with(SIGN, json, &format!("authorization: {bearer}\r\n"))
    }

    /// The same with these header lines.
    pub fn post_with(&self, method: &str, json: &str, headers: &str) -> Answer {
        self.exchange(&format!(
            "POST /xrpc/{method} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{json}",
            json.len(),
        ))
    }

    fn exchange(&self, request: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).expect("it listens");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .expect("an answer until the end");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let nonce = head
            .lines()
            .find_map(|line| line.strip_prefix("dpop-nonce: "));
        Answer {
            status: status.expect("a status"),
            body: body.to_owned(),
            nonce: nonce.map(str::to_owned),
        }
    }
}

impl Drop for Guestbook {
    fn drop(&mut self) {
        self.child.kill().expect("it runs, or is not forgotten yet");
        self.child.wait().expect("it ends");
    }
}
