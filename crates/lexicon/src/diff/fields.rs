//! Comparing the fields of objects and the parameters of methods.

use indexmap::{IndexMap, IndexSet};

use super::change::{Direction, Kind};
use super::{Comparison, Spot};
use crate::document::{ObjectSchema, ParamsSchema, Schema};

/// The fields of an object, or the parameters of a method.
pub(super) struct Fields<'a> {
    properties: &'a IndexMap<String, Schema>,
    required: &'a [String],
    nullable: &'a [String],
}

impl<'a> Fields<'a> {
    pub(super) fn of_object(object: &'a ObjectSchema) -> Self {
        Self {
            properties: &object.properties,
            required: &object.required,
            nullable: &object.nullable,
        }
    }

    pub(super) fn of_params(params: &'a ParamsSchema) -> Self {
        Self {
            properties: &params.properties,
            required: &params.required,
            nullable: &[],
        }
    }

    fn requires(&self, name: &str) -> bool {
        self.required.iter().any(|required| required == name)
    }

    fn takes_null(&self, name: &str) -> bool {
        self.nullable.iter().any(|nullable| nullable == name)
    }

    /// Every name that is spoken of, in written order.
    fn names(&self) -> impl Iterator<Item = &'a str> {
        self.properties
            .keys()
            .chain(self.required)
            .map(String::as_str)
    }
}

/// What a field is called in messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Field,
    Parameter,
}

impl Field {
    fn noun(self) -> &'static str {
        match self {
            Self::Field => "field",
            Self::Parameter => "parameter",
        }
    }

    fn required(self) -> Kind {
        match self {
            Self::Field => Kind::ObjectRequired,
            Self::Parameter => Kind::ParamsRequired,
        }
    }
}

impl Comparison<'_> {
    pub(super) fn object(&mut self, old: &ObjectSchema, new: &ObjectSchema, at: &Spot) {
        self.words(old.description.as_deref(), new.description.as_deref(), at);
        self.fields(
            &Fields::of_object(old),
            &Fields::of_object(new),
            Field::Field,
            at,
        );
    }

    pub(super) fn fields(&mut self, old: &Fields<'_>, new: &Fields<'_>, noun: Field, at: &Spot) {
        let at = &at.below("properties");
        let names: IndexSet<_> = old.names().chain(new.names()).collect();
        for name in names {
            let spot = &at.below(name);
            match (old.properties.get(name), new.properties.get(name)) {
                (Some(_), None) => self.field_removed(name, old, new, noun, spot),
                (None, Some(_)) if !new.requires(name) => {
                    let message = format!("`{name}` is a new optional {}", noun.noun());
                    self.compatible(Kind::FieldAdded, spot, message);
                }
                (None, Some(_)) if !old.requires(name) => {
                    let message = format!("`{name}` is a new {} and required", noun.noun());
                    self.breaking(noun.required(), Direction::Tightened, spot, message);
                }
                (before, after) => {
                    self.field_rules(name, old, new, noun, spot);
                    if let (Some(before), Some(after)) = (before, after) {
                        self.schema(before, after, spot);
                    }
                }
            }
        }
    }

    fn field_rules(
        &mut self,
        name: &str,
        old: &Fields<'_>,
        new: &Fields<'_>,
        noun: Field,
        at: &Spot,
    ) {
        let required = match (old.requires(name), new.requires(name)) {
            (false, true) => (Direction::Tightened, "was optional and is required now"),
            (true, false) => (Direction::Loosened, "was required and is optional now"),
            _ => (Direction::Neutral, ""),
        };
        self.moved(
            noun.required(),
            required.0,
            at,
            format!("`{name}` {}", required.1),
        );
        let nullable = match (old.takes_null(name), new.takes_null(name)) {
            (true, false) => (Direction::Tightened, "might be null and may not any more"),
            (false, true) => (Direction::Loosened, "might not be null and may be now"),
            _ => (Direction::Neutral, ""),
        };
        self.moved(
            Kind::ObjectNullable,
            nullable.0,
            at,
            format!("`{name}` {}", nullable.1),
        );
    }

    /// An optional field may not go either: whoever reads it would lose it, and the name would be
    /// free for something else.
    fn field_removed(
        &mut self,
        name: &str,
        old: &Fields<'_>,
        new: &Fields<'_>,
        noun: Field,
        at: &Spot,
    ) {
        let schema = old.properties.get(name);
        let twin = new.properties.iter().find(|(twin, candidate)| {
            !old.properties.contains_key(*twin) && Some(*candidate) == schema
        });
        let message = match twin {
            Some((twin, _)) => format!("`{name}` is gone, and seems to be called `{twin}` now"),
            None => format!("the {} `{name}` is gone", noun.noun()),
        };
        self.breaking(Kind::FieldRemoved, Direction::Loosened, at, message);
    }
}
