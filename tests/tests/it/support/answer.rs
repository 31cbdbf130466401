//! What came back from a call.

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// JSON, or the text as a JSON string where it is none.
    pub body: Value,
}

impl Answer {
    /// Reads all of it.
    pub async fn read(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.expect("a body that is text");
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self {
            status,
            headers,
            body,
        }
    }

    /// A header as text, empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("a text header"))
    }

    /// Holds status and whole body.
    #[track_caller]
    pub fn is(&self, status: u16, body: Value) {
        assert_eq!((self.status, &self.body), (status, &body), "{self:#?}");
    }

    /// Holds that this is the XRPC envelope of a failure, with nothing else in it.
    #[track_caller]
    pub fn fails(&self, status: u16, error: &str, message: &str) {
        self.is(status, json!({ "error": error, "message": message }));
        assert_eq!(self.header("content-type"), "application/json");
    }

    /// The body of a success.
    #[track_caller]
    pub fn output(self) -> Value {
        assert_eq!(self.status, 200, "{self:#?}");
        assert_eq!(self.header("content-type"), "application/json");
        self.body
    }
}
