//! What Discord reads as the message of a webhook, and whatever reads the same.

use serde::Serialize;

use super::Telling;
use crate::streamplace::happening::What;
use crate::streamplace::text::cut;

/// The most of a message.
const CONTENT: usize = 2000;
/// The most of a sender's name.
const USERNAME: usize = 80;
/// The most of an embed's title.
const TITLE: usize = 256;

/// Words that Discord refuses in the names of senders.
const RESERVED: [&str; 2] = ["discord", "clyde"];

/// Streamplace's pink, for who has chosen no colour.
const COLOR: u32 = 0x00f8_baca;

/// The sender of everything, where chat carries handles in the text.
const STREAMPLACE: &str = "[Streamplace]";

/// A message.
#[derive(Serialize)]
pub struct Message {
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<String>,
    content: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    embeds: Vec<Embed>,
}

#[derive(Serialize)]
struct Embed {
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    color: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<Image>,
}

#[derive(Serialize)]
struct Image {
    url: String,
}

/// The message for what happened.
pub fn message(telling: &Telling<'_>) -> Message {
    let who = telling.who();
    let avatar = telling.looks.avatar.clone().map(String::from);
    let one_sender = telling.webhook.fields.streamplace_format;
    let (username, avatar_url, by) = match &telling.happening.what {
        What::Received { .. } => (None, None, String::new()),
        What::Livestream { .. } => (Some(username(&who)), avatar, String::new()),
        _ if one_sender => (Some(STREAMPLACE.to_owned()), None, format!("**{who}**: ")),
        _ => (Some(username(&who)), avatar, String::new()),
    };
    Message {
        username,
        avatar_url,
        content: cut(&telling.content(&by), CONTENT),
        embeds: embed(telling).into_iter().collect(),
    }
}

fn embed(telling: &Telling<'_>) -> Option<Embed> {
    let (title, url, image) = match &telling.happening.what {
        What::Livestream { .. } => (
            telling.live(),
            telling.page(),
            telling.looks.picture.clone(),
        ),
        What::Mention { .. } => {
            let (title, url) = telling.mentioned();
            (title, url, None)
        }
        What::Chat { .. } | What::Follow | What::Received { .. } => return None,
    };
    Some(Embed {
        title: cut(&title, TITLE),
        url: url.map(String::from),
        color: telling.looks.color.unwrap_or(COLOR),
        image: image.map(|url| Image { url: url.into() }),
    })
}

/// A name that Discord takes: it looks the same, and is not long, and has no reserved word in it.
fn username(name: &str) -> String {
    let mut name = name.to_owned();
    for word in RESERVED {
        while let Some(at) = name.to_ascii_lowercase().find(word) {
            name.insert(at + 1, '\u{200b}');
        }
    }
    cut(&name, USERNAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_discord_takes() {
        assert_eq!(username("@natalie.sh"), "@natalie.sh");
        assert_eq!(
            username("@Discord.clyde.discord.com"),
            "@D\u{200b}iscord.c\u{200b}lyde.d\u{200b}iscord.com"
        );
        let long = username(&format!("@{}", "a".repeat(200)));
        assert_eq!(long.chars().count(), USERNAME);
    }
}
