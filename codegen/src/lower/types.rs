//! What is generated for a schema: its type, and the types that it holds.

use loggia_lexicon::document::{ObjectSchema, Schema, StringSchema, UnionSchema};
use loggia_syntax::Format;

use super::Lowering;
use super::naming::escape;
use crate::model::{
    Docs, Field, Integer, Item, Limits, Object, Strings, Type, TypeId, Union, Value,
};
use crate::names::{self, Scope};

/// Where arrays of arrays end being types: clippy calls deeper ones too complex, and the compiler gives up
/// at some 60.
const DEEPEST_ITEMS: &str = "/items/items/items/items";

/// Whether a string has a list of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listing {
    /// No list.
    Free,
    /// `knownValues`: these and others.
    Known,
    /// `enum` or `const`: only these.
    Closed,
}

/// An empty `enum` allows nothing and is a mistake; `knownValues` beside a format are hints only,
/// since the format's own type says more.
pub(crate) fn listing(string: &StringSchema) -> Listing {
    if string.constant.is_some()
        || string
            .enumeration
            .as_ref()
            .is_some_and(|list| !list.is_empty())
    {
        Listing::Closed
    } else if !string.known_values.is_empty() && string.format.is_none() {
        Listing::Known
    } else {
        Listing::Free
    }
}

impl Lowering<'_, '_> {
    /// The type of a schema; what it holds inside is appended to `items`.
    pub(crate) fn ty(&mut self, pointer: &str, schema: &Schema, items: &mut Vec<Item>) -> Type {
        match schema {
            Schema::Boolean(schema) => Type::Boolean {
                constant: schema.constant,
            },
            Schema::Integer(schema) => Type::Integer(Integer {
                min: schema.minimum,
                max: schema.maximum,
                one_of: schema
                    .constant
                    .map(|value| vec![value])
                    .or(schema.enumeration.clone()),
            }),
            Schema::String(schema) => self.string(pointer, schema, items),
            Schema::Bytes(schema) => Type::Bytes {
                min: schema.min_length,
                max: schema.max_length,
            },
            Schema::CidLink(_) => Type::Link,
            Schema::Blob(schema) => Type::Blob {
                accept: schema.accept.clone(),
                max_size: schema.max_size,
            },
            Schema::Array(_) if pointer.ends_with(DEEPEST_ITEMS) => {
                self.note(pointer, "arrays as deep as this are kept as raw data");
                Type::Data
            }
            Schema::Array(schema) => Type::List {
                items: Box::new(self.ty(&format!("{pointer}/items"), &schema.items, items)),
                min: schema.min_length,
                max: schema.max_length,
            },
            Schema::Object(schema) => self.nested_object(pointer, schema, items),
            Schema::Union(schema) => self.nested_union(pointer, schema, items),
            Schema::Ref(schema) => self.reference(pointer, &schema.reference),
            Schema::Unknown(_) => Type::Unknown,
            Schema::Null(_) => Type::Null,
            Schema::Unsupported(schema) => {
                let name = &schema.type_name;
                self.note(
                    pointer,
                    format!("a schema of type {name:?} is kept as raw data"),
                );
                Type::Data
            }
        }
    }

    fn own(&self, pointer: &str) -> TypeId {
        TypeId {
            module: self.index,
            name: self.names().at(pointer).to_owned(),
        }
    }

    fn string(&mut self, pointer: &str, schema: &StringSchema, items: &mut Vec<Item>) -> Type {
        let limits = Limits {
            min_length: schema.min_length,
            max_length: schema.max_length,
            min_graphemes: schema.min_graphemes,
            max_graphemes: schema.max_graphemes,
            nothing: schema.constant.is_none()
                && schema.enumeration.as_ref().is_some_and(Vec::is_empty),
        };
        if limits.nothing {
            self.note(pointer, "an empty enum allows nothing; no value is valid");
        }
        if listing(schema) != Listing::Free {
            let id = self.own(pointer);
            items.push(Item::Strings(self.strings(&id.name, schema)));
            return Type::Strings(id, limits);
        }
        match schema.format.as_deref() {
            None => Type::Text(limits),
            Some(name) => match Format::from_name(name) {
                Some(format) => Type::Format(format, limits),
                None => {
                    self.note(
                        pointer,
                        format!("the format {name:?} is not known; any text fits"),
                    );
                    Type::Text(limits)
                }
            },
        }
    }

    /// The enum for a string with a list of values.
    pub(crate) fn strings(&mut self, name: &str, schema: &StringSchema) -> Strings {
        let closed = listing(schema) == Listing::Closed;
        let mut wires: Vec<&String> = match (&schema.constant, &schema.enumeration) {
            (Some(constant), _) => vec![constant],
            (None, Some(list)) if closed => list.iter().collect(),
            _ => schema.known_values.iter().collect(),
        };
        let mut seen = std::collections::BTreeSet::new();
        wires.retain(|wire| seen.insert(*wire));
        let taken: &[&str] = if closed { &[] } else { &["Other"] };
        let names = names::values(wires.iter().map(|wire| wire.as_str()), taken);
        let values = names.into_iter().zip(wires).map(|(rust, wire)| Value {
            rust,
            wire: wire.clone(),
            docs: self.token_docs(wire),
        });
        Strings {
            name: name.to_owned(),
            docs: Docs {
                text: schema.description.clone(),
                fallback: "The values that the lexicon lists.".into(),
            },
            closed,
            values: values.collect(),
        }
    }

    fn nested_object(
        &mut self,
        pointer: &str,
        schema: &ObjectSchema,
        items: &mut Vec<Item>,
    ) -> Type {
        let id = self.own(pointer);
        // The pointer stands for a type that has no name on the wire.
        let type_name = format!("{}{}", self.nsid(), pointer.replacen("/defs/", "#", 1));
        let object = self.object(pointer, &id.name, type_name, schema, items);
        items.push(Item::Object(object));
        Type::Named(id)
    }

    fn nested_union(&mut self, pointer: &str, schema: &UnionSchema, items: &mut Vec<Item>) -> Type {
        let id = self.own(pointer);
        let union = self.union(pointer, &id.name, schema);
        items.push(Item::Union(union));
        Type::Named(id)
    }

    /// The enum for a union.
    pub(crate) fn union(&mut self, pointer: &str, name: &str, schema: &UnionSchema) -> Union {
        let variants = self.variants(pointer, &schema.refs);
        if schema.closed && variants.is_empty() {
            self.note(
                pointer,
                "a closed union without usable refs; no value of it is valid",
            );
        }
        let docs = Docs {
            text: schema.description.clone(),
            fallback: "One of several objects, told apart by `$type`.".into(),
        };
        Union {
            name: name.to_owned(),
            docs,
            closed: schema.closed,
            variants,
        }
    }

    /// The struct for an object.
    pub(crate) fn object(
        &mut self,
        pointer: &str,
        name: &str,
        type_name: String,
        schema: &ObjectSchema,
        items: &mut Vec<Item>,
    ) -> Object {
        let mut scope = Scope::with(&["extra"]);
        let mut fields = Vec::new();
        for (wire, property) in &schema.properties {
            let pointer = format!("{pointer}/properties/{}", escape(wire));
            if wire == "$type" {
                self.note(
                    &pointer,
                    "$type belongs to the protocol; it gets no field of its own",
                );
                continue;
            }
            fields.push(Field {
                rust: scope.take_snake(&names::field(wire)),
                wire: wire.clone(),
                docs: Docs {
                    text: description(property).cloned(),
                    fallback: format!("`{wire}`"),
                },
                required: schema.required.contains(wire),
                nullable: schema.nullable.contains(wire),
                ty: self.ty(&pointer, property, items),
                boxed: false,
            });
        }
        Object {
            name: name.to_owned(),
            docs: Docs {
                text: schema.description.clone(),
                fallback: format!("`{type_name}`"),
            },
            type_name,
            record: None,
            fields,
        }
    }
}

/// What a schema says about itself.
pub(crate) fn description(schema: &Schema) -> Option<&String> {
    match schema {
        Schema::Boolean(schema) => schema.description.as_ref(),
        Schema::Integer(schema) => schema.description.as_ref(),
        Schema::String(schema) => schema.description.as_ref(),
        Schema::Bytes(schema) => schema.description.as_ref(),
        Schema::CidLink(schema) | Schema::Unknown(schema) | Schema::Null(schema) => {
            schema.description.as_ref()
        }
        Schema::Blob(schema) => schema.description.as_ref(),
        Schema::Array(schema) => schema.description.as_ref(),
        Schema::Object(schema) => schema.description.as_ref(),
        Schema::Ref(schema) => schema.description.as_ref(),
        Schema::Union(schema) => schema.description.as_ref(),
        Schema::Unsupported(schema) => schema.description.as_ref(),
    }
}
