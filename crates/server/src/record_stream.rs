//! The network's record stream, consumed: what it says becomes deliveries, exactly where it left off.
//!
//! Each stream of the settings has one consumer among all nodes of a store: the one that holds its
//! claim. A batch of events is one transaction, with everything that it causes and with the place in
//! the stream, so that a crash between any two steps loses nothing; and whatever is caused is named
//! after its event, so that a batch that comes twice doubles nothing.

mod consumer;
mod intake;
mod known;
mod live;
mod settings;
mod telling;

use std::sync::Arc;

use jiff::SignedDuration;
use loggia_delivery::NodeId;
use loggia_firehose::{Signatures, Sockets};
use loggia_storage::Storage;

pub use live::{LiveStreams, StreamLife};
pub use settings::{DictionaryFile, StreamSettings};

use crate::running::{Part, Running};
use consumer::Consumer;
pub(crate) use intake::{DELIVERIES, Intake, Looked};
pub(crate) use known::KnownWebhooks;
pub(crate) use telling::{Seen, Telling, Terms};

/// Everything that consumers work with.
pub(crate) struct RecordStreams {
    pub(crate) storage: Storage,
    pub(crate) settings: Vec<StreamSettings>,
    pub(crate) node: NodeId,
    /// How long a claim is good for after it was last renewed.
    pub(crate) lease: SignedDuration,
    pub(crate) intake: Intake,
    pub(crate) live: LiveStreams,
    pub(crate) sockets: Arc<dyn Sockets>,
    pub(crate) signatures: Arc<dyn Signatures>,
}

impl RecordStreams {
    /// Starts a consumer for each stream.
    pub(crate) fn run(self, running: &mut Running) {
        for settings in self.settings {
            let consumer = Consumer {
                claim: format!("record stream {}", settings.name),
                storage: self.storage.clone(),
                node: self.node.clone(),
                lease: self.lease,
                intake: self.intake.clone(),
                live: self.live.clone(),
                sockets: self.sockets.clone(),
                signatures: settings.verify.then(|| self.signatures.clone()),
                settings,
            };
            running.start_steady(Part::RecordStream, |stopping| consumer.run(stopping));
        }
    }
}
