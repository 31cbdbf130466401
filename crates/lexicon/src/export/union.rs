//! Unions: every variant carries its `$type`; an open union takes any other `$type` unseen.

use serde_json::{Value, json};

use super::schema::Exporter;
use crate::document::{Def, UnionSchema};
use crate::library::DefName;

impl Exporter<'_> {
    pub(super) fn union(&mut self, union: &UnionSchema, base: &str) -> Value {
        let mut names: Vec<DefName> = Vec::new();
        for name in union
            .refs
            .iter()
            .map(|reference| DefName::parse(base, reference))
        {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut variants: Vec<_> = names.iter().map(|name| self.variant(name)).collect();
        if union.closed {
            // Without variants nothing is taken, which `oneOf` cannot say: it may not be empty.
            return if variants.is_empty() {
                json!({ "not": {} })
            } else {
                one_of(variants)
            };
        }
        let listed: Vec<_> = names.iter().map(ToString::to_string).collect();
        let mut tag = json!({ "type": "string", "minLength": 1 });
        if !listed.is_empty() {
            tag["not"] = json!({ "enum": listed });
        }
        let unlisted = json!({
            "type": "object",
            "properties": { "$type": tag },
            "required": ["$type"],
        });
        if variants.is_empty() {
            return unlisted;
        }
        variants.push(unlisted);
        json!({ "anyOf": variants })
    }

    /// One variant with its tag; a record has its own.
    fn variant(&mut self, name: &DefName) -> Value {
        let target = self.link(name);
        if matches!(self.def(name), Some(Def::Record(_))) {
            return target;
        }
        let tag = json!({
            "type": "object",
            "properties": { "$type": { "const": name.to_string() } },
            "required": ["$type"],
        });
        json!({ "allOf": [target, tag] })
    }
}

fn one_of(variants: Vec<Value>) -> Value {
    json!({ "oneOf": variants })
}
