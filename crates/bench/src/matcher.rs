//! Finding whom a change concerns among many scopes, against parsing the change.

mod network;
mod tree;

use loggia_firehose::{Event, Matcher, Matches, References, Wanted, jetstream};

use crate::contest::Contest;
use crate::figures::{Verdict, nanoseconds, per_second, row};
use crate::stopwatch;
use network::EVENTS;

/// Matching among the most scopes costs at most this share of parsing,
const SHARE: f64 = 0.25;
/// and this much of what it costs among the fewest.
const GROWTH: f64 = 1.1;
/// Events that one core reads and matches in a second.
const PACE: f64 = 100_000.0;

/// Events that are sifted together, as many as a batch of a stream has.
const BATCH: usize = 512;

/// How many scopes there are.
const FEW: u32 = 1_000;
const SOME: u32 = 100_000;
const MANY: u32 = 1_000_000;

pub fn run() {
    let frames: Vec<String> = (0..EVENTS).map(network::frame).collect();
    let events: Vec<Event> = frames.iter().map(|frame| read(frame)).collect();
    let [few, some, many] = [FEW, SOME, MANY].map(made);
    let length = frames.iter().map(String::len).sum::<usize>() / frames.len();
    let told = |matcher| events.iter().filter(move |event| told(matcher, event) > 0);
    let share = EVENTS / told(&many).count().max(1);
    assert_eq!(told(&few).count(), told(&many).count(), "the same is found");

    against_parsing(
        &frames,
        &events,
        &many,
        &format!("{length} bytes a frame, one of {share} meets a scope"),
    );
    Contest::against("matching alone", "1,000 scopes", matching(&few, &events))
        .lane("100,000 scopes", Some(GROWTH), matching(&some, &events))
        .lane("1,000,000 scopes", Some(GROWTH), matching(&many, &events))
        .run();
    one_account();
}

fn against_parsing(frames: &[String], events: &[Event], matcher: &Matcher<u32>, title: &str) {
    let mut parsed = frames.iter().cycle();
    let mut text = move || parsed.next().map_or("", String::as_str);
    let mut other = frames.iter().cycle();
    let mut other = move || other.next().map_or("", String::as_str);
    Contest::against(title, "serde_json, borrowing, the whole frame", move || {
        tree::parse(text()).is_some()
    })
    .lane("loggia, reading the frame", None, move || read(other()))
    .lane(
        "loggia, matching, 1,000,000 scopes",
        Some(SHARE),
        matching(matcher, events),
    )
    .run();

    let time = stopwatch::median(
        || (),
        |()| {
            let batches = frames.chunks(BATCH).map(|batch| {
                let events: Vec<Event> = batch.iter().map(|frame| read(frame)).collect();
                let mut matching = matching(matcher, &events);
                events.iter().map(|_| matching()).sum::<usize>()
            });
            batches.sum::<usize>()
        },
    );
    let each = time / frames.len() as f64;
    let pace = 1e9 / each / PACE;
    let name = format!("loggia, reading and matching, {}", per_second(each));
    let ratio = format!("{pace:.2} of {}", per_second(1e9 / PACE));
    row(
        &name,
        &nanoseconds(each),
        &ratio,
        &Verdict::at_least(pace, Some(1.0)),
    );
}

/// Every scope is of one account, whose every event is looked at for all of them and meets none.
fn one_account() {
    let events: Vec<Event> = (0..EVENTS)
        .map(|number| read(&network::frame_of_one(number)))
        .collect();
    let [few, many] = [FEW, MANY].map(|size| {
        let mut matcher = Matcher::new();
        (0..size).for_each(|key| matcher.insert(key, network::scope_of_one(key)));
        matcher
    });
    assert!(events.iter().all(|event| told(&many, event) == 0));
    Contest::against(
        "matching, all scopes of one account",
        "1,000 scopes",
        matching(&few, &events),
    )
    .lane("1,000,000 scopes", None, matching(&many, &events))
    .run();
}

/// A matcher of so many scopes; says what it takes to make.
fn made(size: u32) -> Matcher<u32> {
    let before = resident();
    let mut matcher = Matcher::new();
    (0..size).for_each(|key| matcher.insert(key, network::scope(key)));
    println!(
        "  {size} scopes take {} MB",
        (resident() - before) / 1_000_000
    );
    matcher
}

/// Matches the next event, whichever that is; how many are told of it. Before the first of each batch,
/// the batch is sifted.
fn matching<'a>(matcher: &'a Matcher<u32>, events: &'a [Event]) -> impl FnMut() -> usize + 'a {
    let mut places = (0..events.len()).cycle();
    let mut likely = Vec::new();
    let mut found = Matches::default();
    let none = References::default();
    move || {
        let place = places.next().unwrap_or_default();
        if place.is_multiple_of(BATCH) {
            let rest = &events[place..];
            likely = matcher.sift(&rest[..rest.len().min(BATCH)]);
        }
        if !likely[place % BATCH] {
            return 0;
        }
        matcher.matches(&events[place], &none, &mut found);
        found.keys.len()
    }
}

fn told(matcher: &Matcher<u32>, event: &Event) -> usize {
    let mut found = Matches::default();
    matcher.matches(event, &References::default(), &mut found);
    found.keys.len()
}

fn read(frame: &str) -> Event {
    let frame = jetstream::read(frame.as_bytes(), &Wanted::all()).expect("a good frame");
    frame.events.into_iter().next().expect("an event")
}

/// Memory of this process, in bytes.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = pages
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or_default() * 4096
}
