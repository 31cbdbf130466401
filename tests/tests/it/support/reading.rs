//! A stream as the server would read it, without the server.

use std::sync::Arc;
use std::time::Duration;

use loggia_callers::Web;
use loggia_delivery::{Clock as _, SystemClock};
use loggia_firehose::{
    Batch, Cursor, Event, Gap, Malformed, Source, SourceKind, SourceUrl, Stream, Tools, Wanted,
};
use loggia_identity::{CacheSettings, CachedResolver, Resolver};
use loggia_server::sources::{AccountKeys, GuardedSockets};
use loggia_xrpc_client::{AddressGuard, ClientSettings, GuardedClient};

use super::ReferenceServers;

/// A source of these URLs, of which everything is wanted.
pub fn source(kind: SourceKind, urls: &[String]) -> Source {
    let hosts = urls.iter().map(|url| SourceUrl::read(url, kind));
    Source {
        name: "test".to_owned(),
        kind,
        hosts: hosts.collect::<Result<_, _>>().expect("URLs"),
        wanted: Wanted::all(),
        dictionary: None,
    }
}

/// Reads a source, and believes what it says.
pub fn read(source: Source, from: Vec<Cursor>) -> Reader {
    open(source, from, None)
}

/// Reads a source, and believes what accounts have signed whose keys this directory knows.
pub fn read_signed(source: Source, from: Vec<Cursor>, reference: &ReferenceServers) -> Reader {
    open(source, from, Some(&reference.plc))
}

fn open(source: Source, from: Vec<Cursor>, directory: Option<&String>) -> Reader {
    let settings = ClientSettings {
        guard: AddressGuard::new().allow_loopback(true),
        ..ClientSettings::default()
    };
    let client = GuardedClient::new(settings).expect("a client");
    let signatures = directory.map(|directory| {
        let resolver = Resolver::new(Web(client.clone()), directory).development(true);
        let documents = CachedResolver::new(resolver, CacheSettings::default());
        Arc::new(AccountKeys(documents)) as Arc<dyn loggia_firehose::Signatures>
    });
    let tools = Tools {
        sockets: Arc::new(GuardedSockets(client)),
        signatures,
        // No pauses between connections.
        chance: Box::new(|| 0),
        clock: Box::new(|| SystemClock.now()),
    };
    Reader(Stream::open(source, from, tools))
}

/// A stream, and how to wait for it.
pub struct Reader(pub Stream);

/// What was taken so far.
#[derive(Default)]
pub struct Taken {
    pub events: Vec<Event>,
    pub malformed: Vec<Malformed>,
    pub gaps: Vec<Gap>,
    pub cursor: Option<Cursor>,
}

impl Reader {
    /// Takes until so many events came.
    pub async fn take(&self, events: usize) -> Taken {
        let mut taken = Taken::default();
        self.take_until(&mut taken, |taken| taken.events.len() >= events)
            .await;
        taken
    }

    /// Takes until there is enough.
    pub async fn take_until(&self, taken: &mut Taken, enough: impl Fn(&Taken) -> bool) {
        while !enough(taken) {
            let next = tokio::time::timeout(Duration::from_secs(60), self.0.next(512)).await;
            taken.add(next.expect("something comes"));
        }
    }

    /// Waits until the stream is as it should be.
    pub async fn until(&self, is: impl Fn(&loggia_firehose::Health) -> bool) {
        let wait = async {
            while !is(&self.0.health()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(60), wait).await;
        assert!(waited.is_ok(), "{:?}", self.0.health());
    }
}

impl Taken {
    fn add(&mut self, batch: Batch) {
        self.events.extend(batch.events);
        self.malformed.extend(batch.malformed);
        self.gaps.extend(batch.gap);
        self.cursor = batch.cursor.or(self.cursor.take());
    }
}
