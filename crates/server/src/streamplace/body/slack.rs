//! What Slack reads as the message of a webhook. The sender is the app's own, so that who says
//! something stands in the text.

use serde::Serialize;

use super::Telling;
use crate::streamplace::happening::What;
use crate::streamplace::text::cut;

/// The most of a message: what Slack recommends, of ten times as much that it takes.
const TEXT: usize = 4000;

/// A message.
#[derive(Serialize)]
pub struct Message {
    text: String,
}

/// The message for what happened.
pub fn message(telling: &Telling<'_>) -> Message {
    let by = match &telling.happening.what {
        What::Livestream { .. } | What::Received { .. } => String::new(),
        What::Chat { .. } | What::Follow | What::Mention { .. } => format!("*{}*: ", telling.who()),
    };
    let text = escaped(&cut(&telling.content(&by), TEXT));
    let link = match &telling.happening.what {
        What::Livestream { .. } => Some((telling.live(), telling.page())),
        What::Mention { .. } => Some(telling.mentioned()),
        _ => None,
    };
    let link = match link {
        Some((title, Some(page))) => format!("\n<{}|{}>", linked(page.as_str()), escaped(&title)),
        Some((title, None)) => format!("\n{}", escaped(&title)),
        None => String::new(),
    };
    Message { text: text + &link }
}

/// What would otherwise be a link, a name or a call for attention stays text.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;")
}

/// A URL without what ends it or begins its title. A normal form has neither `<` nor `>` left.
fn linked(url: &str) -> String {
    escaped(url).replace('|', "%7C")
}
