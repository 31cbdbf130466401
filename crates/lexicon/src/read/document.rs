//! Lowering of the document and its definitions.

use indexmap::IndexMap;
use loggia_syntax::Nsid;

use super::fields::{Fields, Notes};
use super::json::Json;
use super::{method, permission, schema};
use crate::document::{Def, Document, KeyType, RecordDef, Schema, TokenDef};
use crate::place::Place;

/// The document, or `None` (with at least one error noted) if it is none.
pub(super) fn lower(json: &Json<'_>, notes: &mut Notes) -> Option<Document> {
    let place = Place::ROOT;
    let fields = Fields::of(json, &place, notes)?;
    // `$type` is there when the document was fetched as a record.
    fields.close(&["lexicon", "id", "revision", "defs", "$type"], notes);
    let version = version(&fields, notes);
    let id = id(&fields, notes);
    let defs = match fields.get("defs") {
        Some(json) => defs(json, &place.key("defs"), notes),
        None => {
            notes.error(
                &place,
                "missing-key",
                "`defs` is missing; read as an empty list",
            );
            IndexMap::new()
        }
    };
    version?;
    Some(Document {
        id: id?,
        revision: fields.integer("revision", notes),
        description: fields.text("description", notes),
        defs,
    })
}

/// The only language version there is.
const VERSION: i64 = 1;

fn version(fields: &Fields<'_, '_>, notes: &mut Notes) -> Option<()> {
    match fields.get("lexicon") {
        Some(json) if json.as_integer() == Some(VERSION) => return Some(()),
        Some(_) => notes.error(
            &fields.place.key("lexicon"),
            "lexicon-version",
            "`lexicon` must be 1, the only version of the language",
        ),
        None => notes.error(
            fields.place,
            "lexicon-version",
            "`lexicon` is missing; it must be 1",
        ),
    }
    None
}

fn id(fields: &Fields<'_, '_>, notes: &mut Notes) -> Option<Nsid> {
    let place = fields.place.key("id");
    if fields.get("id").is_none() {
        notes.error(fields.place, "invalid-id", "`id` is missing");
    }
    let text = fields.text("id", notes)?;
    match Nsid::new(text.as_str()) {
        Ok(id) => Some(id),
        Err(error) => {
            notes.error(
                &place,
                "invalid-id",
                format_args!("`{text}` is no NSID: {error}"),
            );
            None
        }
    }
}

fn defs(json: &Json<'_>, place: &Place<'_>, notes: &mut Notes) -> IndexMap<String, Def> {
    let Some(fields) = Fields::of(json, place, notes) else {
        return IndexMap::new();
    };
    fields.note_repeated(notes);
    if fields.object.entries.is_empty() {
        notes.warning(place, "no-definitions", "the document defines nothing");
    }
    let mut defs = IndexMap::with_capacity(fields.object.entries.len());
    for (name, json) in &fields.object.entries {
        let place = place.key(name);
        if name.is_empty() || name.contains(['#', ' ', '/', '\n']) {
            let message = format_args!("`{name}` cannot be referred to");
            notes.warning(&place, "odd-name", message);
        }
        if let Some(fields) = Fields::of(json, &place, notes) {
            defs.insert(name.to_string(), def(name, &fields, notes));
        }
    }
    defs
}

fn def(name: &str, fields: &Fields<'_, '_>, notes: &mut Notes) -> Def {
    let unsupported = || Def::Unsupported(fields.unsupported());
    let Some(type_name) = schema::type_name(fields, notes) else {
        return unsupported();
    };
    let type_place = fields.place.key("type");
    let primary = [
        "record",
        "query",
        "procedure",
        "subscription",
        "space",
        "permission-set",
    ];
    if primary.contains(&type_name) && name != "main" {
        let message = format_args!("`{type_name}` can only be the main definition");
        notes.error(&type_place, "primary-not-main", message);
        return unsupported();
    }
    match type_name {
        "record" => record(fields, notes).map_or_else(unsupported, Def::Record),
        "query" => Def::Query(method::query(fields, notes)),
        "procedure" => Def::Procedure(method::procedure(fields, notes)),
        "subscription" => Def::Subscription(method::subscription(fields, notes)),
        "space" => permission::space(fields, notes).map_or_else(unsupported, Def::Space),
        "permission-set" => Def::PermissionSet(permission::set(fields, notes)),
        "token" => Def::Token(token(fields, notes)),
        "ref" | "unknown" => {
            let message = format_args!("`{type_name}` cannot be a definition of its own");
            notes.error(&type_place, "misplaced-type", message);
            unsupported()
        }
        other => data(other, fields, notes),
    }
}

fn data(type_name: &str, fields: &Fields<'_, '_>, notes: &mut Notes) -> Def {
    if type_name == "union" {
        let message = "not every implementation takes a union as a definition of its own";
        notes.warning(&fields.place.key("type"), "union-definition", message);
    }
    if let Some(schema) = schema::by_type(type_name, fields, notes) {
        return match schema {
            Schema::Unsupported(unsupported) => Def::Unsupported(unsupported),
            schema => Def::Schema(schema),
        };
    }
    let message = format_args!("`{type_name}` is no type that is known; this cannot be used");
    notes.warning(&fields.place.key("type"), "unknown-type", message);
    Def::Unsupported(fields.unsupported())
}

fn token(fields: &Fields<'_, '_>, notes: &mut Notes) -> TokenDef {
    fields.close(&[], notes);
    TokenDef {
        description: fields.text("description", notes),
    }
}

fn record(fields: &Fields<'_, '_>, notes: &mut Notes) -> Option<RecordDef> {
    fields.close(&["key", "record"], notes);
    let key = fields
        .text("key", notes)
        .map(|text| key_type(&text, fields, notes));
    if fields.get("key").is_none() {
        let message = "`key` is missing; any record key is taken";
        notes.warning(fields.place, "missing-key-type", message);
    }
    let place = fields.place.key("record");
    let Some(json) = fields.get("record") else {
        notes.error(
            fields.place,
            "missing-key",
            "`record` is missing; this cannot be used",
        );
        return None;
    };
    let shape = Fields::of(json, &place, notes)?;
    if schema::type_name(&shape, notes)? != "object" {
        let message = "a record must be an `object`; this cannot be used";
        notes.error(&place.key("type"), "misplaced-type", message);
        return None;
    }
    Some(RecordDef {
        description: fields.text("description", notes),
        key,
        record: schema::object(&shape, notes),
    })
}

fn key_type(text: &str, fields: &Fields<'_, '_>, notes: &mut Notes) -> KeyType {
    let key = permission::parse_key_type(text);
    if matches!(key, KeyType::Unsupported(_)) {
        let message = format_args!(
            "`{text}` is no record key type (`tid`, `nsid`, `any`, `literal:` and a value); any \
             record key is taken"
        );
        notes.warning(&fields.place.key("key"), "unknown-key-type", message);
    }
    key
}
