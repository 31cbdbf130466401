//! What is posted to a webhook.

mod discord;
mod json;
mod slack;

use bytes::Bytes;
use loggia_delivery::{Notification, Target};
use loggia_storage::{Webhook, WebhookFormat};
use url::Url;

use super::happening::{Happening, What};
use super::looks::Looks;
use super::text;

/// Slack's hosts for webhooks. Everywhere else are Discord's, and those that read the same.
const SLACK: [&str; 2] = ["hooks.slack.com", "hooks.slack-gov.com"];

/// The longest URL that goes into a body, in bytes: what chat programs take.
const LONGEST_URL: usize = 2048;

/// Everything that a body is made of.
#[derive(Clone, Copy)]
pub struct Telling<'a> {
    /// What happened.
    pub happening: &'a Happening,
    /// How those look whom it is about.
    pub looks: &'a Looks,
    /// Who is told.
    pub webhook: &'a Webhook,
}

impl Telling<'_> {
    /// The body, in the webhook's format.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn body(&self) -> Result<Bytes, serde_json::Error> {
        let body = match format(self.webhook) {
            WebhookFormat::Discord => serde_json::to_vec(&discord::message(self)),
            WebhookFormat::Slack => serde_json::to_vec(&slack::message(self)),
            WebhookFormat::Json => serde_json::to_vec(&json::facts(self)),
        }?;
        debug_assert!(body.len() <= Notification::MAX_BODY, "each part is cut");
        Ok(body.into())
    }

    /// Whether the owner does not want to hear this: it has words of somebody else, and one of them is
    /// muted.
    pub fn is_muted(&self) -> bool {
        match &self.happening.what {
            What::Chat { text } | What::Mention { text, .. } => {
                text::is_muted(text, &self.webhook.fields.mute_words)
            }
            What::Livestream { .. } | What::Follow | What::Received { .. } => false,
        }
    }

    /// Who did it, as in a chat: `@` and the handle, or the DID of somebody without one.
    fn who(&self) -> String {
        match &self.looks.handle {
            Some(handle) => format!("@{handle}"),
            None => format!("@{}", self.happening.actor),
        }
    }

    /// What is said, before the owner's words and rules.
    fn said(&self) -> String {
        match &self.happening.what {
            What::Chat { text } | What::Mention { text, .. } => text.clone(),
            What::Follow => "started following you".to_owned(),
            What::Livestream { title, .. } => format!("🔴 LIVE {title}"),
            What::Received { .. } => format!("stream.received {}", self.happening.streamer),
        }
    }

    /// What is said, with the owner's words around it, and `by` before that. What strangers wrote
    /// notifies nobody unless the owner's rules make it so, which apply last and to everything. What
    /// the streamer's own software says is framed after the rules, and may notify.
    fn content(&self, by: &str) -> String {
        let fields = &self.webhook.fields;
        match &self.happening.what {
            What::Livestream { .. } | What::Received { .. } => {
                text::framed(&text::rewritten(&self.said(), &fields.rewrite), fields)
            }
            What::Chat { .. } | What::Mention { .. } | What::Follow => {
                let all = [by, &text::framed(&self.said(), fields)].concat();
                text::rewritten(&text::without_pings(&all), &fields.rewrite)
            }
        }
    }

    /// The page of the stream, if the record names one that can be opened.
    fn page(&self) -> Option<Url> {
        match &self.happening.what {
            What::Livestream { url, .. } => usable(url.as_deref()?),
            _ => None,
        }
    }

    /// That somebody is live, and where.
    fn live(&self) -> String {
        let page = self.page();
        match page.as_ref().and_then(Url::host_str) {
            Some(host) => format!("{} is LIVE on {host}!", self.who()),
            None => format!("{} is LIVE!", self.who()),
        }
    }

    /// Where the streamer is named, and the page that shows it, if there is one.
    fn mentioned(&self) -> (String, Option<Url>) {
        let Happening { actor, subject, .. } = self.happening;
        if let What::Mention { chat: Some(_), .. } = &self.happening.what {
            return (format!("{} mentioned you in a chat", self.who()), None);
        }
        let rkey = subject.rsplit('/').next().unwrap_or_default();
        let page = format!("https://bsky.app/profile/{actor}/post/{rkey}");
        (
            format!("{} mentioned you in a post", self.who()),
            usable(&page),
        )
    }
}

/// The format that was chosen for a webhook, or that its host reads.
pub fn format(webhook: &Webhook) -> WebhookFormat {
    let by_host = || {
        let target = Target::new(&webhook.fields.url).ok();
        let host = target.map(|target| target.host().clone());
        let host = host.as_deref().and_then(|host| host.rsplit_once(':'));
        match host {
            Some((host, _)) if SLACK.contains(&host) => WebhookFormat::Slack,
            _ => WebhookFormat::Discord,
        }
    };
    webhook.fields.format.unwrap_or_else(by_host)
}

/// A URL that chat programs show: they refuse a whole message for one that they do not like.
pub fn usable(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let fits = matches!(url.scheme(), "https" | "http")
        && url.has_host()
        && url.as_str().len() <= LONGEST_URL;
    fits.then_some(url)
}

#[cfg(test)]
mod tests;
