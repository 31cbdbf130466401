//! Durable signed deliveries against the same HTTP client with nothing stored.
//!
//! The sender is a process of its own, so that its CPU time and memory are its own; the receivers
//! are in this one. Both share the machine's cores, in every line alike.

mod bare;
pub mod child;
mod clock;
pub mod cost;
pub mod engine;
pub mod receiver;
mod shown;
pub mod xrpc;

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use bytes::Bytes;
use loggia_services::{Durability, Postgres};

use crate::figures::{Verdict, row};
use child::Measured;
use engine::{Done, Order};
use receiver::Receivers;
pub use shown::rate;
use shown::{latencies, line};
use xrpc::Served;

/// Stands before the number in every body.
const NUMBER: &[u8] = b"\"rkey\":\"n";
/// Endpoints, each on a port of its own.
const ENDPOINTS: usize = 16;
/// How long a line is measured, with a quarter of it to warm up.
const TIME: u64 = 4_000;
/// How long the last deliveries may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The hidden parts of this program, by what they are called with.
pub const PARTS: [(&str, fn()); 3] = [
    ("__bare", bare::run),
    ("__engine", engine::run),
    ("__serve", xrpc::run),
];

/// What a store should reach.
struct Goals {
    /// For 1 and 10 endpoints: a share of the bare client,
    shares: [Option<f64>; 2],
    /// and deliveries a second.
    rates: [f64; 2],
}

const SQLITE: Goals = Goals {
    shares: [Some(0.3), Some(0.5)],
    rates: [12_000.0, 25_000.0],
};
const POSTGRES: Goals = Goals {
    shares: [None, None],
    rates: [5_000.0, 15_000.0],
};

pub fn run() {
    let receivers = Receivers::start(ENDPOINTS);
    println!("\nthe client alone: signing and posting to {ENDPOINTS} endpoints, nothing stored");
    let mut client = Measured::start("__bare", &[]);
    open(&mut client, "", &receivers.urls);
    let bare = flat_out(&mut client, 1);
    drop(client);
    line("guarded client", &bare, None, None);
    let base = rate(&bare);

    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("engine.db");
    engine(
        "SQLite",
        &path.display().to_string(),
        &receivers,
        base,
        &SQLITE,
    );
    let postgres = postgres();
    engine(
        "PostgreSQL",
        &postgres.database(),
        &receivers,
        base,
        &POSTGRES,
    );
    served("SQLite", None, &receivers, base, &SQLITE);
    served(
        "PostgreSQL",
        Some(postgres.database()),
        &receivers,
        base,
        &POSTGRES,
    );
    after_a_kill(&receivers);
}

/// The PostgreSQL that `cargo xtask bench` started, or one of one's own.
pub enum Database {
    Given,
    Own(Postgres),
}

impl Database {
    /// A new database.
    pub fn database(&self) -> String {
        match self {
            Self::Own(postgres) => postgres.own_database().expect("it runs"),
            Self::Given => {
                let runtime = tokio::runtime::Runtime::new().expect("a runtime can be started");
                runtime.block_on(Postgres::database())
            }
        }
    }
}

/// As durable as in production.
pub fn postgres() -> Database {
    match std::env::var_os(loggia_services::POSTGRES) {
        Some(_) => Database::Given,
        None => Database::Own(Postgres::start(Durability::Full).expect("PostgreSQL starts")),
    }
}

/// Storage and engine, with producers in the same process.
fn engine(name: &str, store: &str, receivers: &Receivers, base: f64, goals: &Goals) {
    println!("\nthe engine on {name}, enqueued by 64 producers in its process");
    let mut process = Measured::start("__engine", &[]);
    open(&mut process, store, &receivers.urls);
    let mut top = 0.0;
    for (index, fan_out) in [1, 10].into_iter().enumerate() {
        let done = flat_out(&mut process, fan_out);
        let title = format!("{name}, {fan_out} endpoint(s) each");
        line(
            &title,
            &done,
            Some((base, goals.shares[index])),
            Some(goals.rates[index]),
        );
        if fan_out == 1 {
            top = rate(&done);
        }
    }
    println!("  from acknowledged to received, {name}");
    for (title, pace, goal) in paces(top) {
        receivers.keep_times();
        let milliseconds = 3_000;
        process.tell(&Order::Paced {
            milliseconds,
            rate: pace,
        });
        let done: Done = process.hear();
        std::thread::sleep(Duration::from_millis(500));
        let times = receivers.take_times();
        let waits = done.acknowledged.iter().filter_map(|(number, at)| {
            let received = times.get(number)?;
            Some(received.saturating_sub(*at))
        });
        latencies(&title, waits.collect(), done.acknowledged.len(), goal);
    }
}

/// At which rates latencies are looked at, and the goal for p50 and p99 in milliseconds.
fn paces(top: f64) -> [(String, f64, Option<[f64; 2]>); 3] {
    [
        ("50 a second".to_owned(), 50.0, Some([0.6, 3.0])),
        (format!("a tenth, {:.0}/s", top / 10.0), top / 10.0, None),
        (
            format!("half, {:.0}/s", top / 2.0),
            top / 2.0,
            Some([3.0, 15.0]),
        ),
    ]
}

/// The whole server, called over XRPC.
fn served(name: &str, database: Option<String>, receivers: &Receivers, base: f64, goals: &Goals) {
    println!("\nthe server on {name}, called over 64 connections with a fresh token each time");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings: Vec<_> = database
        .map(|url| ("LOGGIA_DATABASE_URL", url))
        .into_iter()
        .collect();
    let mut server = Served::start(folder.path(), &settings);
    for (space, url) in receivers.urls.iter().enumerate() {
        server.register(space, url);
    }
    let top = called(&mut server, receivers, 1, ENDPOINTS, (base, name, goals));
    println!("  from acknowledged to received, {name}");
    for (title, pace, goal) in paces(top) {
        receivers.keep_times();
        let count = (pace * 3.0) as usize;
        let called = server.call(count, ENDPOINTS, Some(pace));
        std::thread::sleep(Duration::from_millis(500));
        let times = receivers.take_times();
        let waits = called.acknowledged.iter().filter_map(|(number, at)| {
            let received = times.get(number)?;
            Some(received.saturating_sub(*at))
        });
        latencies(&title, waits.collect(), count, goal);
    }
    for url in &receivers.urls[1..10] {
        server.register(0, url);
    }
    called(&mut server, receivers, 10, 1, (base, name, goals));
}

/// Calls flat out until all has arrived; how many deliveries a second that were.
fn called(
    server: &mut Served,
    receivers: &Receivers,
    fan_out: u64,
    spaces: usize,
    (base, name, goals): (f64, &str, &Goals),
) -> f64 {
    let first = server.call(2_000, spaces, None);
    let a_second = 2_000.0 / first.seconds;
    let count = ((a_second * 3.0) as usize).clamp(500, 60_000);
    // As long as every other line does it.
    let warm = receivers.count() + (count / 3) as u64 * fan_out;
    server.call(count / 3, spaces, None);
    receivers.wait_for(warm, PATIENCE).expect("all arrive");
    let before = receivers.count();
    let used = server.process.used();
    let called = server.call(count, spaces, None);
    let arrived = receivers.wait_for(before + count as u64 * fan_out, PATIENCE);
    let cpu = server.process.used().cpu - used.cpu;
    let accepted = count as f64 / called.seconds;
    let index = usize::from(fan_out == 10);
    let goal = (fan_out == 1).then_some(15_000.0);
    row(
        &format!("accepted, {fan_out} endpoint(s) each"),
        &format!("{accepted:.0}/s"),
        "",
        &Verdict::at_least(accepted, goal),
    );
    let Some(last) = arrived else {
        println!("  not all arrived within {} s", PATIENCE.as_secs());
        return accepted;
    };
    let done = Done {
        delivered: count as u64 * fan_out,
        seconds: (last - called.begun) as f64 / 1e9,
        cpu,
        peak: server.process.used().peak,
        acknowledged: Vec::new(),
    };
    let title = format!("{name} over XRPC, {fan_out} endpoint(s) each");
    line(
        &title,
        &done,
        Some((base, goals.shares[index])),
        Some(goals.rates[index]),
    );
    if fan_out == 1 {
        let micros = cpu * 1e6 / count as f64;
        let verdict = Verdict::of(micros, Some(100.0), |goal| format!("{goal:.0} µs"));
        row(
            "CPU of the server per message",
            &format!("{micros:.0} µs"),
            "",
            &verdict,
        );
        let verdict = Verdict::of(done.peak, Some(40.0), |goal| format!("{goal:.0} MiB"));
        row(
            "memory under load",
            &format!("{:.1} MiB", done.peak),
            "",
            &verdict,
        );
    }
    rate(&done)
}

/// How soon what was under way goes out again after a kill.
fn after_a_kill(receivers: &Receivers) {
    println!("\nkill -9 and start again, on SQLite");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut server = Served::start(folder.path(), &[]);
    // Takes connections and never answers: what goes there stays under way.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = silent.local_addr().expect("an address");
    server.register(0, &format!("http://{address}/hook"));
    server.register(0, &receivers.urls[0]);
    let before = receivers.count();
    server.call(200, 1, None);
    let arrived = receivers.wait_for(before + 200, PATIENCE);
    arrived.expect("it delivers beside somebody silent");
    let mut held = vec![silent.accept().expect("somebody called")];
    server.process.kill();
    silent.set_nonblocking(true).expect("it is a socket");
    while let Ok(connection) = silent.accept() {
        held.push(connection);
    }
    silent.set_nonblocking(false).expect("it is a socket");
    let begun = clock::now();
    server.start_again();
    silent.accept().expect("somebody calls again");
    let seconds = (clock::now() - begun) as f64 / 1e9;
    let verdict = Verdict::of(seconds, Some(1.0), |goal| format!("{goal:.0} s"));
    let taken = format!("{:.0} ms", seconds * 1e3);
    row("from the start to the first attempt", &taken, "", &verdict);
}

fn open(process: &mut Measured, store: &str, urls: &[String]) {
    process.tell(&Order::Open {
        store: store.to_owned(),
        urls: urls.to_vec(),
    });
    process.hear::<Done>();
}

fn flat_out(process: &mut Measured, fan_out: usize) -> Done {
    process.tell(&Order::Flat {
        milliseconds: TIME,
        fan_out,
    });
    process.hear()
}

/// What is said, of the length that a notice of a write has.
fn body(number: u64) -> Bytes {
    Bytes::from(format!(
        "{{\"space\":\"6f1c2a9be04d4f5f8a7f0a1b2c3d4e5f\",\"spaceUri\":\"at://did:web:bench.example/\
         space/com.example.forum/main\",\"did\":\"did:web:bench.example\",\"collection\":\
         \"com.example.forum.post\",\"rkey\":\"n{number}\",\"cid\":\
         \"bafyreie5cvv4h45feadgeuwhbcutmh6t7ceseocckahdoe6uat64zmz454\"}}"
    ))
}
