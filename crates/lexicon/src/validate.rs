//! Validation of data against a catalog, without generated code.
//!
//! A [`Validator`] is compiled once per catalog and then only read: it validates any number of
//! values at the same time, and allocates nothing on the way through valid data. Every violation
//! is found, not only the first (as many as [`Report::MOST`], and then one that says that there are
//! more); how deep and how far it goes is bounded by [`Report::DEPTH`] and [`Report::STEPS`].
//!
//! The rules are the functions of [`loggia_syntax::check`], the same that generated code calls.
//! Rulings where implementations differ:
//!
//! - A record says by `$type` which one it is, wherever it stands; for an object behind a ref
//!   `$type` is one more field.
//! - `$type` never ends in `#main`. In an open union what is not listed is taken as it is, known
//!   elsewhere or not.
//! - A required field with a default is required. Data is never filled in or mended.
//! - Fields that a schema does not mention may be anything in the data model, and no more.
//! - A format that is not known takes any text. A ref to a token takes any text.
//! - What refers to something that is not there, or cannot be used, cannot be judged: a violation
//!   where there is a value, unless [`Validator::allow_unresolved`].

mod blob;
mod compile;
mod free;
mod object;
mod program;
mod view;
mod walk;

pub use view::{DataFields, DataView, JsonFields, ObjectView, Shape};

use std::sync::Arc;

use loggia_syntax::check::{self, At, Code, Report, Violation};
use loggia_syntax::{Nsid, RecordKey, Tid};

use crate::catalog::Catalog;
use crate::document::KeyType;
use program::{Def, Node, NodeId, Parts, Program, Role};
use walk::Walk;

/// How much a record's lexicon counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// A record without a known lexicon is refused.
    #[default]
    Required,
    /// A record without a known lexicon is let through; any other is validated.
    Optimistic,
    /// No record is validated.
    Off,
}

/// What a record that is not refused was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It follows its lexicon.
    Valid,
    /// Its lexicon is not known, or was not to be looked at. It is in the data model, and its
    /// `$type` is right.
    Unchecked,
}

/// Validates data against the definitions of a catalog. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Validator {
    program: Arc<Program>,
    mode: Mode,
    allow_unresolved: bool,
    strict_blobs: bool,
    steps: u32,
}

impl Validator {
    /// Compiles a catalog. Lexicons are required and blobs are checked strictly, as for a write.
    pub fn new(catalog: &Catalog) -> Self {
        Self {
            program: Arc::new(compile::compile(catalog)),
            mode: Mode::Required,
            allow_unresolved: false,
            strict_blobs: true,
            steps: Report::STEPS,
        }
    }

    /// How much a record's lexicon counts.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Takes any data where a schema cannot be judged by, because what it refers to is missing.
    #[must_use]
    pub fn allow_unresolved(mut self, allow: bool) -> Self {
        self.allow_unresolved = allow;
        self
    }

    /// Whether blobs must be of today's form, of an accepted type and not too large: right for
    /// writes, wrong for reading what others wrote.
    #[must_use]
    pub fn strict_blobs(mut self, strict: bool) -> Self {
        self.strict_blobs = strict;
        self
    }

    /// Gives up after visiting this many values, instead of after [`Report::STEPS`].
    #[must_use]
    pub fn steps(mut self, steps: u32) -> Self {
        self.steps = steps;
        self
    }

    /// About how much memory the compiled catalog takes, in bytes.
    pub fn size(&self) -> usize {
        self.program.size()
    }

    /// Validates a record of a collection.
    ///
    /// # Errors
    /// Every violation; a collection without a usable lexicon is one, depending on the
    /// [`Mode`].
    pub fn record<'v, V: DataView<'v>>(
        &self,
        collection: &str,
        value: V,
    ) -> Result<Outcome, Vec<Violation>> {
        let mut walk = self.walk();
        let outcome = match self.program.names.get(collection) {
            _ if self.mode == Mode::Off => walk.unchecked(collection, value),
            None if self.mode == Mode::Optimistic => walk.unchecked(collection, value),
            None => {
                let why = format_args!("there is no lexicon for `{collection}`");
                check::unusable_schema(why, &At::ROOT, &mut walk.report);
                Outcome::Valid
            }
            Some(&def) => walk.known(&self.program.defs[def as usize], value),
        };
        walk.report.finish().map(|()| outcome)
    }

    /// Validates a record key of a collection. Whatever the collection, the key follows the
    /// general syntax; without a usable lexicon nothing more is known.
    ///
    /// # Errors
    /// The one violation, at `$`.
    pub fn record_key(&self, collection: &str, key: &str) -> Result<(), Vec<Violation>> {
        let mut report = Report::new();
        let wrong = match (RecordKey::check(key), self.key_type(collection)) {
            (Err(error), _) => Some(error),
            (Ok(()), Some(KeyType::Tid)) => Tid::check(key).err(),
            (Ok(()), Some(KeyType::Nsid)) => Nsid::check(key).err(),
            (Ok(()), Some(KeyType::Literal(literal))) => {
                check::const_string(key, literal, &At::ROOT, &mut report);
                None
            }
            (Ok(()), Some(KeyType::Any | KeyType::Unsupported(_)) | None) => None,
        };
        if let Some(error) = wrong {
            report.push(&At::ROOT, Code::InvalidFormat, error.with_text(key));
        }
        report.finish()
    }

    fn key_type(&self, collection: &str) -> Option<&KeyType> {
        let Role::Record(key) = self.program.find(collection)?.role else {
            return None;
        };
        self.program.keys[key as usize].as_ref()
    }

    /// Validates a value against a definition, named `nsid`, `nsid#main` or `nsid#name`.
    ///
    /// # Errors
    /// Every violation; a definition that is not there, or describes no data, is one.
    pub fn value<'v, V: DataView<'v>>(&self, name: &str, value: V) -> Result<(), Vec<Violation>> {
        let mut walk = self.walk();
        match self.program.find(name) {
            Some(def) => walk.value(def.node, value, &At::ROOT),
            None => {
                let why = format_args!("there is no definition `{name}`");
                check::unusable_schema(why, &At::ROOT, &mut walk.report);
            }
        }
        walk.report.finish()
    }

    /// Validates the parameters of a method, as an object of typed values: a server has turned
    /// text into numbers and booleans by then.
    ///
    /// # Errors
    /// Every violation; a method that is not there is one.
    pub fn params<'v, V: DataView<'v>>(&self, nsid: &str, value: V) -> Result<(), Vec<Violation>> {
        self.part(nsid, value, |parts| parts.params)
    }

    /// Validates the input of a procedure. An input without a schema takes everything.
    ///
    /// # Errors
    /// Every violation; a method that is not there is one.
    pub fn input<'v, V: DataView<'v>>(&self, nsid: &str, value: V) -> Result<(), Vec<Violation>> {
        self.part(nsid, value, |parts| parts.input)
    }

    /// Validates the output of a query or procedure. An output without a schema takes everything.
    ///
    /// # Errors
    /// Every violation; a method that is not there is one.
    pub fn output<'v, V: DataView<'v>>(&self, nsid: &str, value: V) -> Result<(), Vec<Violation>> {
        self.part(nsid, value, |parts| parts.output)
    }

    /// Validates a message of a subscription by the type that its frame names (`#commit`): the
    /// payload of a frame has no `$type`.
    ///
    /// # Errors
    /// Every violation; a subscription that is not there is one.
    pub fn message<'v, V: DataView<'v>>(
        &self,
        nsid: &str,
        kind: &str,
        value: V,
    ) -> Result<(), Vec<Violation>> {
        let message = match self.program.find(nsid).map(|def| def.role) {
            Some(Role::Method(parts)) => self.program.methods[parts as usize].message,
            _ => None,
        };
        let Some(Node::Union(rule)) = message.map(|node| self.program.nodes[node as usize]) else {
            return self.part(nsid, value, |parts| parts.message);
        };
        let mut walk = self.walk();
        match self.program.variant_of(rule, nsid, kind) {
            Some(node) => walk.value(node, value, &At::ROOT),
            None => walk.unlisted(rule, kind, value, &At::ROOT),
        }
        walk.report.finish()
    }

    fn part<'v, V: DataView<'v>>(
        &self,
        nsid: &str,
        value: V,
        choose: impl FnOnce(&Parts) -> Option<NodeId>,
    ) -> Result<(), Vec<Violation>> {
        let mut walk = self.walk();
        match self.program.find(nsid).map(|def| def.role) {
            Some(Role::Method(parts)) => match choose(&self.program.methods[parts as usize]) {
                Some(node) => walk.value(node, value, &At::ROOT),
                None => walk.free(value, &At::ROOT),
            },
            _ => {
                let why = format_args!("there is no method `{nsid}`");
                check::unusable_schema(why, &At::ROOT, &mut walk.report);
            }
        }
        walk.report.finish()
    }

    fn walk(&self) -> Walk<'_> {
        let report = Report::new().with_steps(self.steps);
        let report = if self.strict_blobs {
            report
        } else {
            report.with_lenient_blobs()
        };
        Walk {
            program: &self.program,
            allow_unresolved: self.allow_unresolved,
            report,
        }
    }
}

impl Walk<'_> {
    /// A record whose lexicon is there.
    fn known<'v, V: DataView<'v>>(&mut self, def: &Def, value: V) -> Outcome {
        match self.program.nodes[def.node as usize] {
            Node::Record { .. } => self.value(def.node, value, &At::ROOT),
            Node::Unusable(why) => {
                check::unusable_schema(self.program.text(why), &At::ROOT, &mut self.report);
            }
            _ => {
                let name = self.program.text(def.name);
                let why = format_args!("`{name}` is not a record");
                check::unusable_schema(why, &At::ROOT, &mut self.report);
            }
        }
        Outcome::Valid
    }

    /// A record whose lexicon is not to be looked at: data, and of the right `$type`.
    fn unchecked<'v, V: DataView<'v>>(&mut self, collection: &str, value: V) -> Outcome {
        let at = &At::ROOT;
        match value.shape() {
            Shape::Object(object) => {
                match object.get("$type").map(V::shape) {
                    None => check::no_type(at, &mut self.report),
                    Some(Shape::Text(found)) if found != collection && !found.is_empty() => {
                        check::expected_type(collection, found, at, &mut self.report);
                    }
                    Some(_) => {}
                }
                self.free(value, at);
            }
            other => check::wrong_type("object", other.type_name(), at, &mut self.report),
        }
        Outcome::Unchecked
    }
}
