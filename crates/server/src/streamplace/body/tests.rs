//! Bodies, whole, as receivers get them.

use jiff::Timestamp;
use loggia_storage::{RewriteRule, WebhookFields, WebhookId};
use loggia_syntax::{Did, Handle, Nsid};
use serde_json::{Value, json};

use super::*;

const AT: Timestamp = Timestamp::constant(1_700_000_000, 0);

fn did(name: &str) -> Did {
    Did::new(format!("did:plc:{name}")).expect("a DID")
}

fn happening(what: What) -> Happening {
    let (kind, subject) = match &what {
        What::Chat { .. } | What::Mention { chat: Some(_), .. } => {
            let uri = "at://did:plc:natalie/place.stream.chat.message/3kabc";
            ("place.stream.chat.message", uri)
        }
        What::Mention { chat: None, .. } => (
            "app.bsky.feed.post",
            "at://did:plc:natalie/app.bsky.feed.post/3kabc",
        ),
        What::Livestream { .. } => (
            "place.stream.livestream",
            "at://did:plc:natalie/place.stream.livestream/3kabc",
        ),
        What::Follow => (
            "app.bsky.graph.follow",
            "at://did:plc:natalie/app.bsky.graph.follow/3kabc",
        ),
        What::Received { .. } => ("dev.loggia.stream.notifyReceived", "did:plc:alice::one"),
    };
    Happening {
        streamer: did("alice"),
        actor: did("natalie"),
        subject: subject.to_owned(),
        kind: Nsid::from_static(kind),
        at: AT,
        what,
        record: Some(serde_json::value::to_raw_value(&json!({ "a": 1 })).expect("JSON")),
    }
}

fn chat(text: &str) -> Happening {
    happening(What::Chat {
        text: text.to_owned(),
    })
}

fn live(url: Option<&str>) -> Happening {
    happening(What::Livestream {
        title: "foo @everyone".to_owned(),
        url: url.map(str::to_owned),
        thumb: Some("bafy".to_owned()),
    })
}

fn looks() -> Looks {
    Looks {
        handle: Some(Handle::from_static("natalie.sh")),
        avatar: usable("https://cdn.example/natalie.jpg"),
        color: None,
        picture: usable("https://pds.example/xrpc/com.atproto.sync.getBlob?cid=bafy"),
    }
}

fn fields(prefix: &str, suffix: &str) -> WebhookFields {
    WebhookFields {
        url: "https://discord.com/api/webhooks/1/x".to_owned(),
        prefix: prefix.to_owned(),
        suffix: suffix.to_owned(),
        ..WebhookFields::default()
    }
}

fn rewrite(from: &str, to: &str) -> RewriteRule {
    let (from, to) = (from.to_owned(), to.to_owned());
    RewriteRule { from, to }
}

fn webhook(fields: WebhookFields) -> Webhook {
    Webhook {
        id: WebhookId::new(AT, [1; 10]),
        owner: did("alice"),
        fields,
        created_at: AT,
        updated_at: None,
        last_triggered: None,
        error_count: 0,
    }
}

fn body_of(happening: &Happening, looks: &Looks, fields: WebhookFields) -> Value {
    let webhook = webhook(fields);
    let telling = Telling {
        happening,
        looks,
        webhook: &webhook,
    };
    serde_json::from_slice(&telling.body().expect("JSON")).expect("JSON")
}

fn body(happening: &Happening, fields: WebhookFields) -> Value {
    body_of(happening, &looks(), fields)
}

#[test]
fn receiver_sees_the_username_and_the_content_between_prefix_and_suffix() {
    let mut looks = looks();
    looks.avatar = None;
    let seen = body_of(&chat("hello world"), &looks, fields("[Streamplace] ", "!"));
    let expected = json!({ "username": "@natalie.sh", "content": "[Streamplace] hello world!" });
    assert_eq!(seen, expected);
    let seen = body(&chat("hello"), fields("", ""));
    assert_eq!(seen["avatar_url"], "https://cdn.example/natalie.jpg");
    let nameless = body_of(&chat("hello"), &Looks::default(), fields("", ""));
    let expected = json!({ "username": "@did:plc:natalie", "content": "hello" });
    assert_eq!(nameless, expected);
}

#[test]
fn streamplace_format_puts_the_handle_into_the_content_and_has_no_avatar() {
    let fields = WebhookFields {
        streamplace_format: true,
        ..fields("p ", " s")
    };
    let expected = json!({
        "username": "[Streamplace]",
        "content": "**@natalie.sh**: p hello world s",
    });
    assert_eq!(body(&chat("hello world"), fields), expected);
}

#[test]
fn everyone_here_and_ids_arrive_with_u_200b_after_each_at() {
    let seen = body(
        &chat("hi @everyone and @here and <@1234>"),
        fields("<@7> ", ""),
    );
    let expected = "<@\u{200b}7> hi @\u{200b}everyone and @\u{200b}here and <@\u{200b}1234>";
    assert_eq!(seen["content"], expected);
}

#[test]
fn a_rewrite_applies_in_both_formats_and_after_anti_ping_for_chat() {
    for streamplace_format in [false, true] {
        let fields = WebhookFields {
            streamplace_format,
            rewrite: vec![rewrite("foo", "bar"), rewrite("@\u{200b}here", "@here")],
            ..fields("foo ", "")
        };
        let seen = body(&chat("foo baz @here"), fields);
        let content = seen["content"].as_str().expect("a text");
        assert!(content.ends_with("bar bar baz @here"), "{content}");
    }
}

#[test]
fn livestream_post_has_one_embed_with_title_url_color_and_image() {
    let fields = || WebhookFields {
        rewrite: vec![rewrite("foo", "bar")],
        ..fields("foo ", " <@7>")
    };
    let seen = body(&live(Some("https://stream.place")), fields());
    let expected = json!({
        "username": "@natalie.sh",
        "avatar_url": "https://cdn.example/natalie.jpg",
        "content": "foo 🔴 LIVE bar @everyone <@7>",
        "embeds": [{
            "title": "@natalie.sh is LIVE on stream.place!",
            "url": "https://stream.place/",
            "color": 16_300_746,
            "image": { "url": "https://pds.example/xrpc/com.atproto.sync.getBlob?cid=bafy" },
        }],
    });
    assert_eq!(seen, expected);
    let looks = Looks {
        color: Some(0x0102_03ff),
        ..Looks::default()
    };
    for url in [None, Some("javascript:alert(1)"), Some("nowhere")] {
        let seen = body_of(&live(url), &looks, fields());
        let expected = json!([{ "title": "@did:plc:natalie is LIVE!", "color": 0x0102_03ff }]);
        assert_eq!(seen["embeds"], expected, "{url:?}");
    }
}

#[test]
fn video_that_has_come_in_is_a_text_alone() {
    let happening = happening(What::Received { title: None });
    let fields = WebhookFields {
        rewrite: vec![rewrite("stream.received", "video of")],
        ..fields("> ", " <")
    };
    let expected = json!({ "content": "> video of did:plc:alice <" });
    assert_eq!(body(&happening, fields), expected);
}

#[test]
fn a_follow_and_a_mention_look_like_chat() {
    let seen = body(&happening(What::Follow), fields("", "!"));
    let expected = json!({
        "username": "@natalie.sh",
        "avatar_url": "https://cdn.example/natalie.jpg",
        "content": "started following you!",
    });
    assert_eq!(seen, expected);
    let mention = |chat| {
        let text = "@alice <@7> look".to_owned();
        happening(What::Mention { text, chat })
    };
    let seen = body(&mention(None), fields("", ""));
    assert_eq!(seen["content"], "@alice <@\u{200b}7> look");
    let embed = json!([{
        "title": "@natalie.sh mentioned you in a post",
        "url": "https://bsky.app/profile/did:plc:natalie/post/3kabc",
        "color": 16_300_746,
    }]);
    assert_eq!(seen["embeds"], embed);
    let seen = body(&mention(Some(did("bob"))), fields("", ""));
    let embed = json!([{
        "title": "@natalie.sh mentioned you in a chat",
        "color": 16_300_746,
    }]);
    assert_eq!(seen["embeds"], embed);
}

#[test]
fn what_discord_would_refuse_is_cut() {
    let seen = body(&chat(&"é".repeat(3000)), fields("", ""));
    let content = seen["content"].as_str().expect("a text");
    assert_eq!(content.chars().count(), 2000);
    assert!(content.ends_with("é…"));
}

#[test]
fn slack_reads_text_in_which_nothing_is_a_link_or_a_name() {
    let fields = || WebhookFields {
        url: "https://hooks.slack.com/services/T/B/x".to_owned(),
        rewrite: vec![rewrite("<3", "love")],
        ..fields("", "")
    };
    let seen = body(&chat("<!channel> & <@U1> <3 @here"), fields());
    let expected = json!({
        "text": "*@natalie.sh*: &lt;!channel&gt; &amp; &lt;@\u{200b}U1&gt; love @\u{200b}here",
    });
    assert_eq!(seen, expected);
    let seen = body(&live(Some("https://stream.place/a|b")), fields());
    let expected = json!({
        "text": "🔴 LIVE foo @everyone\n\
                 <https://stream.place/a%7Cb|@natalie.sh is LIVE on stream.place!>",
    });
    assert_eq!(seen, expected);
}

#[test]
fn programs_read_the_facts() {
    let fields = WebhookFields {
        format: Some(WebhookFormat::Json),
        rewrite: vec![rewrite("foo", "bar")],
        ..fields("> ", "")
    };
    let seen = body(&chat("foo @here"), fields.clone());
    let expected = json!({
        "event": "chat",
        "subject": "at://did:plc:natalie/place.stream.chat.message/3kabc",
        "at": "2023-11-14T22:13:20Z",
        "webhook": WebhookId::new(AT, [1; 10]).to_string(),
        "streamer": "did:plc:alice",
        "actor": {
            "did": "did:plc:natalie",
            "handle": "natalie.sh",
            "avatar": "https://cdn.example/natalie.jpg",
        },
        "text": "> bar @here",
        "picture": "https://pds.example/xrpc/com.atproto.sync.getBlob?cid=bafy",
        "chat": "did:plc:alice",
        "record": { "a": 1 },
    });
    assert_eq!(seen, expected);
    let seen = body_of(&live(None), &Looks::default(), fields);
    assert_eq!(
        (&seen["event"], &seen["title"]),
        (&json!("livestream"), &json!("foo @everyone"))
    );
    assert_eq!(seen.get("text"), None);
}

#[test]
fn the_host_decides_unless_the_owner_does() {
    let with = |url: &str, format: Option<WebhookFormat>| {
        let url = url.to_owned();
        format_of(WebhookFields {
            url,
            format,
            ..fields("", "")
        })
    };
    fn format_of(fields: WebhookFields) -> WebhookFormat {
        format(&webhook(fields))
    }
    assert_eq!(
        with("https://hooks.slack.com/services/x", None),
        WebhookFormat::Slack
    );
    assert_eq!(
        with("https://discord.com/api/webhooks/1/x", None),
        WebhookFormat::Discord
    );
    assert_eq!(
        with("https://hooks.slack.com.evil.example/x", None),
        WebhookFormat::Discord
    );
    let chosen = Some(WebhookFormat::Json);
    assert_eq!(
        with("https://hooks.slack.com/services/x", chosen),
        WebhookFormat::Json
    );
}

#[test]
fn words_of_others_are_muted_and_nothing_else() {
    let muting = || WebhookFields {
        mute_words: vec!["SPAM".to_owned()],
        ..fields("spam", "")
    };
    let muted = |happening: &Happening| {
        let webhook = webhook(muting());
        Telling {
            happening,
            looks: &looks(),
            webhook: &webhook,
        }
        .is_muted()
    };
    assert!(muted(&chat("buy spam now")));
    assert!(!muted(&chat("buy ham now")));
    let text = "Spam!".to_owned();
    assert!(muted(&happening(What::Mention { text, chat: None })));
    let title = "spam".to_owned();
    let (url, thumb) = (None, None);
    assert!(!muted(&happening(What::Livestream { title, url, thumb })));
}
