//! Lexicon schemas as JSON Schema, for the JSON form of data.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::leaf::{blob, boolean, bytes, cid_link, integer, string};
use super::name::{DATA_MODEL, schema_name};
use crate::document::{ArraySchema, Def, ObjectSchema, RecordDef, Schema, Unsupported};
use crate::library::{DefName, Library};

/// Exports definitions and, in their wake, everything that they refer to.
pub(super) struct Exporter<'a> {
    library: &'a Library<'a>,
    /// Where the finished schemas will stand, as the start of a `$ref`.
    home: &'static str,
    /// Linked to and not yet exported.
    pending: Vec<DefName>,
    linked: BTreeSet<DefName>,
    uses_data_model: bool,
}

impl<'a> Exporter<'a> {
    pub(super) fn new(library: &'a Library<'a>, home: &'static str) -> Self {
        Self {
            library,
            home,
            pending: Vec::new(),
            linked: BTreeSet::new(),
            uses_data_model: false,
        }
    }

    /// A `$ref` to a definition, which will be exported; or, where there is none, a schema that
    /// takes anything and says so.
    pub(super) fn link(&mut self, name: &DefName) -> Value {
        match self.library.def(name) {
            Some(def) if super::is_data(def) => {
                if self.linked.insert(name.clone()) {
                    self.pending.push(name.clone());
                }
                json!({ "$ref": format!("{}{}", self.home, schema_name(name)) })
            }
            _ => json!({ "x-lexicon-unresolved": name.to_string() }),
        }
    }

    pub(super) fn def(&self, name: &DefName) -> Option<&'a Def> {
        self.library.def(name)
    }

    /// Every schema linked to so far and all that they link to, by name.
    pub(super) fn finish(mut self) -> Map<String, Value> {
        let mut schemas = BTreeMap::new();
        while let Some(name) = self.pending.pop() {
            if let Some(def) = self.library.def(&name) {
                schemas.insert(schema_name(&name), self.definition(&name, def));
            }
        }
        if self.uses_data_model {
            schemas.insert(DATA_MODEL.to_owned(), self.data_model());
        }
        schemas.into_iter().collect()
    }

    fn definition(&mut self, name: &DefName, def: &Def) -> Value {
        match def {
            Def::Record(record) => self.record(name, record),
            Def::Schema(schema) => self.schema(schema, &name.nsid),
            // A ref to a token is a mistake that is let through: it takes any text.
            Def::Token(token) => described(
                json!({ "type": "string", "x-lexicon-token": name.to_string() }),
                token.description.as_deref(),
            ),
            Def::Unsupported(raw) => unsupported(raw),
            // Never linked to: they describe no data.
            Def::Query(_)
            | Def::Procedure(_)
            | Def::Subscription(_)
            | Def::Space(_)
            | Def::PermissionSet(_) => json!({ "x-lexicon-unresolved": name.to_string() }),
        }
    }

    fn record(&mut self, name: &DefName, record: &RecordDef) -> Value {
        let mut schema = self.object(&record.record, &name.nsid);
        schema["properties"]["$type"] = json!({ "type": "string", "const": name.to_string() });
        let mut required = vec![json!("$type")];
        required.extend(
            record
                .record
                .required
                .iter()
                .filter(|n| *n != "$type")
                .map(|n| json!(n)),
        );
        schema["required"] = required.into();
        described(
            schema,
            record
                .description
                .as_deref()
                .or(record.record.description.as_deref()),
        )
    }

    /// A schema that stands in the document `base`.
    pub(super) fn schema(&mut self, schema: &Schema, base: &str) -> Value {
        let (value, description) = match schema {
            Schema::Boolean(schema) => (boolean(schema), &schema.description),
            Schema::Integer(schema) => (integer(schema), &schema.description),
            Schema::String(schema) => (string(schema), &schema.description),
            Schema::Bytes(schema) => (bytes(schema), &schema.description),
            Schema::CidLink(schema) => (cid_link(), &schema.description),
            Schema::Blob(schema) => (blob(schema), &schema.description),
            Schema::Array(schema) => (self.array(schema, base), &schema.description),
            Schema::Object(schema) => (self.object(schema, base), &schema.description),
            Schema::Ref(schema) => (
                self.link(&DefName::parse(base, &schema.reference)),
                &schema.description,
            ),
            Schema::Union(schema) => (self.union(schema, base), &schema.description),
            Schema::Unknown(schema) => (self.unknown(), &schema.description),
            Schema::Null(schema) => (json!({ "type": "null" }), &schema.description),
            Schema::Unsupported(raw) => (unsupported(raw), &raw.description),
        };
        described(value, description.as_deref())
    }

    fn array(&mut self, array: &ArraySchema, base: &str) -> Value {
        let mut schema = json!({ "type": "array", "items": self.schema(&array.items, base) });
        put(&mut schema, "minItems", array.min_length);
        put(&mut schema, "maxItems", array.max_length);
        schema
    }

    pub(super) fn object(&mut self, object: &ObjectSchema, base: &str) -> Value {
        let mut properties = Map::new();
        for (name, schema) in &object.properties {
            let mut value = self.schema(schema, base);
            if object.nullable.contains(name) {
                value = json!({ "anyOf": [value, { "type": "null" }] });
            }
            properties.insert(name.clone(), value);
        }
        let mut schema = json!({ "type": "object", "properties": properties });
        let required: BTreeSet<_> = object.required.iter().collect();
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        schema
    }

    /// Any object of the data model that is not one of its special forms.
    fn unknown(&mut self) -> Value {
        self.uses_data_model = true;
        let blob = json!({ "required": ["$type"], "properties": { "$type": { "const": "blob" } } });
        json!({
            "type": "object",
            "not": { "anyOf": [{ "required": ["$bytes"] }, { "required": ["$link"] }, blob] },
            "additionalProperties": { "$ref": format!("{}{DATA_MODEL}", self.home) },
        })
    }

    fn data_model(&self) -> Value {
        let itself = json!({ "$ref": format!("{}{DATA_MODEL}", self.home) });
        json!({
            "description": "Any value of the data model: no number has a fraction.",
            "type": ["null", "boolean", "integer", "string", "array", "object"],
            "items": itself,
            "additionalProperties": itself,
        })
    }
}

fn unsupported(raw: &Unsupported) -> Value {
    json!({ "x-lexicon-unsupported": raw.type_name })
}

/// Adds a description, and the mark of what says of itself that it is deprecated.
pub(super) fn described(mut schema: Value, description: Option<&str>) -> Value {
    put(&mut schema, "description", description);
    if description.is_some_and(is_deprecated) {
        put(&mut schema, "deprecated", Some(true));
    }
    schema
}

/// Lexicons have no field for deprecation; by custom the description starts with the word.
pub(super) fn is_deprecated(description: &str) -> bool {
    const WORD: &str = "deprecated";
    description
        .get(..WORD.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(WORD))
}

/// Sets a keyword, where there is something to set.
pub(super) fn put(schema: &mut Value, keyword: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        schema[keyword] = value.into();
    }
}
