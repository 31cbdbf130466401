//! A hundred receivers that misbehave beside a hundred that do not.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use crate::delivery::child::Measured;
use crate::delivery::engine::{Done, Order};
use crate::delivery::rate;
use crate::delivery::receiver::Receivers;
use crate::figures::{Verdict, row};

/// Of each kind.
const HEALTHY: usize = 100;
const HOSTILE: usize = 100;
/// What waits for each hostile receiver when the measurement begins.
const WAITING: usize = 50;
/// How long a line is measured, with a quarter of it to warm up.
const TIME: u64 = 4_000;
/// The healthy keep at least this share of their rate,
const KEPT: f64 = 0.8;
/// and the engine needs at most this much more memory, in MiB.
const MEMORY: f64 = 64.0;

/// What a hostile receiver does, in turn.
type Manner = fn(TcpStream) -> std::io::Result<()>;
const MANNERS: [Manner; 6] = [hang, drip, flood, put_off, break_off, redirect];

pub fn run() {
    let receivers = Receivers::start(HEALTHY);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = folder.path().join("engine.db").display().to_string();
    let mut process = Measured::start("__engine", &[]);
    let urls = receivers.urls.clone();
    tell(&mut process, &Order::Open { store, urls });
    println!("\n{HEALTHY} healthy receivers, one endpoint each notification, on SQLite");
    let flat = Order::Flat {
        milliseconds: TIME,
        fan_out: 1,
    };
    let alone = tell(&mut process, &flat);
    row(
        "undisturbed",
        &format!("{:.0}/s", rate(&alone)),
        "1.00",
        &Verdict::None,
    );

    let urls = (0..HOSTILE).map(hostile).collect();
    let each = WAITING;
    tell(&mut process, &Order::Burden { urls, each });
    let beside = tell(&mut process, &flat);
    let share = rate(&beside) / rate(&alone);
    let title = format!("beside {HOSTILE} hostile ones");
    let shown = format!("{share:.2}");
    let verdict = Verdict::at_least(share, Some(KEPT));
    row(&title, &format!("{:.0}/s", rate(&beside)), &shown, &verdict);
    let more = beside.peak - alone.peak;
    let verdict = Verdict::of(more, Some(MEMORY), |goal| format!("{goal:.0} MiB"));
    row(
        "memory that they add",
        &format!("{more:.1} MiB"),
        "",
        &verdict,
    );
}

fn tell(process: &mut Measured, order: &Order) -> Done {
    process.tell(order);
    process.hear()
}

/// A hostile receiver on a port of its own; every seventh is a port where nobody listens.
fn hostile(index: usize) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    if let Some(&manner) = MANNERS.get(index % (MANNERS.len() + 1)) {
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                std::thread::spawn(move || {
                    // It ends when the sender has enough, which is as it should be.
                    heard(stream).and_then(manner).unwrap_or_default();
                });
            }
        });
    }
    format!("http://{address}/hook")
}

/// A connection on which a request has begun.
fn heard(mut stream: TcpStream) -> std::io::Result<TcpStream> {
    let mut request = [0; 4096];
    match stream.read(&mut request)? {
        0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(stream),
    }
}

fn hang(mut stream: TcpStream) -> std::io::Result<()> {
    stream.read_to_end(&mut Vec::new()).map(drop)
}

fn drip(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")?;
    loop {
        stream.write_all(b"x")?;
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn flood(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n")?;
    for _ in 0..1600 {
        stream.write_all(&[b'x'; 64 * 1024])?;
    }
    Ok(())
}

fn put_off(mut stream: TcpStream) -> std::io::Result<()> {
    stream
        .write_all(b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n")
}

fn break_off(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nthis is")
}

fn redirect(mut stream: TcpStream) -> std::io::Result<()> {
    stream.write_all(
        b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
    )
}
