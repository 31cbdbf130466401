//! A client that does nothing by itself: no redirects, no decoding, one connection a request.

use std::net::SocketAddr;

use axum::body::{Body, Bytes};
use http::header::{HeaderName, HeaderValue};
use http::request::Builder;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A request that is being put together.
pub struct Outgoing {
    address: SocketAddr,
    head: Builder,
    body: Body,
}

impl Outgoing {
    pub fn new(address: SocketAddr, verb: &str, path: &str) -> Self {
        let head = Request::builder()
            .method(verb)
            .uri(path)
            .header("host", address.to_string());
        Self {
            address,
            head,
            body: Body::empty(),
        }
    }

    pub fn header<V>(mut self, name: &str, value: V) -> Self
    where
        HeaderValue: TryFrom<V, Error: std::fmt::Debug>,
    {
        let name = HeaderName::try_from(name).expect("a header's name");
        self.head = self.head.header(
            name,
            HeaderValue::try_from(value).expect("a header's value"),
        );
        self
    }

    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    pub async fn send(self) -> Result<Response, hyper::Error> {
        let stream = TcpStream::connect(self.address)
            .await
            .expect("the server listens");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = self.head.body(self.body).expect("a whole request");
        sender.send_request(request).await.map(Response)
    }
}

/// An answer whose body is still to be read.
pub struct Response(http::Response<hyper::body::Incoming>);

impl Response {
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    pub fn headers(&self) -> &HeaderMap {
        self.0.headers()
    }

    pub async fn bytes(self) -> Result<Bytes, hyper::Error> {
        Ok(self.0.into_body().collect().await?.to_bytes())
    }

    pub async fn text(self) -> Result<String, hyper::Error> {
        Ok(String::from_utf8_lossy(&self.bytes().await?).into_owned())
    }
}
