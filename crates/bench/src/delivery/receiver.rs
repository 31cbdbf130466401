//! The receiver of a benchmark: as little HTTP as there can be, so that what is measured is the
//! sender.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use super::clock;

/// Receivers on ports of their own, in this process.
pub struct Receivers {
    pub urls: Vec<String>,
    seen: Arc<Seen>,
    _runtime: Runtime,
}

#[derive(Default)]
struct Seen {
    count: AtomicU64,
    last: AtomicU64,
    timed: AtomicBool,
    times: Mutex<HashMap<u64, u64>>,
}

impl Receivers {
    /// So many of them.
    pub fn start(count: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime can be started");
        let seen = Arc::<Seen>::default();
        let urls = (0..count).map(|_| runtime.block_on(listen(&seen)));
        Self {
            urls: urls.collect(),
            seen,
            _runtime: runtime,
        }
    }

    /// How many requests arrived, of whatever kind.
    pub fn count(&self) -> u64 {
        self.seen.count.load(Ordering::Relaxed)
    }

    /// Waits until so many have arrived; when the last one did. `None` if they do not come.
    pub fn wait_for(&self, count: u64, patience: Duration) -> Option<u64> {
        let end = clock::now() + u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX);
        while self.count() < count {
            if clock::now() > end {
                return None;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Some(self.seen.last.load(Ordering::Relaxed))
    }

    /// From now on it is kept when which number arrives first.
    pub fn keep_times(&self) {
        self.seen.timed.store(true, Ordering::Relaxed);
    }

    /// When which number arrived first; nothing is kept any more.
    pub fn take_times(&self) -> HashMap<u64, u64> {
        self.seen.timed.store(false, Ordering::Relaxed);
        std::mem::take(&mut *self.seen.times.lock().expect("nobody panics here"))
    }
}

async fn listen(seen: &Arc<Seen>) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("a port");
    let address = listener.local_addr().expect("an address");
    let seen = Arc::clone(seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                // The sender closes when it has no more to say.
                serve(stream, &seen).await.unwrap_or_default();
            });
        }
    });
    format!("http://{address}/hook")
}

async fn serve(mut stream: TcpStream, seen: &Seen) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(8192);
    loop {
        let end = loop {
            if let Some(end) = whole(&buffer) {
                break end;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        seen.take(&buffer[..end]);
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await?;
        buffer.drain(..end);
    }
}

/// Where the first request ends, if all of it is there.
fn whole(buffer: &[u8]) -> Option<usize> {
    let head = find(buffer, b"\r\n\r\n")? + 4;
    let length = find(&buffer[..head], b"content-length: ")?;
    let digits = &buffer[length + b"content-length: ".len()..head];
    let end = head + usize::try_from(number(digits)).ok()?;
    (buffer.len() >= end).then_some(end)
}

impl Seen {
    fn take(&self, request: &[u8]) {
        let now = clock::now();
        if self.timed.load(Ordering::Relaxed)
            && let Some(at) = find(request, super::NUMBER)
        {
            let number = number(&request[at + super::NUMBER.len()..]);
            let mut times = self.times.lock().expect("nobody panics here");
            times.entry(number).or_insert(now);
        }
        self.last.store(now, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

fn number(text: &[u8]) -> u64 {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}
