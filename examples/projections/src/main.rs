//! `projection-client ws://localhost:2510 KEY PROJECTION [LAST]`: prints every notification of a
//! projection as it comes, and goes on where it stood whenever the connection is lost, until the key or
//! the projection is no more.

use std::convert::Infallible;
use std::process::ExitCode;
use std::time::Duration;

use futures_util::StreamExt;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::{Error, Message, client::IntoClientRequest};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [server, key, projection, rest @ ..] = &arguments[..] else {
        eprintln!("usage: projection-client ws://HOST KEY PROJECTION [LAST]");
        return ExitCode::from(2);
    };
    // Keep this number beside what you make of the states, and nothing is missed or taken twice.
    let mut last: i64 = rest.first().and_then(|last| last.parse().ok()).unwrap_or(0);
    loop {
        let url = format!("{server}/projections/{projection}/subscribe?afterSequence={last}");
        let Err(lost) = follow(&url, key, &mut last).await;
        if let Error::Http(refused) = &lost
            && [401, 403, 404].contains(&refused.status().as_u16())
        {
            eprintln!("ended after {last}: {lost}");
            return ExitCode::FAILURE;
        }
        eprintln!("after {last}: {lost}; again in a second");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn follow(url: &str, key: &str, last: &mut i64) -> Result<Infallible, Error> {
    let mut request = url.into_client_request()?;
    request.headers_mut().insert("x-api-key", key.parse()?);
    let (mut socket, _) = connect_async(request).await?;
    while let Some(message) = socket.next().await {
        if let Message::Text(text) = message? {
            println!("{text}");
            // A message without a number says that some notifications are no longer kept.
            let told: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
            *last = told["sequence"].as_i64().unwrap_or(*last);
        }
    }
    Err(Error::ConnectionClosed)
}
