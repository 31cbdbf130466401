//! Receivers that nobody wants.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_compression::tokio::write::GzipEncoder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::rebinding;

/// What a receiver does to whoever delivers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hostility {
    /// Nobody listens.
    Refuses,
    /// Takes the connection and says nothing.
    Hangs,
    /// One byte of the head at a time.
    DripsHead,
    /// The head, and then one byte of the body at a time.
    DripsBody,
    /// 100 MB of an answer.
    Floods,
    /// 100 MB in a hundred thousand bytes.
    Unpacks,
    /// Sends on to somebody inside.
    Redirects,
    /// 429 with `Retry-After: 60`.
    PutsOff,
    /// The same, and then one byte of the body at a time.
    PutsOffAndDrips,
    /// Promises more than comes.
    BreaksOff,
    /// TLS that is none.
    BadTls,
    /// Headers without end.
    EndlessHeaders,
    /// Interim answers without end.
    EndlessInterim,
    /// A name that leads inside from the second time on that somebody asks where it leads.
    Rebinds,
}

impl Hostility {
    pub const ALL: [Self; 14] = [
        Self::Refuses,
        Self::Hangs,
        Self::DripsHead,
        Self::DripsBody,
        Self::Floods,
        Self::Unpacks,
        Self::Redirects,
        Self::PutsOff,
        Self::PutsOffAndDrips,
        Self::BreaksOff,
        Self::BadTls,
        Self::EndlessHeaders,
        Self::EndlessInterim,
        Self::Rebinds,
    ];
}

/// A hostile receiver on a port of its own.
pub struct Hostile {
    pub url: String,
    pub kind: Hostility,
    /// How often somebody connected to it,
    pub reached: Arc<AtomicUsize>,
    /// and to where it sends people.
    pub trapped: Arc<AtomicUsize>,
}

impl Hostile {
    pub async fn start(kind: Hostility) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let origin = match kind {
            Hostility::BadTls => format!("https://127.0.0.1:{port}"),
            Hostility::Rebinds => format!("https://{}:{port}", rebinding::NAME),
            _ => format!("http://127.0.0.1:{port}"),
        };
        let (reached, trapped) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        if kind == Hostility::Rebinds {
            rebinding::trap(port, Arc::clone(&trapped)).await;
        }
        if kind == Hostility::Refuses {
            drop(listener);
        } else {
            let script: Arc<[u8]> = script(kind, &trapped).await.into();
            tokio::spawn(serve(listener, kind, script, Arc::clone(&reached)));
        }
        Self {
            url: format!("{origin}/hook"),
            kind,
            reached,
            trapped,
        }
    }
}

async fn serve(
    listener: TcpListener,
    kind: Hostility,
    script: Arc<[u8]>,
    reached: Arc<AtomicUsize>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        reached.fetch_add(1, Ordering::Relaxed);
        let script = Arc::clone(&script);
        tokio::spawn(async move {
            // It ends as soon as the other side has enough, which is as it should be.
            answer(stream, kind, &script).await.unwrap_or_default();
        });
    }
}

/// What it says first, or again and again.
async fn script(kind: Hostility, trapped: &Arc<AtomicUsize>) -> Vec<u8> {
    let text = match kind {
        Hostility::Refuses | Hostility::Hangs => "",
        Hostility::DripsHead => "HTTP/1.1 200 OK\r\nx-slow: ",
        Hostility::DripsBody => "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n",
        Hostility::Floods => "HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n",
        Hostility::PutsOff => {
            "HTTP/1.1 429 Too Many Requests\r\nretry-after: 60\r\ncontent-length: 0\r\n\r\n"
        }
        Hostility::PutsOffAndDrips => {
            "HTTP/1.1 429 Too Many Requests\r\nretry-after: 60\r\ncontent-length: 100000\r\n\r\n"
        }
        Hostility::BreaksOff => "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nthis is",
        Hostility::BadTls | Hostility::Rebinds => "no TLS here, whoever asks\r\n\r\n",
        Hostility::EndlessHeaders => "HTTP/1.1 200 OK\r\n",
        Hostility::EndlessInterim => "",
        Hostility::Redirects => {
            let port = trap(Arc::clone(trapped)).await;
            return format!(
                "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:{port}/\r\n\
                 content-length: 0\r\n\r\n"
            )
            .into();
        }
        Hostility::Unpacks => {
            let body = zeros(100 << 20).await.expect("memory takes it");
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            return [head.as_bytes(), &body].concat();
        }
    };
    text.into()
}

async fn answer(mut stream: TcpStream, kind: Hostility, script: &[u8]) -> io::Result<()> {
    let mut request = [0; 4096];
    if stream.read(&mut request).await? == 0 {
        return Ok(());
    }
    stream.write_all(script).await?;
    match kind {
        Hostility::Hangs => std::future::pending().await,
        Hostility::DripsHead | Hostility::DripsBody | Hostility::PutsOffAndDrips => loop {
            stream.write_all(b"x").await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
        },
        Hostility::Floods => {
            let chunk = [b'x'; 64 * 1024];
            for _ in 0..1600 {
                stream.write_all(&chunk).await?;
            }
        }
        Hostility::EndlessHeaders => loop {
            stream
                .write_all(b"x-more: and more and more and more\r\n")
                .await?;
        },
        Hostility::EndlessInterim => loop {
            stream
                .write_all(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")
                .await?;
        },
        _ => {}
    }
    stream.shutdown().await
}

/// Somebody inside, whom nobody is to call.
async fn trap(trapped: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            trapped.fetch_add(1, Ordering::Relaxed);
        }
    });
    port
}

/// So many zeros, packed.
async fn zeros(length: usize) -> io::Result<Vec<u8>> {
    let mut packed = GzipEncoder::new(Vec::new());
    let chunk = vec![0; 1 << 20];
    for _ in 0..length >> 20 {
        packed.write_all(&chunk).await?;
    }
    packed.shutdown().await?;
    Ok(packed.into_inner())
}
