//! What somebody would write by hand with serde and without validation: types of the same shape.

use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only decoded")]
pub struct Message {
    created_at: String,
    facets: Option<Vec<Facet>>,
    reply: Option<ReplyRef>,
    streamer: String,
    text: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only decoded")]
struct Facet {
    features: Vec<Feature>,
    index: ByteSlice,
}

#[derive(Deserialize)]
#[serde(tag = "$type")]
#[expect(dead_code, reason = "only decoded")]
enum Feature {
    #[serde(rename = "app.bsky.richtext.facet#mention")]
    Mention { did: String },
    #[serde(rename = "app.bsky.richtext.facet#link")]
    Link { uri: String },
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only decoded")]
struct ByteSlice {
    byte_start: i64,
    byte_end: i64,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only decoded")]
struct ReplyRef {
    parent: StrongRef,
    root: StrongRef,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only decoded")]
struct StrongRef {
    uri: String,
    cid: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only decoded")]
pub struct Wh {
    scope: AtUri,
    url: String,
    events: Option<Vec<WhEvent>>,
    secret: Option<String>,
    secret_id: Option<String>,
    enabled: Option<bool>,
    created_at: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum WhEvent {
    Create,
    Update,
    Delete,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only decoded")]
struct AtUri {
    aturi: String,
    backlinks: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only decoded")]
pub struct CreateWebhook {
    url: String,
    events: Vec<Event>,
    active: Option<bool>,
    streamplace_format: Option<bool>,
    prefix: Option<String>,
    suffix: Option<String>,
    rewrite: Option<Vec<RewriteRule>>,
    name: Option<String>,
    description: Option<String>,
    mute_words: Option<Vec<String>>,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
enum Event {
    Chat,
    Livestream,
    Follow,
    Mention,
    #[serde(rename = "stream.received")]
    StreamReceived,
}

#[derive(Clone, Deserialize, Serialize)]
struct RewriteRule {
    from: String,
    to: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only decoded")]
pub struct ListWebhooks {
    limit: Option<i64>,
    cursor: Option<String>,
    active: Option<bool>,
    event: Option<Event>,
}

#[derive(Clone, Deserialize, Serialize)]
pub struct Webhooks {
    webhooks: Vec<Webhook>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

#[derive(Clone, Deserialize, Serialize)]
pub struct OneWebhook {
    webhook: Webhook,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    id: String,
    url: String,
    events: Vec<Event>,
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    streamplace_format: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suffix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rewrite: Option<Vec<RewriteRule>>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_triggered: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mute_words: Option<Vec<String>>,
}
