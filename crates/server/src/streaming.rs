//! The record streams of this server, and what they are connected with.

use std::sync::Arc;

use loggia_storage::{Storage, WispCaps};

use crate::config::Config;
use crate::delivering::Delivering;
use crate::host_places::Places;
use crate::outgoing::Outgoing;
use crate::projections::Feeding;
use crate::reach::Documents;
use crate::record_stream::{DELIVERIES, Intake, LiveStreams, Looked, RecordStreams, Terms};
use crate::running::{Part, Running};
use crate::sources::{AccountKeys, GuardedSockets};
use crate::streamplace::Streamplace;
use crate::wisp_registry::{Bell, Hosts, WispRegistry};

/// The consumers of the streams, and who does what they leave to be done.
pub(crate) struct Streaming {
    streams: RecordStreams,
    registry: WispRegistry,
}

/// What it is made of.
pub(crate) struct Parts<'a> {
    pub(crate) config: &'a Config,
    pub(crate) storage: &'a Storage,
    pub(crate) outgoing: &'a Outgoing,
    pub(crate) documents: &'a Documents,
    pub(crate) delivering: &'a Delivering,
    pub(crate) streamplace: &'a Streamplace,
    pub(crate) feeding: Feeding,
    pub(crate) live: &'a LiveStreams,
    pub(crate) bell: &'a Bell,
}

impl Streaming {
    /// Everything that consumes; nothing if there is no stream.
    pub(crate) fn new(parts: Parts<'_>) -> Option<Self> {
        let Parts {
            config,
            storage,
            outgoing,
            documents,
            delivering,
            streamplace,
            feeding,
            live,
            bell,
        } = parts;
        if config.streams.is_empty() {
            return None;
        }
        let engine = &delivering.desk.engine;
        let node = &delivering.node;
        let terms = Terms {
            version: config.wisp_version,
        };
        let registry = WispRegistry {
            storage: storage.clone(),
            engine: engine.clone(),
            bell: bell.clone(),
            node: node.clone(),
            lease: config.lease,
            caps: WispCaps {
                per_owner: config.wisp_webhooks_per_account,
                in_all: config.wisp_webhooks,
            },
            guard: config.guard(),
            terms,
            relay: config.wisp_relay.clone(),
            hosts: Hosts {
                documents: documents.clone(),
                outgoing: outgoing.clone(),
                places: Places::default(),
            },
        };
        let streams = RecordStreams {
            storage: storage.clone(),
            settings: config.streams.clone(),
            node: node.clone(),
            lease: config.lease,
            intake: Intake {
                storage: storage.clone(),
                engine: engine.clone(),
                bell: bell.clone(),
                streamplace: streamplace.clone(),
                feeding,
                terms,
                looked: Looked::default(),
                most: DELIVERIES,
            },
            live: live.clone(),
            sockets: Arc::new(GuardedSockets(outgoing.0.clone())),
            signatures: Arc::new(AccountKeys(documents.clone())),
        };
        Some(Self { streams, registry })
    }

    /// Starts all of it.
    pub(crate) fn run(self, running: &mut Running) {
        self.streams.run(running);
        running.start_steady(Part::WispRegistry, |stopping| self.registry.run(stopping));
    }
}
