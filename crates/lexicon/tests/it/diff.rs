//! Two versions of a document and what is said of the difference.

mod evolution;
mod false_positives;
mod missed_elsewhere;
mod oracle;

use loggia_lexicon::diff::diff;
use loggia_lexicon::document::Document;

/// Holds all changes, each as `breaking|compatible kind direction pointer (parties)`.
fn check(old: &Document, new: &Document, wanted: &[&str]) {
    check_all(&[old], &[new], wanted);
}

fn check_all(old: &[&Document], new: &[&Document], wanted: &[&str]) {
    let changes = diff(old.iter().copied(), new.iter().copied());
    let found: Vec<_> = changes
        .iter()
        .map(|change| {
            let weight = if change.breaking {
                "breaking"
            } else {
                "compatible"
            };
            let parties: Vec<_> = change.breaks.iter().map(|party| party.as_str()).collect();
            let (kind, way, at) = (change.kind, change.direction, &change.pointer);
            format!("{weight} {kind} {way} {at} ({})", parties.join(", "))
        })
        .collect();
    assert_eq!(found, wanted);
}
