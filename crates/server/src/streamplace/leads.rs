//! What of the record stream webhooks may want to hear. Only as much of a record is read as is told.

use std::borrow::Cow;

use loggia_api::app::bsky::graph::follow::Follow;
use loggia_api::place::stream::chat::message::Message;
use loggia_api::place::stream::livestream::Livestream;
use loggia_firehose::{Action, Change, Event, What as EventWhat};
use loggia_syntax::Did;
use loggia_xrpc::ObjectType;
use serde::Deserialize;

use super::happening::What;
use super::named::named;

/// Records that say that one account follows another. Streamplace goes by Bluesky's; for one of its
/// own, of which nothing is published so far, its lexicons have this place.
const FOLLOWS: [&str; 2] = [Follow::TYPE, "place.stream.graph.follow"];

/// Bluesky's posts. Of their lexicon, and the dozen that belong to it, nothing else is of use here.
const POST: &str = "app.bsky.feed.post";

/// The most of a text that is kept, in bytes: three times what the lexicon of chats allows.
const LONGEST_TEXT: usize = 9000;

/// Something that a streamer's webhooks may want to hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lead {
    /// Whose.
    pub streamer: Did,
    /// What.
    pub what: What,
}

#[derive(Deserialize)]
struct Spoken<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Chat<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
    streamer: Did,
}

#[derive(Deserialize)]
struct Announced<'a> {
    #[serde(borrow)]
    title: Cow<'a, str>,
    #[serde(default)]
    url: Option<String>,
    #[serde(default)]
    thumb: Option<Thumb>,
    #[serde(default, rename = "notificationSettings")]
    settings: Option<Settings>,
}

#[derive(Deserialize)]
struct Thumb {
    #[serde(rename = "ref")]
    link: Link,
}

#[derive(Deserialize)]
struct Link {
    #[serde(rename = "$link")]
    cid: String,
}

#[derive(Deserialize)]
struct Settings {
    #[serde(default, rename = "pushNotification")]
    push: Option<bool>,
}

#[derive(Deserialize)]
struct Subject {
    subject: Did,
}

/// The change that an event tells of, and what it may be to whom. Only what is new counts: an old
/// message that is mended is not said again.
pub fn leads(event: &Event) -> Option<(&Change, Vec<Lead>)> {
    let EventWhat::Change(change) = &event.what else {
        return None;
    };
    let record = change
        .record
        .as_ref()
        .filter(|_| change.action == Action::Create)?;
    let leads = match change.collection.as_str() {
        Message::TYPE => talk(&event.did, record.as_json()),
        Livestream::TYPE => announcement(&event.did, record.as_json()),
        POST => post(&event.did, record.as_json()),
        name if FOLLOWS.contains(&name) => follow(&event.did, record.as_json()),
        _ => None,
    };
    leads.map(|leads| (change, leads))
}

/// A message is for the streamer whose chat it stands in, and for those whom it names.
fn talk(author: &Did, record: &[u8]) -> Option<Vec<Lead>> {
    let chat: Chat<'_> = serde_json::from_slice(record).ok()?;
    let text = shortened(&chat.text);
    let what = What::Chat { text: text.clone() };
    let mut leads = mentions(author, record, &text, Some(&chat.streamer));
    leads.insert(
        0,
        Lead {
            streamer: chat.streamer,
            what,
        },
    );
    Some(leads)
}

fn post(author: &Did, record: &[u8]) -> Option<Vec<Lead>> {
    let spoken: Spoken<'_> = serde_json::from_slice(record).ok()?;
    Some(mentions(author, record, &shortened(&spoken.text), None))
}

/// Nobody is told of naming themselves.
fn mentions(author: &Did, record: &[u8], text: &str, chat: Option<&Did>) -> Vec<Lead> {
    let others = named(record).into_iter().filter(|did| did != author);
    others
        .map(|streamer| Lead {
            streamer,
            what: What::Mention {
                text: text.to_owned(),
                chat: chat.cloned(),
            },
        })
        .collect()
}

/// A streamer who wants nobody to be notified wants no webhook to be told either.
fn announcement(author: &Did, record: &[u8]) -> Option<Vec<Lead>> {
    let announced: Announced<'_> = serde_json::from_slice(record).ok()?;
    let quiet = announced.settings.and_then(|settings| settings.push) == Some(false);
    let lead = Lead {
        streamer: author.clone(),
        what: What::Livestream {
            title: shortened(&announced.title),
            url: announced.url,
            thumb: announced.thumb.map(|thumb| thumb.link.cid),
        },
    };
    (!quiet).then(|| vec![lead])
}

fn follow(author: &Did, record: &[u8]) -> Option<Vec<Lead>> {
    let Subject { subject } = serde_json::from_slice(record).ok()?;
    let lead = Lead {
        streamer: subject,
        what: What::Follow,
    };
    (lead.streamer != *author).then(|| vec![lead])
}

fn shortened(text: &str) -> String {
    text[..text.floor_char_boundary(LONGEST_TEXT)].to_owned()
}

#[cfg(test)]
mod tests;
