//! Servers on this machine, well behaved and not.

use axum::Router;
use loggia_xrpc_client::{AddressGuard, ClientSettings, GuardedClient, Url};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A client for development, with a deadline that no healthy answer comes near.
pub fn client() -> GuardedClient {
    GuardedClient::new(settings()).expect("a client")
}

pub fn settings() -> ClientSettings {
    let guard = AddressGuard::new().allow_loopback(true);
    ClientSettings {
        guard,
        ..ClientSettings::default()
    }
}

/// Serves the routes on a free port of this machine; returns the base URL.
pub async fn serve(routes: Router) -> Url {
    let (listener, url) = listen().await;
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}

/// Lets `answer` do as it likes with every connection, once the request's head has come.
pub async fn serve_raw<F>(answer: impl Fn(TcpStream) -> F + Send + 'static) -> Url
where
    F: Future<Output = std::io::Result<()>> + Send + 'static,
{
    let (listener, url) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            if stream.read(&mut head).await.is_ok() {
                tokio::spawn(answer(stream));
            }
        }
    });
    url
}

/// Answers with these bytes and closes.
pub async fn serve_bytes(bytes: &'static [u8]) -> Url {
    serve_raw(move |mut stream| async move {
        stream.write_all(bytes).await?;
        stream.shutdown().await
    })
    .await
}

async fn listen() -> (TcpListener, Url) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    (
        listener,
        Url::parse(&format!("http://{address}/")).expect("a URL"),
    )
}
