//! What webhooks are told of.

use jiff::{SignedDuration, Timestamp};
use loggia_firehose::{Change, Event};
use loggia_storage::WebhookId;
use loggia_syntax::{Did, Nsid};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What a webhook can ask to be told of, as the lexicon names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Occasion {
    /// Somebody writes in the streamer's chat.
    Chat,
    /// The streamer is live.
    Livestream,
    /// Somebody follows the streamer.
    Follow,
    /// Somebody names the streamer.
    Mention,
    /// The first video of a stream has come in.
    Received,
}

/// Something that happened to a streamer. As JSON it waits for whoever composes what is said of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Happening {
    /// Whose webhooks are told.
    pub streamer: Did,
    /// Who did it.
    pub actor: Did,
    /// What it is known by: the record's address, or streamer and segment.
    pub subject: String,
    /// The type of the record, or the method that told of it.
    pub kind: Nsid,
    /// When.
    pub at: Timestamp,
    /// What it is.
    pub what: What,
    /// The record, unless it is longer than [`Happening::LONGEST_RECORD`].
    pub record: Option<Box<RawValue>>,
}

/// What happened, as far as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "occasion", rename_all = "camelCase")]
pub enum What {
    /// A message in the streamer's chat.
    Chat {
        /// What it says.
        text: String,
    },
    /// A stream that the streamer announces.
    Livestream {
        /// Its headline.
        title: String,
        /// The server that carries it.
        url: Option<String>,
        /// The hash of its picture.
        thumb: Option<String>,
    },
    /// A follow.
    Follow,
    /// A message or post that names the streamer.
    Mention {
        /// What it says.
        text: String,
        /// Whose chat it stands in, if it is a message.
        chat: Option<Did>,
    },
    /// Video.
    Received {
        /// The stream's headline, if it has one.
        title: Option<String>,
    },
}

impl Occasion {
    /// The name in the lexicon and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Livestream => "livestream",
            Self::Follow => "follow",
            Self::Mention => "mention",
            Self::Received => "stream.received",
        }
    }

    /// How long it interests anybody. Talk and the start of a stream that is hours old only puzzle
    /// those who read of it; that somebody follows is news for days.
    const fn lasts(self) -> SignedDuration {
        match self {
            Self::Chat | Self::Livestream | Self::Received => SignedDuration::from_hours(6),
            Self::Follow | Self::Mention => SignedDuration::from_hours(3 * 24),
        }
    }
}

impl Happening {
    /// The longest record that goes along, in bytes: what people write in chats and posts is shorter
    /// by far, and a hundred thousand of these must fit in the store.
    pub const LONGEST_RECORD: usize = 32 * 1024;

    /// What a change of a record is to a streamer.
    pub fn of_change(
        event: &Event,
        change: &Change,
        streamer: Did,
        what: What,
        now: Timestamp,
    ) -> Self {
        let record = change.record.as_ref().map(|record| record.as_json());
        let record = record.filter(|text| text.len() <= Self::LONGEST_RECORD);
        let record = record.and_then(|text| serde_json::from_slice(text).ok());
        let Event { did, .. } = event;
        Self {
            streamer,
            actor: did.clone(),
            subject: format!("at://{did}/{}/{}", change.collection, change.rkey),
            kind: change.collection.clone(),
            at: event.time.min(now),
            what,
            record,
        }
    }

    /// Which occasion it is.
    pub fn occasion(&self) -> Occasion {
        self.what.occasion()
    }

    /// What the errand for it is about: one for each streamer, whatever number of webhooks there are.
    pub fn errand(&self) -> String {
        let Self {
            streamer, subject, ..
        } = self;
        format!("{} {streamer} {subject}", self.occasion().as_str())
    }

    /// What the errand holds.
    pub fn to_payload(&self) -> String {
        serde_json::to_string(self).expect("texts, times and JSON can always be written")
    }

    /// The name of what is said of it to one webhook. What stands in it comes back when the stream is
    /// read again, so that nothing is said twice.
    pub fn source(&self, webhook: WebhookId) -> String {
        let Self { subject, .. } = self;
        format!(
            "place.stream.server:{}:{subject}:{webhook}",
            self.occasion().as_str()
        )
    }

    /// From when on it interests nobody.
    pub fn deadline(&self) -> Timestamp {
        let lasts = self.occasion().lasts();
        self.at.saturating_add(lasts).unwrap_or(Timestamp::MAX)
    }
}

impl What {
    /// Which occasion it is.
    pub fn occasion(&self) -> Occasion {
        match self {
            Self::Chat { .. } => Occasion::Chat,
            Self::Livestream { .. } => Occasion::Livestream,
            Self::Follow => Occasion::Follow,
            Self::Mention { .. } => Occasion::Mention,
            Self::Received { .. } => Occasion::Received,
        }
    }
}
