//! What changed between two versions of a set of documents, and whom it breaks.
//!
//! The rules of evolution (Lexicon specification): new fields are optional, required fields stay,
//! types and names stay, and old data must satisfy the new schema as well as new data the old one.
//! So a constraint may be neither tightened nor loosened. An open union may gain variants and never
//! lose one; known values, defaults and descriptions are free. What is only written differently
//! (`#a` for `nsid#a`, `"closed": false` for nothing, the order of a set, a `ref` for the object
//! that it leads to) is no change.

mod change;
mod constraint;
mod definition;
mod fields;
mod method;
mod permission;
mod reference;
mod schema;
mod told;
mod usage;

use std::collections::BTreeSet;

pub use change::{Change, Direction, Harm, Kind, Party};
use loggia_syntax::Nsid;

use crate::document::Document;
use crate::library::{DefName, Library, below};
use usage::{Roles, Usage};

/// Compares two versions of a set of documents. Changes come by NSID and pointer; those to a
/// document that stands on one side only are one change each.
pub fn diff<'a>(
    old: impl IntoIterator<Item = &'a Document>,
    new: impl IntoIterator<Item = &'a Document>,
) -> Vec<Change> {
    let (old, new) = (Library::new(old), Library::new(new));
    let usage = Usage::of([&old, &new]);
    let ids: BTreeSet<_> = old
        .documents()
        .chain(new.documents())
        .map(|d| d.id.clone())
        .collect();
    let mut changes = Vec::new();
    for nsid in ids {
        let mut comparison = Comparison::new(&old, &new, &usage, &nsid);
        comparison.documents();
        let mut found = comparison.changes;
        found.sort_by(|a, b| a.pointer.cmp(&b.pointer).then(a.kind.cmp(&b.kind)));
        changes.append(&mut found);
    }
    changes
}

/// Where a comparison stands.
#[derive(Clone, Debug)]
struct Spot {
    pointer: String,
    roles: Roles,
}

impl Spot {
    fn below(&self, step: &str) -> Self {
        Self {
            pointer: below(&self.pointer, step),
            roles: self.roles,
        }
    }

    fn with(self, roles: Roles) -> Self {
        Self { roles, ..self }
    }
}

/// The comparison of one document, or of what two refs lead to.
struct Comparison<'a> {
    old: &'a Library<'a>,
    new: &'a Library<'a>,
    usage: &'a Usage,
    nsid: &'a Nsid,
    /// The documents that local references belong to, on either side.
    bases: (&'a str, &'a str),
    changes: Vec<Change>,
    /// Pairs of targets already compared: what refers to itself is compared once.
    seen: BTreeSet<(DefName, DefName)>,
    /// How many refs were followed to come here.
    depth: u32,
    /// How many more may be followed for one change.
    to_follow: u32,
}

impl<'a> Comparison<'a> {
    fn new(old: &'a Library<'a>, new: &'a Library<'a>, usage: &'a Usage, nsid: &'a Nsid) -> Self {
        Self {
            old,
            new,
            usage,
            nsid,
            bases: (nsid.as_str(), nsid.as_str()),
            changes: Vec::new(),
            seen: BTreeSet::new(),
            depth: 0,
            to_follow: reference::MOST_FOLLOWED,
        }
    }

    fn documents(&mut self) {
        let root = Spot {
            pointer: String::new(),
            roles: Roles::DATA,
        };
        match (
            self.old.document(self.nsid.as_str()),
            self.new.document(self.nsid.as_str()),
        ) {
            (Some(old), Some(new)) => {
                self.words(
                    old.description.as_deref(),
                    new.description.as_deref(),
                    &root,
                );
                self.definitions(old, new);
            }
            (Some(old), None) => {
                let names = old
                    .defs
                    .keys()
                    .map(|name| DefName::new(self.nsid.as_str(), name));
                let roles = names.map(|name| self.roles(&name)).reduce(Roles::or);
                let root = root.with(roles.unwrap_or(Roles::DATA));
                let message = "the document is gone";
                self.breaking(Kind::DocumentRemoved, Direction::Changed, &root, message);
            }
            (None, _) => self.compatible(Kind::DocumentAdded, &root, "a new document"),
        }
    }

    /// Notes a change that the rules of evolution forbid.
    fn breaking(&mut self, kind: Kind, way: Direction, at: &Spot, message: impl Into<String>) {
        self.push(kind, way, at.roles.harmed_by(way), at, message.into(), true);
    }

    /// Notes a change that everybody can live with.
    fn compatible(&mut self, kind: Kind, at: &Spot, message: impl Into<String>) {
        self.push(
            kind,
            Direction::Neutral,
            Vec::new(),
            at,
            message.into(),
            false,
        );
    }

    /// Notes a constraint that moved, if it did.
    fn moved(&mut self, kind: Kind, way: Direction, at: &Spot, message: impl Into<String>) {
        if way != Direction::Neutral {
            self.breaking(kind, way, at, message);
        }
    }

    /// Notes other words for people, if they are.
    fn words(&mut self, old: Option<&str>, new: Option<&str>, at: &Spot) {
        if old != new {
            self.compatible(Kind::Description, at, "the words for people changed");
        }
    }

    fn push(
        &mut self,
        kind: Kind,
        direction: Direction,
        harms: Vec<Harm>,
        at: &Spot,
        message: String,
        breaking: bool,
    ) {
        let mut breaks: Vec<Party> = harms.iter().map(|harm| harm.party()).collect();
        breaks.dedup();
        self.changes.push(Change {
            nsid: self.nsid.clone(),
            pointer: at.pointer.clone(),
            kind,
            direction,
            breaking,
            breaks,
            harms,
            message,
        });
    }
}
