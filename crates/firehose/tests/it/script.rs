//! Sockets that do as they are told.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use jiff::Timestamp;
use loggia_firehose::{
    ConnectError, Cursor, Message, Signatures, Socket, SocketError, Sockets, Soon, Source,
    SourceKind, SourceUrl, Stream, Tools, Wanted,
};
use url::Url;

/// The time: a month after what the sources tell.
const NOW: Timestamp = Timestamp::constant(1_762_592_000, 0);

/// What becomes of one attempt to connect.
pub enum Connection {
    /// It is refused.
    Refuse(u16, &'static str),
    /// It cannot be made.
    Unreachable,
    /// Nobody answers.
    Silent,
    /// It sends these, and ends.
    Send(Vec<Message>),
    /// It sends these, and stays.
    Hold(Vec<Message>),
    /// It sends these, and breaks.
    Break(Vec<Message>),
    /// It sends these, and then a message that has no end.
    Endless(Vec<Message>),
}

/// Connections in the order in which they are made, and which URLs were asked for.
#[derive(Default)]
pub struct Script {
    connections: Mutex<VecDeque<Connection>>,
    asked: Mutex<Vec<Url>>,
}

impl Script {
    pub fn new(connections: impl IntoIterator<Item = Connection>) -> Arc<Self> {
        Arc::new(Self {
            connections: Mutex::new(connections.into_iter().collect()),
            asked: Mutex::default(),
        })
    }

    /// Which URLs were asked for, host, path and query.
    pub fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().expect("nobody panicked");
        asked
            .iter()
            .map(|url| url.as_str().trim_start_matches("wss://").to_owned())
            .collect()
    }

    /// A stream over these connections.
    pub fn stream(self: &Arc<Self>, source: Source, from: Vec<Cursor>) -> Stream {
        self.signed(source, from, None)
    }

    /// A stream over these connections that checks signatures in this way.
    pub fn signed(
        self: &Arc<Self>,
        source: Source,
        from: Vec<Cursor>,
        signatures: Option<Arc<dyn Signatures>>,
    ) -> Stream {
        let tools = Tools {
            sockets: self.clone(),
            signatures,
            chance: Box::new(|| u64::MAX / 2),
            clock: Box::new(|| NOW),
        };
        Stream::open(source, from, tools)
    }
}

impl Sockets for Script {
    fn connect<'a>(&'a self, url: &'a Url) -> Soon<'a, Result<Box<dyn Socket>, ConnectError>> {
        Box::pin(async move {
            self.asked
                .lock()
                .expect("nobody panicked")
                .push(url.clone());
            let next = self
                .connections
                .lock()
                .expect("nobody panicked")
                .pop_front();
            let (messages, after) = match next {
                None => return pending().await,
                Some(Connection::Unreachable) => {
                    return Err(ConnectError::Unreachable("nobody is there".into()));
                }
                Some(Connection::Silent) => {
                    return Err(ConnectError::Silent("not a word".into()));
                }
                Some(Connection::Refuse(status, body)) => {
                    let body = Bytes::from_static(body.as_bytes());
                    return Err(ConnectError::Refused { status, body });
                }
                Some(Connection::Send(messages)) => (messages, After::End),
                Some(Connection::Hold(messages)) => (messages, After::Stay),
                Some(Connection::Break(messages)) => (messages, After::Break),
                Some(Connection::Endless(messages)) => (messages, After::Endless),
            };
            let messages = messages.into();
            let socket: Box<dyn Socket> = Box::new(Scripted { messages, after });
            Ok(socket)
        })
    }
}

enum After {
    End,
    Stay,
    Break,
    Endless,
}

struct Scripted {
    messages: VecDeque<Message>,
    after: After,
}

impl Socket for Scripted {
    fn next(&mut self) -> Soon<'_, Result<Option<Message>, SocketError>> {
        Box::pin(async move {
            match (self.messages.pop_front(), &self.after) {
                (Some(message), _) => Ok(Some(message)),
                (None, After::End) => Ok(None),
                (None, After::Stay) => pending().await,
                (None, After::Break) => Err(SocketError::Broken("the line is cut".into())),
                (None, After::Endless) => Err(SocketError::Endless),
            }
        })
    }

    fn close(&mut self) -> Soon<'_, ()> {
        Box::pin(async {})
    }
}

/// A source of these hosts, of which everything is wanted.
pub fn source(kind: SourceKind, hosts: &[&str]) -> Source {
    let hosts = hosts
        .iter()
        .map(|host| SourceUrl::read(&format!("wss://{host}"), kind).expect("a URL"))
        .collect();
    Source {
        name: "test".to_owned(),
        kind,
        hosts,
        wanted: Wanted::all(),
        dictionary: None,
    }
}

/// A text message.
pub fn text(text: impl Into<String>) -> Message {
    Message::Text(text.into().into())
}
