//! A host that accepts and never answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

/// A host that never answers.
#[derive(Clone, Default)]
pub struct Silent {
    /// How many ask it now.
    pub open: Arc<AtomicUsize>,
    /// The most that have at one time.
    pub most: Arc<AtomicUsize>,
}

impl Silent {
    /// It, and where it is.
    pub async fn start() -> (Self, String) {
        let silent = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let serving = silent.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Self { open, most } = serving.clone();
                tokio::spawn(async move {
                    most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let mut read = [0; 1024];
                    while stream.read(&mut read).await.is_ok_and(|length| length > 0) {}
                    open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        (silent, format!("http://localhost:{port}"))
    }
}
