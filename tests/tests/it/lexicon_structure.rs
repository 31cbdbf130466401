//! The lexicons in `lexicons/` say in our own words what their owners define: the words are ours,
//! everything else must be theirs.
//!
//! Where the published documents are at hand (`../shared` beside the workspace), the structure is
//! compared with them. Where they are not, the fingerprints in `fingerprints.txt`, which the
//! comparison holds true, stand in for them.

mod folder;
mod october;
mod prose;
mod published;
mod structure;

use std::collections::BTreeMap;

use folder::Lexicons;
use serde_json::Value;

/// One line each: fingerprint of a structure that equals the published one, and its NSID.
const FINGERPRINTS: &str = include_str!("lexicon_structure/fingerprints.txt");

/// Documents of which we keep only the definitions that ours refer to.
const EXCERPTS: [&str; 3] = [
    "app.bsky.actor.defs",
    "app.bsky.graph.defs",
    "app.bsky.notification.defs",
];

#[test]
fn every_file_is_named_after_its_id() {
    for (path, document) in folder::files() {
        let id = document["id"].as_str().unwrap_or_default();
        assert_eq!(
            path,
            format!("{}.json", id.replace('.', "/")),
            "{path} holds {id}"
        );
        assert_eq!(document["lexicon"], 1, "{path}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let lexicons = folder::lexicons();
    let mut lost = Vec::new();
    for (id, document) in &lexicons {
        for target in structure::references(id, document) {
            let (document, name) = target.split_once('#').unwrap_or((&target, "main"));
            if lexicons
                .get(document)
                .is_none_or(|found| found["defs"].get(name).is_none())
            {
                lost.push(format!("{id} refers to {target}"));
            }
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn everything_is_described() {
    let mut silent = Vec::new();
    for (id, document) in folder::lexicons() {
        silent.extend(
            prose::undescribed(&document)
                .into_iter()
                .map(|at| format!("{id} {at}")),
        );
    }
    assert!(silent.is_empty(), "no description:\n{}", silent.join("\n"));
}

#[test]
fn the_families_are_complete() {
    let lexicons = folder::lexicons();
    let family = |prefix: &str| lexicons.keys().filter(|id| id.starts_with(prefix)).count();
    // Wisp apart, each has one document of shared definitions beside its methods.
    assert_eq!(family("com.atproto.space."), 21);
    assert_eq!(family("com.atproto.simplespace."), 9);
    assert_eq!(family("place.stream.server."), 6);
    assert_eq!(family("place.wisp.v2."), 5);
}

#[test]
fn structures_have_not_drifted() {
    let expected: BTreeMap<&str, &str> = FINGERPRINTS
        .lines()
        .map(|line| {
            line.split_once(' ')
                .expect("a line is a fingerprint and an NSID")
        })
        .map(|(fingerprint, id)| (id, fingerprint))
        .collect();
    let found: BTreeMap<String, String> = others(folder::lexicons())
        .map(|(id, document)| (id, structure::fingerprint(&structure::of(&document))))
        .collect();
    let lines: Vec<String> = found
        .iter()
        .map(|(id, print)| format!("{print} {id}"))
        .collect();
    let same = found
        .iter()
        .map(|(id, print)| (id.as_str(), print.as_str()))
        .eq(expected);
    assert!(
        same,
        "fingerprints.txt would have to be:\n{}",
        lines.join("\n")
    );
}

#[test]
fn structures_equal_the_published_ones() {
    let Some(published) = published::lexicons() else {
        println!("no published lexicons beside the workspace: the fingerprints stand in for them");
        return;
    };
    for (id, document) in others(folder::lexicons()) {
        let theirs = published
            .get(&id)
            .unwrap_or_else(|| panic!("{id} is nowhere published"));
        let (ours, theirs) = (structure::of(&document), structure::of(theirs));
        if EXCERPTS.contains(&id.as_str()) {
            for (name, definition) in ours["defs"].as_object().expect("defs is an object") {
                assert_eq!(Some(definition), theirs["defs"].get(name), "{id}#{name}");
            }
        } else {
            assert_eq!(ours, theirs, "{id}");
        }
    }
}

#[test]
fn nothing_published_is_left_out() {
    let Some(published) = published::lexicons() else {
        println!("no published lexicons beside the workspace: the families are counted instead");
        return;
    };
    let ours = folder::lexicons();
    let wanted = [
        "com.atproto.space.",
        "com.atproto.simplespace.",
        "place.wisp.v2.",
    ];
    let webhooks = |id: &str| id.starts_with("place.stream.server.") && id.contains("ebhook");
    for id in published
        .keys()
        .filter(|id| wanted.iter().any(|w| id.starts_with(w)) || webhooks(id))
    {
        assert!(ours.contains_key(id), "{id} is missing");
    }
}

#[test]
fn descriptions_are_our_own_words() {
    let Some(published) = published::everything() else {
        println!("no published lexicons beside the workspace: nothing to compare words with");
        return;
    };
    let theirs = prose::Phrases::of(published.iter().flat_map(prose::descriptions));
    let mut copied = Vec::new();
    for (id, document) in folder::lexicons() {
        for text in prose::descriptions(&document) {
            copied.extend(
                theirs
                    .shared_with(&text)
                    .map(|phrase| format!("{id}: {phrase}")),
            );
        }
    }
    assert!(copied.is_empty(), "{}", copied.join("\n"));
}

/// The lexicons that others own.
fn others(lexicons: Lexicons) -> impl Iterator<Item = (String, Value)> {
    lexicons
        .into_iter()
        .filter(|(id, _)| !id.starts_with("dev.loggia."))
}
