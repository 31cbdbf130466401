//! A network of our own making: accounts, what they write, and what is watched of them.
//!
//! Everything follows from numbers, so that every run sees the same. Of each hundred changes about 47
//! are likes, 17 posts (half of them answers), 12 follows, 11 reposts, 8 deletions and 5 other
//! records: what a day of the public network looks like, roughly.

use loggia_firehose::{Actions, Scope};

/// Changes that are gone through: so many that what is looked up for one is in no cache for the next.
pub const EVENTS: usize = 16_384;

/// One of so many changes is of an account that is watched by the first thousand scopes.
const MET: u64 = 50;
/// Those accounts.
const WATCHED: u64 = 1_000;
/// Accounts that nobody watches begin here.
const OTHERS: u64 = 1 << 32;
/// Accounts that write.
const WRITERS: u64 = 2_000_000;

/// The account of a number.
fn did(number: u64) -> String {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let (high, low) = (mixed(number), mixed(number ^ 0x5555));
    let bits = u128::from(high) << 64 | u128::from(low);
    let digit = |place: u32| char::from(DIGITS[(bits >> (5 * place)) as usize & 31]);
    format!("did:plc:{}", (0..24).map(digit).collect::<String>())
}

/// The scope of a number: accounts, collections, patterns and records, every other one with backlinks.
pub fn scope(number: u32) -> Scope {
    let account = did(number.into());
    let text = match number % 20 {
        0..8 => format!("at://{account}"),
        8..14 => format!("at://{account}/app.bsky.feed.post"),
        14..16 => format!("at://{account}/app.bsky.feed.*"),
        16..18 => format!("at://{account}/app.bsky.*"),
        _ => format!("at://{account}/app.bsky.feed.post/{}", rkey(number.into())),
    };
    Scope::read(&text, number.is_multiple_of(2), Actions::ALL).expect("a scope")
}

/// One of many scopes of the same account, none of which is met.
pub fn scope_of_one(number: u32) -> Scope {
    let account = did(0);
    let text = match number % 4 {
        0 => format!("at://{account}/app.bsky.feed.post/{number}"),
        1 => format!("at://{account}/app.example.c{number}"),
        2 => format!("at://{account}/app.example.c{number}.*"),
        _ => format!("at://{account}/*.c{number}"),
    };
    Scope::read(&text, true, Actions::ALL).expect("a scope")
}

/// The frame of a change, as Jetstream sends it.
pub fn frame(number: usize) -> String {
    let number = number as u64;
    let dice = mixed(number);
    let author = if dice.is_multiple_of(MET) {
        did(mixed(dice) % WATCHED)
    } else {
        did(OTHERS + dice % WRITERS)
    };
    written(number, &author)
}

/// The frame of a change of the one account that all of [`scope_of_one`] are about.
pub fn frame_of_one(number: usize) -> String {
    written(number as u64, &did(0))
}

fn written(number: u64, author: &str) -> String {
    let dice = mixed(number ^ 0xabcd);
    let (collection, record) = match dice % 100 {
        0..47 => ("app.bsky.feed.like", subject("app.bsky.feed.like", dice)),
        47..64 => ("app.bsky.feed.post", post(dice)),
        64..76 => ("app.bsky.graph.follow", follow(dice)),
        76..87 => (
            "app.bsky.feed.repost",
            subject("app.bsky.feed.repost", dice),
        ),
        87..95 => return deleted(number, author),
        _ => ("app.bsky.graph.listitem", list_item(dice)),
    };
    let time = 1_790_000_000_000_000 + number * 1_700;
    let (rkey, cid) = (rkey(number), cid(number));
    format!(
        r#"{{"did":"{author}","time_us":{time},"kind":"commit","commit":{{"rev":"{rkey}","operation":"create","collection":"{collection}","rkey":"{rkey}","record":{record},"cid":"{cid}"}}}}"#
    )
}

fn deleted(number: u64, author: &str) -> String {
    let time = 1_790_000_000_000_000 + number * 1_700;
    let rkey = rkey(number);
    format!(
        r#"{{"did":"{author}","time_us":{time},"kind":"commit","commit":{{"rev":"{rkey}","operation":"delete","collection":"app.bsky.feed.like","rkey":"{rkey}"}}}}"#
    )
}

fn subject(kind: &str, dice: u64) -> String {
    let via = match dice % 3 {
        0 => format!(r#","via":{}"#, reference("app.bsky.feed.repost", dice ^ 1)),
        _ => String::new(),
    };
    let subject = reference("app.bsky.feed.post", dice ^ 2);
    format!(
        r#"{{"$type":"{kind}","createdAt":"{}","subject":{subject}{via}}}"#,
        created(dice)
    )
}

fn follow(dice: u64) -> String {
    let subject = did(OTHERS + dice % WRITERS);
    format!(
        r#"{{"$type":"app.bsky.graph.follow","createdAt":"{}","subject":"{subject}"}}"#,
        created(dice)
    )
}

fn list_item(dice: u64) -> String {
    let (list, subject) = (
        did(OTHERS + dice % WRITERS),
        did(OTHERS + mixed(dice) % WRITERS),
    );
    format!(
        r#"{{"$type":"app.bsky.graph.listitem","list":"at://{list}/app.bsky.graph.list/{}","subject":"{subject}","createdAt":"{}"}}"#,
        rkey(dice),
        created(dice)
    )
}

fn post(dice: u64) -> String {
    let reply = match dice % 2 {
        0 => String::new(),
        _ => format!(
            r#","reply":{{"parent":{},"root":{}}}"#,
            reference("app.bsky.feed.post", dice ^ 3),
            reference("app.bsky.feed.post", dice ^ 4)
        ),
    };
    let extra = match dice / 2 % 5 {
        0 => format!(
            r#","embed":{{"$type":"app.bsky.embed.images","images":[{{"alt":"A jetty in the rain, with two boats and nobody about.","aspectRatio":{{"height":1500,"width":2000}},"image":{{"$type":"blob","ref":{{"$link":"{}"}},"mimeType":"image/jpeg","size":{}}}}}]}}"#,
            cid(dice),
            400_000 + dice % 500_000
        ),
        1 => format!(
            r#","embed":{{"$type":"app.bsky.embed.external","external":{{"description":"What the weather service says about the week to come.","title":"Weather, day by day","uri":"https://weather.example/places/{}?days=7\u0026unit=c"}}}}"#,
            dice % 10_000
        ),
        2 => format!(
            r#","embed":{{"$type":"app.bsky.embed.record","record":{}}}"#,
            reference("app.bsky.feed.post", dice ^ 5)
        ),
        3 => format!(
            r#","facets":[{{"$type":"app.bsky.richtext.facet","features":[{{"$type":"app.bsky.richtext.facet#mention","did":"{}"}}],"index":{{"byteEnd":16,"byteStart":4}}}}]"#,
            did(OTHERS + mixed(dice) % WRITERS)
        ),
        _ => String::new(),
    };
    let text = &TEXT[..TEXT.floor_char_boundary(20 + (dice >> 8) as usize % (TEXT.len() - 20))];
    let text = text.replace('\n', "\\n");
    format!(
        r#"{{"$type":"app.bsky.feed.post","createdAt":"{}","langs":["en"],"text":"{text}"{reply}{extra}}}"#,
        created(dice)
    )
}

/// What posts begin with.
const TEXT: &str = "The ferry was late again, so we walked along the mole and counted gulls – \
    forty-one, if the one on the lamp post is a gull.\n\nThere is a bakery at the far end that sells \
    out by nine, and it was ten past. The café beside it had the last of their buns. Tomorrow we try \
    the other shore, and take the early boat for once.";

fn reference(collection: &str, dice: u64) -> String {
    let account = did(OTHERS + mixed(dice) % WRITERS);
    format!(
        r#"{{"cid":"{}","uri":"at://{account}/{collection}/{}"}}"#,
        cid(dice),
        rkey(dice)
    )
}

fn created(dice: u64) -> String {
    format!(
        "2026-09-14T{:02}:{:02}:07.{:03}Z",
        dice % 24,
        dice % 60,
        dice % 1000
    )
}

fn rkey(number: u64) -> String {
    let tid = loggia_syntax::Tid::from_micros(1_700_000_000_000_000 + mixed(number) % (1 << 47), 7);
    tid.expect("before 2255").to_string()
}

fn cid(number: u64) -> String {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let digit = |place: u64| char::from(DIGITS[(mixed(number ^ place << 32) & 31) as usize]);
    // The head of every CID of a record: version 1, DAG-CBOR, SHA-256 of 32 bytes; and a last digit
    // without bits to spare.
    let middle: String = (0..51).map(digit).collect();
    format!("bafyrei{middle}a")
}

/// SplitMix64's finish: numbers in, chance out.
fn mixed(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
