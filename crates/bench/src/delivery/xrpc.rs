//! A whole server in a process of its own, called over 64 connections.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream as Blocking};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use loggia_auth::service_auth::{Mint, mint};
use loggia_delivery::{Clock as _, SystemClock};
use loggia_server::chance;
use loggia_server::config::Config;
use loggia_server::dev::{DevAccount, DevAccounts};
use loggia_syntax::Nsid;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::child::{self, Measured};
use super::clock;

/// Connections that call at once.
const CONNECTIONS: usize = 64;
const WRITE: &str = "com.atproto.space.notifyWrite";
const REGISTER: &str = "com.atproto.space.registerNotify";

/// Runs as the measured process: `loggia serve`.
pub fn run() {
    child::end_with_the_parent();
    let config = Config::load(None, std::env::vars()).expect("the settings are right");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be started");
    let served = runtime.block_on(loggia_server::serve(config, |_| {}));
    served.expect("it serves");
}

/// A server that runs, and somebody who may call it.
pub struct Served {
    /// The measured process.
    pub process: Measured,
    port: u16,
    account: DevAccount,
    runtime: Runtime,
    variables: Vec<(String, String)>,
    numbers: u64,
}

/// What calling it showed.
pub struct Called {
    /// When the first call was made.
    pub begun: u64,
    /// How long it took until the last one was acknowledged, in seconds.
    pub seconds: f64,
    /// Which number was acknowledged when.
    pub acknowledged: HashMap<u64, u64>,
}

impl Served {
    /// Starts a server on this folder, with these settings beside the usual.
    pub fn start(data: &Path, settings: &[(&str, String)]) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let usual = [
            ("LOGGIA_BIND", format!("127.0.0.1:{port}")),
            ("LOGGIA_DATA", data.display().to_string()),
            ("LOGGIA_REQUESTS_PER_MINUTE", "100000000".to_owned()),
            ("LOGGIA_USED_TOKENS_KEPT", "10000000".to_owned()),
        ];
        let all = usual.iter().chain(settings);
        let variables: Vec<_> = all
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        let accounts = DevAccounts::new(data, port);
        let served = Self {
            process: Measured::start("__serve", &variables),
            port,
            account: accounts.create("alice", chance::bytes).expect("an account"),
            runtime: Runtime::new().expect("a runtime can be started"),
            variables,
            numbers: 0,
        };
        served.wait();
        served
    }

    /// Starts it again after it was killed; waits for nothing.
    pub fn start_again(&mut self) {
        self.process = Measured::start("__serve", &self.variables);
    }

    /// Waits until it answers and delivers.
    pub fn wait(&self) {
        let ready = || -> Option<bool> {
            let mut stream = Blocking::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
            let request = "GET /xrpc/_health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
            stream.write_all(request.as_bytes()).ok()?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).ok()?;
            Some(answer.contains("\"running\":true"))
        };
        while ready() != Some(true) {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Registers an endpoint for the space of this number.
    pub fn register(&self, space: usize, url: &str) {
        self.register_for(&self.space(space), url);
    }

    /// Registers an endpoint for a space.
    pub fn register_for(&self, space: &str, url: &str) {
        let input = serde_json::json!({
            "space": space,
            "serviceDid": "did:web:feed.example.com",
            "endpoint": url,
        });
        let mut stream = self.connect();
        let request = self.request(REGISTER, &input.to_string());
        stream.write_all(&request).expect("it reads");
        let mut start = [0; 15];
        stream.read_exact(&mut start).expect("it answers");
        assert_eq!(&start, b"HTTP/1.1 200 OK", "it registers");
    }

    fn connect(&self) -> Blocking {
        Blocking::connect((Ipv4Addr::LOCALHOST, self.port)).expect("the server listens")
    }

    /// Who calls.
    pub fn did(&self) -> &str {
        self.account.did.as_str()
    }

    fn space(&self, number: usize) -> String {
        format!(
            "at://{}/space/com.example.forum/s{number}",
            self.account.did
        )
    }

    /// Tells of so many writes, in turn in so many spaces: as fast as it answers, or at a rate.
    pub fn call(&mut self, count: usize, spaces: usize, rate: Option<f64>) -> Called {
        let first = self.numbers;
        let requests = (0..count)
            .map(|index| {
                let input = serde_json::json!({
                    "space": self.space(index % spaces),
                    "did": self.account.did.as_str(),
                    "collection": "com.example.forum.post",
                    "rkey": format!("n{}", first + index as u64),
                });
                self.request(WRITE, &input.to_string())
            })
            .collect();
        self.send(requests, rate)
    }

    /// Sends these requests: as fast as it answers, or at a rate. Each is one number.
    pub fn send(&mut self, requests: Vec<Vec<u8>>, rate: Option<f64>) -> Called {
        let (first, count) = (self.numbers, requests.len());
        self.numbers += count as u64;
        let requests: Arc<[Vec<u8>]> = requests.into();
        let next = Arc::<AtomicUsize>::default();
        let port = self.port;
        let begun = clock::now();
        let acknowledged = self.runtime.block_on(async move {
            let mut connections = JoinSet::new();
            for _ in 0..CONNECTIONS.min(count) {
                let pace = rate.map(|rate| (begun, 1e9 / rate));
                connections.spawn(caller(port, Arc::clone(&requests), Arc::clone(&next), pace));
            }
            connections.join_all().await
        });
        let acknowledged: HashMap<u64, u64> = acknowledged
            .into_iter()
            .flatten()
            .map(|(index, at)| (first + index as u64, at))
            .collect();
        let last = acknowledged.values().max().copied().unwrap_or(begun);
        Called {
            begun,
            seconds: (last - begun) as f64 / 1e9,
            acknowledged,
        }
    }

    /// Reads all of a long answer to a query; how many bytes came.
    pub fn read_all(&self, nsid: &str, query: &str) -> usize {
        let mut stream = self.connect();
        let request = self.query(nsid, query);
        let last = request.len() - 2;
        stream.write_all(&request[..last]).expect("it reads");
        let close = b"connection: close\r\n\r\n";
        stream.write_all(close).expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers");
        assert!(answer.starts_with(b"HTTP/1.1 200"), "it gives all of it");
        answer.len()
    }

    /// A query with these params.
    pub fn query(&self, nsid: &str, query: &str) -> Vec<u8> {
        format!(
            "GET /xrpc/{nsid}?{query} HTTP/1.1\r\nhost: localhost:{}\r\n\
             authorization: Bearer {}\r\n\r\n",
            self.port,
            self.token(nsid)
        )
        .into()
    }

    fn token(&self, nsid: &str) -> String {
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

    /// A procedure with this input.
    pub fn request(&self, nsid: &str, body: &str) -> Vec<u8> {
        let token = self.token(nsid);
        format!(
            "POST /xrpc/{nsid} HTTP/1.1\r\nhost: localhost:{}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        )
        .into()
    }
}

/// One connection; which request was acknowledged when.
async fn caller(
    port: u16,
    requests: Arc<[Vec<u8>]>,
    next: Arc<AtomicUsize>,
    pace: Option<(u64, f64)>,
) -> Vec<(usize, u64)> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
    let mut stream = stream.expect("the server listens");
    stream.set_nodelay(true).expect("it is a socket");
    let mut acknowledged = Vec::new();
    let mut buffer = Vec::with_capacity(4096);
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let Some(request) = requests.get(index) else {
            return acknowledged;
        };
        if let Some((begun, gap)) = pace {
            let at = begun + (index as f64 * gap) as u64;
            let wait = at.saturating_sub(clock::now());
            tokio::time::sleep(Duration::from_nanos(wait)).await;
        }
        stream.write_all(request).await.expect("the server reads");
        answer(&mut stream, &mut buffer).await;
        acknowledged.push((index, clock::now()));
    }
}

/// Reads one whole answer, which has to be a 200.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) {
    buffer.clear();
    loop {
        let read = stream.read_buf(buffer).await.expect("the server answers");
        assert_ne!(read, 0, "the server keeps the connection");
        let text = std::str::from_utf8(buffer).expect("text");
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        assert!(head.starts_with("HTTP/1.1 200"), "{text}");
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|text| text.parse().ok()).expect("a length");
        if body.len() >= length {
            return;
        }
    }
}
