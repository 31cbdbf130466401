//! Records to measure with.

use serde_json::Value;

/// A valid record.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// What it is, for people.
    pub name: &'static str,
    /// Its collection.
    pub collection: &'static str,
    /// The record as JSON.
    pub text: &'static str,
}

impl Sample {
    /// What it is and how large.
    pub fn title(&self) -> String {
        format!(
            "{} ({}, {} bytes)",
            self.name,
            self.collection,
            self.text.len()
        )
    }

    /// The record, parsed.
    pub fn value(&self) -> Value {
        serde_json::from_str(self.text).expect("samples are JSON")
    }
}

macro_rules! sample {
    ($name:literal, $collection:literal, $file:literal) => {
        Sample {
            name: $name,
            collection: $collection,
            // No white space, as records travel.
            text: include_str!(concat!("../samples/", $file)).trim_ascii_end(),
        }
    };
}

/// A chat message with a facet and a reply, for which there is a generated type.
pub const MESSAGE: Sample = sample!("chat message", "place.stream.chat.message", "message.json");
/// A webhook record, for which there is a generated type.
pub const WH: Sample = sample!("webhook record", "place.wisp.v2.wh", "wh.json");
/// The input of `place.stream.server.createWebhook`, which is no record.
pub const CREATE_WEBHOOK: Sample = sample!(
    "input of a procedure",
    "place.stream.server.createWebhook",
    "create_webhook.json"
);

/// Records of all sizes; those without a lexicon in a catalog are to be left out.
pub const RECORDS: [Sample; 6] = [
    sample!("post", "app.bsky.feed.post", "post.json"),
    sample!("like", "app.bsky.feed.like", "like.json"),
    sample!("follow", "app.bsky.graph.follow", "follow.json"),
    sample!("big post", "app.bsky.feed.post", "big_post.json"),
    MESSAGE,
    WH,
];
