//! Comparing schemas by what they take.

use std::collections::BTreeSet;

use super::change::{Direction, Kind};
use super::definition::schema_type;
use super::{Comparison, Spot, constraint};
use crate::document::{ArraySchema, BlobSchema, BytesSchema, IntegerSchema, Schema, StringSchema};

impl Comparison<'_> {
    pub(super) fn schema(&mut self, old: &Schema, new: &Schema, at: &Spot) {
        self.words(description(old), description(new), at);
        match (old, new) {
            (Schema::Boolean(old), Schema::Boolean(new)) => {
                self.defaults(old.default != new.default, at);
                let (old, new) = (old.constant, new.constant);
                let allowed = |value: &Option<bool>| value.map(|value| BTreeSet::from([value]));
                let way = constraint::sets(allowed(&old).as_ref(), allowed(&new).as_ref());
                self.moved(Kind::ConstValue, way, at, "another `const`");
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
        self.defaults(old.default != new.default, at);
        let way = constraint::lower(old.minimum, new.minimum)
            .and(constraint::upper(old.maximum, new.maximum));
        self.moved(Kind::IntegerRange, way, at, "another range");
        let way = constraint::sets(
            constraint::allowed(old.constant.as_ref(), old.enumeration.as_deref()).as_ref(),
            constraint::allowed(new.constant.as_ref(), new.enumeration.as_deref()).as_ref(),
        );
        self.values(old.constant != new.constant, way, at);
    }

    fn string(&mut self, old: &StringSchema, new: &StringSchema, at: &Spot) {
        self.defaults(old.default != new.default, at);
        let bytes = constraint::lengths(
            (old.min_length, old.max_length),
            (new.min_length, new.max_length),
        );
        let graphemes = constraint::lengths(
            (old.min_graphemes, old.max_graphemes),
            (new.min_graphemes, new.max_graphemes),
        );
        self.moved(
            Kind::StringLength,
            bytes.and(graphemes),
            at,
            "another length",
        );
        let way = constraint::formats(old.format.as_deref(), new.format.as_deref());
        self.moved(
            Kind::StringFormat,
            way,
            &at.below("format"),
            "another format",
        );
        let way = constraint::sets(
            constraint::allowed(old.constant.as_ref(), old.enumeration.as_deref()).as_ref(),
            constraint::allowed(new.constant.as_ref(), new.enumeration.as_deref()).as_ref(),
        );
        self.values(old.constant != new.constant, way, at);
        let known = |schema: &StringSchema| schema.known_values.iter().cloned().collect();
        let (old, new): (BTreeSet<String>, BTreeSet<String>) = (known(old), known(new));
        if old != new {
            self.compatible(
                Kind::KnownValues,
                &at.below("knownValues"),
                "other known values",
            );
        }
    }

    fn values(&mut self, constant: bool, way: Direction, at: &Spot) {
        if constant {
            self.moved(Kind::ConstValue, way, at, "another `const`");
        } else {
            self.moved(Kind::EnumValues, way, at, "another `enum`");
        }
    }

    fn bytes(&mut self, old: &BytesSchema, new: &BytesSchema, at: &Spot) {
        let way = constraint::lengths(
            (old.min_length, old.max_length),
            (new.min_length, new.max_length),
        );
        self.moved(Kind::BytesLength, way, at, "another length");
    }

    fn blob(&mut self, old: &BlobSchema, new: &BlobSchema, at: &Spot) {
        let way = constraint::media(old.accept.as_deref(), new.accept.as_deref());
        self.moved(
            Kind::BlobAccept,
            way,
            &at.below("accept"),
            "other media types",
        );
        let way = constraint::upper(old.max_size, new.max_size);
        self.moved(
            Kind::BlobSize,
            way,
            &at.below("maxSize"),
            "another largest size",
        );
    }

    fn array(&mut self, old: &ArraySchema, new: &ArraySchema, at: &Spot) {
        let way = constraint::lengths(
            (old.min_length, old.max_length),
            (new.min_length, new.max_length),
        );
        self.moved(Kind::ArrayLength, way, at, "another length");
        self.schema(&old.items, &new.items, &at.below("items"));
    }

    fn defaults(&mut self, differ: bool, at: &Spot) {
        if differ {
            self.compatible(Kind::DefaultValue, &at.below("default"), "another default");
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
