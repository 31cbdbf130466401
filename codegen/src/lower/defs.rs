//! What is generated for a definition.

use loggia_lexicon::document::{Def, KeyType, PermissionSetDef, RecordDef, Schema, SpaceDef};

use super::Lowering;
use super::naming::escape;
use crate::model::{Alias, Constant, ConstantValue, Docs, Item};

impl Lowering<'_, '_> {
    /// Appends what is generated for a definition.
    pub(crate) fn def(&mut self, name: &str, def: &Def, items: &mut Vec<Item>) {
        let pointer = format!("/defs/{}", escape(name));
        match def {
            Def::Record(record) => self.record(&pointer, name, record, items),
            Def::Query(method) | Def::Procedure(method) if name == "main" => {
                self.method(matches!(def, Def::Query(_)), method, items);
            }
            Def::Subscription(subscription) if name == "main" => {
                self.subscription(subscription, items);
            }
            Def::Query(_) | Def::Procedure(_) | Def::Subscription(_) => {
                self.note(&pointer, "a method must be called main; left out");
            }
            Def::Space(space) => self.space(space, items),
            Def::PermissionSet(set) => self.permission_set(set, items),
            Def::Token(token) => {
                let value = self.type_name(name);
                items.push(Item::Constant(Constant {
                    name: self
                        .names()
                        .constants
                        .get(name)
                        .cloned()
                        .unwrap_or_default(),
                    docs: Docs {
                        text: token.description.clone(),
                        fallback: format!("The token `{value}`."),
                    },
                    value: ConstantValue::Text(value),
                }));
            }
            Def::Schema(schema) => self.schema(&pointer, name, schema, items),
            Def::Unsupported(def) => {
                self.note(
                    &pointer,
                    format!("definitions of type {:?} are left out", def.type_name),
                );
            }
        }
    }

    /// As `$type` spells it.
    fn type_name(&self, name: &str) -> String {
        match name {
            "main" => self.nsid().to_owned(),
            name => format!("{}#{name}", self.nsid()),
        }
    }

    fn schema(&mut self, pointer: &str, name: &str, schema: &Schema, items: &mut Vec<Item>) {
        let own = self.names().at(pointer).to_owned();
        match schema {
            Schema::Object(object) => {
                let type_name = self.type_name(name);
                let object = self.object(pointer, &own, type_name, object, items);
                items.push(Item::Object(object));
            }
            Schema::Union(union) => {
                let union = self.union(pointer, &own, union);
                items.push(Item::Union(union));
            }
            schema => {
                let target = self.ty(pointer, schema, items);
                let listed = items
                    .iter()
                    .any(|i| matches!(i, Item::Strings(s) if s.name == own));
                if !listed {
                    let text = super::types::description(schema).cloned();
                    let fallback = format!("`{}`", self.type_name(name));
                    items.push(Item::Alias(Alias {
                        name: own,
                        docs: Docs { text, fallback },
                        target,
                    }));
                }
            }
        }
    }

    fn record(&mut self, pointer: &str, name: &str, record: &RecordDef, items: &mut Vec<Item>) {
        if name != "main" {
            self.note(pointer, "a record must be called main");
        }
        let own = self.names().at(pointer).to_owned();
        let type_name = self.type_name(name);
        let pointer = format!("{pointer}/record");
        let mut object = self.object(&pointer, &own, type_name, &record.record, items);
        object.record = Some(record.key.as_ref().map_or_else(|| "any".to_owned(), key));
        if record.description.is_some() {
            object.docs.text = record.description.clone();
        }
        items.push(Item::Object(object));
    }

    fn space(&mut self, space: &SpaceDef, items: &mut Vec<Item>) {
        self.constant(
            "NSID",
            "The type of the space.",
            self.nsid().to_owned(),
            items,
        );
        self.constant("KEY", "Which space keys it takes.", key(&space.key), items);
        self.constant(
            "NAME",
            "A short name for people.",
            space.name.clone(),
            items,
        );
        let collections = space
            .collections
            .iter()
            .map(|nsid| nsid.as_str().to_owned())
            .collect();
        items.push(Item::Constant(Constant {
            name: "COLLECTIONS".into(),
            docs: Docs {
                text: space.description.clone(),
                fallback: "The collections that belong into the space.".into(),
            },
            value: ConstantValue::List(collections),
        }));
    }

    fn permission_set(&mut self, set: &PermissionSetDef, items: &mut Vec<Item>) {
        let what = "The permission set, as in an `include:` scope.";
        self.constant("NSID", what, self.nsid().to_owned(), items);
        if let Some(title) = &set.title {
            self.constant("TITLE", "A short name for people.", title.clone(), items);
        }
        if let Some(detail) = &set.detail {
            self.constant(
                "DETAIL",
                "What the bundle allows, for people.",
                detail.clone(),
                items,
            );
        }
    }

    fn constant(&self, name: &str, docs: &str, value: String, items: &mut Vec<Item>) {
        items.push(Item::Constant(Constant {
            name: name.to_owned(),
            docs: Docs {
                text: None,
                fallback: docs.to_owned(),
            },
            value: ConstantValue::Text(value),
        }));
    }
}

/// As the lexicon spells it.
fn key(key: &KeyType) -> String {
    match key {
        KeyType::Tid => "tid".into(),
        KeyType::Nsid => "nsid".into(),
        KeyType::Any => "any".into(),
        KeyType::Literal(value) => format!("literal:{value}"),
        KeyType::Unsupported(text) => text.clone(),
    }
}
