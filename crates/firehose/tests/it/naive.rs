//! The rules again, one scope after another, without any index and without any hurry.

use loggia_firehose::{Action, Event, References, Scope, What};
use serde_json::Value;

/// Which of the scopes an event meets.
pub fn matches(scopes: &[Scope], event: &Event, earlier: &References) -> Vec<usize> {
    let meets = |scope: &Scope| meets(scope, event, earlier);
    let places = scopes.iter().enumerate();
    places
        .filter(|(_, scope)| meets(scope))
        .map(|(place, _)| place)
        .collect()
}

fn meets(scope: &Scope, event: &Event, earlier: &References) -> bool {
    let What::Change(change) = &event.what else {
        return false;
    };
    if !scope.actions().contains(change.action) {
        return false;
    }
    let uri = format!("at://{}/{}/{}", event.did, change.collection, change.rkey);
    if points_into(&uri, scope) {
        return true;
    }
    let mut references = Vec::new();
    if let Some(record) = &change.record {
        let record = serde_json::from_slice(record.as_json()).expect("JSON");
        strings(&record, &mut references);
    }
    if change.action != Action::Create {
        references.extend(earlier.iter().map(str::to_owned));
    }
    let tidy = |text: &String| {
        let end = |letter: char| "),;!?]}'\".".contains(letter);
        text.trim().trim_end_matches(end).to_owned()
    };
    scope.backlinks()
        && references
            .iter()
            .any(|text| points_into(&tidy(text), scope))
}

fn points_into(uri: &str, scope: &Scope) -> bool {
    let Some(path) = uri.strip_prefix("at://") else {
        return false;
    };
    let segments: Vec<&str> = path.split('/').collect();
    let strange = |letter: char| !letter.is_ascii_graphic() || "?#\\".contains(letter);
    if segments.len() > 3 || segments.contains(&"") || uri.contains(strange) {
        return false;
    }
    let collection = scope.collection().is_none_or(|pattern| {
        let text = segments.get(1);
        text.is_some_and(|text| wild(pattern.as_str().as_bytes(), text.as_bytes()))
    });
    let rkey = scope
        .rkey()
        .is_none_or(|rkey| segments.get(2).is_some_and(|text| *text == rkey));
    segments[0] == scope.did().as_str() && collection && rkey
}

/// Whether a pattern matches, by trying everything.
fn wild(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|at| wild(rest, &text[at..])),
        Some((letter, rest)) => text.first() == Some(letter) && wild(rest, &text[1..]),
    }
}

fn strings(value: &Value, to: &mut Vec<String>) {
    match value {
        Value::String(text) => to.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| strings(value, to)),
        Value::Object(values) => values.values().for_each(|value| strings(value, to)),
        _ => {}
    }
}
