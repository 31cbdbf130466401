//! Comparing schemas by what they take.

use std::collections::BTreeSet;

use serde::Serialize;

use super::change::{Direction, Kind};
use super::definition::schema_type;
use super::{Comparison, Spot, constraint, told};
use crate::document::{ArraySchema, BlobSchema, BytesSchema, IntegerSchema, Schema, StringSchema};

impl Comparison<'_> {
    pub(super) fn schema(&mut self, old: &Schema, new: &Schema, at: &Spot) {
        self.words(description(old), description(new), at);
        match (old, new) {
            (Schema::Boolean(old), Schema::Boolean(new)) => {
                self.defaults(old.default, new.default, at);
                let (old, new) = (old.constant, new.constant);
                let allowed = |value: &Option<bool>| value.map(|value| BTreeSet::from([value]));
                let way = constraint::sets(allowed(&old).as_ref(), allowed(&new).as_ref());
                let message = told::was_now("`const`", told::value(old), told::value(new));
                self.moved(Kind::ConstValue, way, at, message);
            }
            (Schema::Integer(old), Schema::Integer(new)) => self.integer(old, new, at),
            (Schema::String(old), Schema::String(new)) => self.string(old, new, at),
            (Schema::Bytes(old), Schema::Bytes(new)) => self.bytes(old, new, at),
            (Schema::Blob(old), Schema::Blob(new)) => self.blob(old, new, at),
            (Schema::Array(old), Schema::Array(new)) => self.array(old, new, at),
            (Schema::Object(old), Schema::Object(new)) => self.object(old, new, at),
            (Schema::Union(old), Schema::Union(new)) => {
                let kind = if old.closed {
                    Kind::UnionClosedRefs
                } else {
                    Kind::UnionOpenRefs
                };
                self.union(old, new, kind, at);
            }
            (Schema::CidLink(_), Schema::CidLink(_))
            | (Schema::Unknown(_), Schema::Unknown(_))
            | (Schema::Null(_), Schema::Null(_)) => {}
            (Schema::Unsupported(old), Schema::Unsupported(new)) if old.raw == new.raw => {}
            (Schema::Ref(old), Schema::Ref(new)) => self.reference(old, new, at),
            (Schema::Ref(reference), other) | (other, Schema::Ref(reference)) => {
                let old_is_ref = matches!(old, Schema::Ref(_));
                self.inlined(reference, other, old_is_ref, at);
            }
            _ => self.type_change(old, new, at),
        }
    }

    fn type_change(&mut self, old: &Schema, new: &Schema, at: &Spot) {
        let is_objects = |schema: &Schema| matches!(schema, Schema::Object(_) | Schema::Union(_));
        let way = match (old, new) {
            (old, Schema::Unknown(_)) if is_objects(old) => Direction::Loosened,
            (Schema::Unknown(_), new) if is_objects(new) => Direction::Tightened,
            _ => Direction::Changed,
        };
        let message = format!("{} became {}", schema_type(old), schema_type(new));
        self.breaking(Kind::TypeChange, way, at, message);
    }

    fn integer(&mut self, old: &IntegerSchema, new: &IntegerSchema, at: &Spot) {
        self.defaults(old.default, new.default, at);
        let way = constraint::lower(old.minimum, new.minimum)
            .and(constraint::upper(old.maximum, new.maximum));
        let range = |it: &IntegerSchema| told::bounds(it.minimum, it.maximum, "");
        let message = told::was_now("the range", range(old), range(new));
        self.moved(Kind::IntegerRange, way, at, message);
        let way = constraint::sets(
            constraint::allowed(old.constant.as_ref(), old.enumeration.as_deref()).as_ref(),
            constraint::allowed(new.constant.as_ref(), new.enumeration.as_deref()).as_ref(),
        );
        self.values(
            (&old.constant, &old.enumeration),
            (&new.constant, &new.enumeration),
            way,
            at,
        );
    }

    fn string(&mut self, old: &StringSchema, new: &StringSchema, at: &Spot) {
        self.defaults(old.default.as_ref(), new.default.as_ref(), at);
        self.text_length(old, new, at);
        self.format(old.format.as_deref(), new.format.as_deref(), at);
        let way = constraint::sets(
            constraint::allowed(old.constant.as_ref(), old.enumeration.as_deref()).as_ref(),
            constraint::allowed(new.constant.as_ref(), new.enumeration.as_deref()).as_ref(),
        );
        self.values(
            (&old.constant, &old.enumeration),
            (&new.constant, &new.enumeration),
            way,
            at,
        );
        let known = |schema: &StringSchema| schema.known_values.iter().cloned().collect();
        let (old, new): (BTreeSet<String>, BTreeSet<String>) = (known(old), known(new));
        if old != new {
            let message = told::was_now(
                "`knownValues`",
                told::value(Some(&old)),
                told::value(Some(&new)),
            );
            self.compatible(Kind::KnownValues, &at.below("knownValues"), message);
        }
    }

    fn text_length(&mut self, old: &StringSchema, new: &StringSchema, at: &Spot) {
        let bytes = constraint::lengths(
            (old.min_length, old.max_length),
            (new.min_length, new.max_length),
        );
        let graphemes = constraint::lengths(
            (old.min_graphemes, old.max_graphemes),
            (new.min_graphemes, new.max_graphemes),
        );
        let length = |it: &StringSchema| {
            told::text_length(
                (it.min_length, it.max_length),
                (it.min_graphemes, it.max_graphemes),
            )
        };
        let message = told::was_now("the length", length(old), length(new));
        self.moved(Kind::StringLength, bytes.and(graphemes), at, message);
    }

    fn format(&mut self, old: Option<&str>, new: Option<&str>, at: &Spot) {
        let way = constraint::formats(old, new);
        let message = told::was_now("the format", told::value(old), told::value(new));
        self.moved(Kind::StringFormat, way, &at.below("format"), message);
    }

    /// The `const` and the `enum` before and after.
    fn values<T: Serialize + PartialEq>(
        &mut self,
        old: (&Option<T>, &Option<Vec<T>>),
        new: (&Option<T>, &Option<Vec<T>>),
        way: Direction,
        at: &Spot,
    ) {
        if old.0 != new.0 {
            let message = told::was_now(
                "`const`",
                told::value(old.0.as_ref()),
                told::value(new.0.as_ref()),
            );
            self.moved(Kind::ConstValue, way, at, message);
        } else {
            let message = told::was_now(
                "`enum`",
                told::value(old.1.as_ref()),
                told::value(new.1.as_ref()),
            );
            self.moved(Kind::EnumValues, way, at, message);
        }
    }

    fn bytes(&mut self, old: &BytesSchema, new: &BytesSchema, at: &Spot) {
        let way = constraint::lengths(
            (old.min_length, old.max_length),
            (new.min_length, new.max_length),
        );
        let length = |it: &BytesSchema| told::bounds(it.min_length, it.max_length, " bytes");
        let message = told::was_now("the length", length(old), length(new));
        self.moved(Kind::BytesLength, way, at, message);
    }

    fn blob(&mut self, old: &BlobSchema, new: &BlobSchema, at: &Spot) {
        let way = constraint::media(old.accept.as_deref(), new.accept.as_deref());
        self.moved(
            Kind::BlobAccept,
            way,
            &at.below("accept"),
            told::was_now(
                "`accept`",
                told::value(old.accept.as_ref()),
                told::value(new.accept.as_ref()),
            ),
        );
        let way = constraint::upper(old.max_size, new.max_size);
        self.moved(
            Kind::BlobSize,
            way,
            &at.below("maxSize"),
            told::was_now(
                "the size",
                told::bounds(None, old.max_size, " bytes"),
                told::bounds(None, new.max_size, " bytes"),
            ),
        );
    }

    fn array(&mut self, old: &ArraySchema, new: &ArraySchema, at: &Spot) {
        let way = constraint::lengths(
            (old.min_length, old.max_length),
            (new.min_length, new.max_length),
        );
        let length = |it: &ArraySchema| told::bounds(it.min_length, it.max_length, " elements");
        let message = told::was_now("the length", length(old), length(new));
        self.moved(Kind::ArrayLength, way, at, message);
        self.schema(&old.items, &new.items, &at.below("items"));
    }

    fn defaults<T: Serialize + PartialEq>(&mut self, old: Option<T>, new: Option<T>, at: &Spot) {
        if old != new {
            let message = told::was_now("`default`", told::value(old), told::value(new));
            self.compatible(Kind::DefaultValue, &at.below("default"), message);
        }
    }
}

fn description(schema: &Schema) -> Option<&str> {
    match schema {
        Schema::Boolean(schema) => schema.description.as_deref(),
        Schema::Integer(schema) => schema.description.as_deref(),
        Schema::String(schema) => schema.description.as_deref(),
        Schema::Bytes(schema) => schema.description.as_deref(),
        Schema::CidLink(schema) | Schema::Unknown(schema) | Schema::Null(schema) => {
            schema.description.as_deref()
        }
        Schema::Blob(schema) => schema.description.as_deref(),
        Schema::Array(schema) => schema.description.as_deref(),
        // The object's own comparison speaks of it, which records share.
        Schema::Object(_) => None,
        Schema::Ref(schema) => schema.description.as_deref(),
        Schema::Union(schema) => schema.description.as_deref(),
        Schema::Unsupported(schema) => schema.description.as_deref(),
    }
}
