//! Comparing definitions: what came, what went, and what became something else.

use super::change::{Direction, Kind};
use super::usage::Roles;
use super::{Comparison, Spot, told};
use crate::document::{Def, Document, KeyType, RecordDef, Schema, SpaceDef};
use crate::library::{DefName, below};
use crate::place::Place;
use crate::references::{schemas, visit_schema};

impl Comparison<'_> {
    pub(super) fn definitions(&mut self, old: &Document, new: &Document) {
        let added = new.defs.keys().filter(|name| !old.defs.contains_key(*name));
        for name in old.defs.keys().chain(added) {
            let full = DefName::new(self.nsid.as_str(), name);
            let roles = self.roles(&full);
            let at = Spot {
                pointer: below("/defs", name),
                roles,
            };
            match (old.defs.get(name), new.defs.get(name)) {
                (Some(old), Some(new)) => self.definition(old, new, &at),
                (Some(_), None) => self.definition_removed(&full, &at),
                (None, _) => self.compatible(Kind::DefinitionAdded, &at, "a new definition"),
            }
        }
    }

    /// The roles of a definition, in whichever version has it.
    pub(super) fn roles(&self, name: &DefName) -> Roles {
        match self.old.def(name).or_else(|| self.new.def(name)) {
            Some(Def::Query(_) | Def::Procedure(_) | Def::Subscription(_)) => Roles::CALLS,
            _ => self.usage.roles(name),
        }
    }

    fn definition_removed(&mut self, name: &DefName, at: &Spot) {
        let users = self.users(name);
        let message = if users.is_empty() {
            "the definition is gone; other people's documents may refer to it".to_owned()
        } else {
            format!(
                "the definition is gone, and {} still refer to it",
                users.join(", ")
            )
        };
        self.breaking(Kind::DefinitionRemoved, Direction::Changed, at, message);
    }

    /// Definitions of the new version that refer to one that is gone; the first few of them.
    fn users(&self, gone: &DefName) -> Vec<String> {
        const ENOUGH: usize = 3;
        let mut users = Vec::new();
        for document in self.new.documents() {
            for (name, def) in &document.defs {
                let mut refers = false;
                for (_, schema) in schemas(def) {
                    visit_schema(schema, &Place::ROOT, &mut |_, reference| {
                        refers |= DefName::parse(document.id.as_str(), reference) == *gone;
                    });
                }
                if refers && users.len() < ENOUGH {
                    users.push(DefName::new(document.id.as_str(), name).to_string());
                }
            }
        }
        users
    }

    fn definition(&mut self, old: &Def, new: &Def, at: &Spot) {
        match (old, new) {
            (Def::Record(old), Def::Record(new)) => self.record(old, new, at),
            (Def::Query(old), Def::Query(new)) | (Def::Procedure(old), Def::Procedure(new)) => {
                self.method(old, new, at);
            }
            (Def::Subscription(old), Def::Subscription(new)) => self.subscription(old, new, at),
            (Def::Space(old), Def::Space(new)) => self.space(old, new, at),
            (Def::PermissionSet(old), Def::PermissionSet(new)) => {
                self.permission_set(old, new, at);
            }
            (Def::Token(old), Def::Token(new)) => {
                self.words(old.description.as_deref(), new.description.as_deref(), at);
            }
            (Def::Schema(old), Def::Schema(new)) => self.schema(old, new, at),
            (Def::Unsupported(old), Def::Unsupported(new)) if old.raw == new.raw => {}
            _ => {
                let message = format!("{} became {}", def_type(old), def_type(new));
                self.breaking(Kind::TypeChange, Direction::Changed, at, message);
            }
        }
    }

    fn record(&mut self, old: &RecordDef, new: &RecordDef, at: &Spot) {
        self.words(old.description.as_deref(), new.description.as_deref(), at);
        let way = keys(old.key.as_ref(), new.key.as_ref());
        self.moved(
            Kind::RecordKeyType,
            way,
            &at.below("key"),
            told::was_now(
                "the record key",
                told::key(old.key.as_ref()),
                told::key(new.key.as_ref()),
            ),
        );
        self.object(&old.record, &new.record, &at.below("record"));
    }

    fn space(&mut self, old: &SpaceDef, new: &SpaceDef, at: &Spot) {
        self.words(old.description.as_deref(), new.description.as_deref(), at);
        self.words(Some(&old.name), Some(&new.name), &at.below("name"));
        if old.name_lang != new.name_lang {
            self.compatible(Kind::Description, at, "the translations changed");
        }
        let way = keys(Some(&old.key), Some(&new.key));
        self.moved(
            Kind::RecordKeyType,
            way,
            &at.below("key"),
            told::was_now(
                "the space key",
                told::key(Some(&old.key)),
                told::key(Some(&new.key)),
            ),
        );
        let at = &at.below("collections");
        for gone in old
            .collections
            .iter()
            .filter(|nsid| !new.collections.contains(nsid))
        {
            let message = format!("`{gone}` no longer belongs into the space");
            self.breaking(Kind::SpaceCollections, Direction::Tightened, at, message);
        }
        for added in new
            .collections
            .iter()
            .filter(|nsid| !old.collections.contains(nsid))
        {
            let message = format!("`{added}` belongs into the space now");
            self.compatible(Kind::SpaceCollections, at, message);
        }
    }
}

/// Which way a key type moved. `None`, which is not correct but published, takes any key.
fn keys(old: Option<&KeyType>, new: Option<&KeyType>) -> Direction {
    let takes_any = |key: Option<&KeyType>| matches!(key, None | Some(KeyType::Any));
    match (takes_any(old), takes_any(new)) {
        (true, true) => Direction::Neutral,
        (true, false) => Direction::Tightened,
        (false, true) => Direction::Loosened,
        (false, false) if old == new => Direction::Neutral,
        (false, false) => Direction::Changed,
    }
}

fn def_type(def: &Def) -> &str {
    match def {
        Def::Record(_) => "a record",
        Def::Query(_) => "a query",
        Def::Procedure(_) => "a procedure",
        Def::Subscription(_) => "a subscription",
        Def::Space(_) => "a space",
        Def::PermissionSet(_) => "a permission set",
        Def::Token(_) => "a token",
        Def::Schema(schema) => schema_type(schema),
        Def::Unsupported(_) => "something unknown",
    }
}

/// What a schema is, for a sentence.
pub(super) fn schema_type(schema: &Schema) -> &str {
    match schema {
        Schema::Boolean(_) => "a boolean",
        Schema::Integer(_) => "an integer",
        Schema::String(_) => "a string",
        Schema::Bytes(_) => "bytes",
        Schema::CidLink(_) => "a CID link",
        Schema::Blob(_) => "a blob",
        Schema::Array(_) => "an array",
        Schema::Object(_) => "an object",
        Schema::Ref(_) => "a ref",
        Schema::Union(_) => "a union",
        Schema::Unknown(_) => "an unknown object",
        Schema::Null(_) => "null",
        Schema::Unsupported(_) => "something unknown",
    }
}
