//! Comparing methods: parameters, bodies, messages and declared errors.

use super::change::{Direction, Kind};
use super::fields::{Field, Fields};
use super::usage::Roles;
use super::{Comparison, Spot, constraint};
use crate::document::{
    BodyDef, ErrorDef, MessageDef, MethodDef, ParamsSchema, Schema, SubscriptionDef,
};

impl Comparison<'_> {
    pub(super) fn method(&mut self, old: &MethodDef, new: &MethodDef, at: &Spot) {
        self.words(old.description.as_deref(), new.description.as_deref(), at);
        self.params(old.parameters.as_ref(), new.parameters.as_ref(), at);
        let input = at.below("input").with(Roles::INPUT);
        self.body(old.input.as_ref(), new.input.as_ref(), &input);
        let output = at.below("output").with(Roles::OUTPUT);
        self.body(old.output.as_ref(), new.output.as_ref(), &output);
        self.errors(&old.errors, &new.errors, at);
    }

    pub(super) fn subscription(&mut self, old: &SubscriptionDef, new: &SubscriptionDef, at: &Spot) {
        self.words(old.description.as_deref(), new.description.as_deref(), at);
        self.params(old.parameters.as_ref(), new.parameters.as_ref(), at);
        self.messages(old.message.as_ref(), new.message.as_ref(), at);
        self.errors(&old.errors, &new.errors, at);
    }

    /// No parameters at all is the same as an empty list of them, so that adding or removing the
    /// list is judged by what is in it.
    fn params(&mut self, old: Option<&ParamsSchema>, new: Option<&ParamsSchema>, at: &Spot) {
        let none = ParamsSchema::default();
        let (old, new) = (old.unwrap_or(&none), new.unwrap_or(&none));
        let at = at.below("parameters").with(Roles::INPUT);
        self.words(old.description.as_deref(), new.description.as_deref(), &at);
        self.fields(
            &Fields::of_params(old),
            &Fields::of_params(new),
            Field::Parameter,
            &at,
        );
    }

    fn body(&mut self, old: Option<&BodyDef>, new: Option<&BodyDef>, at: &Spot) {
        let (old, new) = match (old, new) {
            (None, None) => return,
            (Some(_), None) => {
                self.breaking(
                    Kind::BodyRemoved,
                    Direction::Loosened,
                    at,
                    "the body is gone",
                );
                return;
            }
            (None, Some(_)) => {
                let message = "a body where there was none";
                self.breaking(Kind::BodyAdded, Direction::Tightened, at, message);
                return;
            }
            (Some(old), Some(new)) => (old, new),
        };
        self.words(old.description.as_deref(), new.description.as_deref(), at);
        let way = constraint::media(Some(&encodings(old)), Some(&encodings(new)));
        let message = format!("`{}` became `{}`", old.encoding, new.encoding);
        self.moved(Kind::BodyEncoding, way, &at.below("encoding"), message);
        let at = &at.below("schema");
        match (&old.schema, &new.schema) {
            (None, None) => {}
            (Some(old), Some(new)) => self.schema(old, new, at),
            (Some(_), None) => {
                let message = "the body has no schema any more";
                self.breaking(Kind::BodySchemaRemoved, Direction::Loosened, at, message);
            }
            (None, Some(_)) => {
                let message = "the body had no schema before";
                self.breaking(Kind::BodySchemaAdded, Direction::Tightened, at, message);
            }
        }
    }

    /// Messages are compared variant by variant: an absent union is one without variants.
    fn messages(&mut self, old: Option<&MessageDef>, new: Option<&MessageDef>, at: &Spot) {
        let at = &at.below("message").below("schema").with(Roles::OUTPUT);
        let schema = |message: Option<&MessageDef>| message.and_then(|m| m.schema.clone());
        let empty = || Schema::Union(crate::document::UnionSchema::default());
        let old = schema(old).unwrap_or_else(empty);
        let new = schema(new).unwrap_or_else(empty);
        match (&old, &new) {
            (Schema::Union(old), Schema::Union(new)) => {
                self.union(old, new, Kind::SubscriptionMessages, at);
            }
            (old, new) => self.schema(old, new, at),
        }
    }

    fn errors(&mut self, old: &[ErrorDef], new: &[ErrorDef], at: &Spot) {
        let at = &at.below("errors").with(Roles::CALLS);
        let has = |errors: &[ErrorDef], name: &str| errors.iter().any(|error| error.name == name);
        for error in old.iter().filter(|error| !has(new, &error.name)) {
            let message = format!("`{}` is no longer declared", error.name);
            self.breaking(Kind::ErrorRemoved, Direction::Changed, at, message);
        }
        for error in new.iter().filter(|error| !has(old, &error.name)) {
            let message = format!("`{}` is declared now", error.name);
            self.compatible(Kind::ErrorAdded, at, message);
        }
    }
}

/// The media types of a body; a few published documents list several with commas.
fn encodings(body: &BodyDef) -> Vec<String> {
    body.encoding
        .split(',')
        .map(|part| part.trim().to_ascii_lowercase())
        .collect()
}
