//! Lowering of spaces and permission sets.

use indexmap::IndexMap;
use loggia_syntax::Nsid;

use super::fields::{Fields, Notes, wrong_type};
use super::json::Json;
use crate::document::{KeyType, PermissionDef, PermissionSetDef, SpaceDef};
use crate::place::Place;

/// A key type by its text.
pub(super) fn parse_key_type(text: &str) -> KeyType {
    match text {
        "tid" => KeyType::Tid,
        "nsid" => KeyType::Nsid,
        "any" => KeyType::Any,
        other => match other.strip_prefix("literal:") {
            Some(value) if !value.is_empty() => KeyType::Literal(value.to_owned()),
            _ => KeyType::Unsupported(other.to_owned()),
        },
    }
}

/// A space type, or `None` if a required part is missing or wrong: who guards access by it must
/// not guess.
pub(super) fn space(fields: &Fields<'_, '_>, notes: &mut Notes) -> Option<SpaceDef> {
    fields.close(&["key", "name", "name:lang", "collections"], notes);
    let key = space_key(fields, notes);
    let name = space_name(fields, notes);
    let collections = collections(fields, notes);
    Some(SpaceDef {
        description: fields.text("description", notes),
        key: key?,
        name: name?,
        name_lang: fields.text_map("name:lang", notes),
        collections: collections?,
    })
}

fn space_key(fields: &Fields<'_, '_>, notes: &mut Notes) -> Option<KeyType> {
    require(fields, "key", notes)?;
    let text = fields.text("key", notes)?;
    match parse_key_type(&text) {
        KeyType::Unsupported(_) => {
            let message = format_args!("`{text}` is no key type of a space");
            notes.error(&fields.place.key("key"), "unknown-key-type", message);
            None
        }
        key => Some(key),
    }
}

/// A space's name is 1 to 64 characters long (proposal 0016).
const LONGEST_NAME: usize = 64;

fn space_name(fields: &Fields<'_, '_>, notes: &mut Notes) -> Option<String> {
    require(fields, "name", notes)?;
    let name = fields.text("name", notes)?;
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        let message = "a space's name is 1 to 64 characters long";
        notes.error(&fields.place.key("name"), "space-name", message);
        return None;
    }
    Some(name)
}

fn collections(fields: &Fields<'_, '_>, notes: &mut Notes) -> Option<Vec<Nsid>> {
    let place = fields.place.key("collections");
    let Json::Array(items) = require(fields, "collections", notes)? else {
        wrong_type(notes, &place, "an array", fields.get("collections")?);
        return None;
    };
    let mut collections = Some(Vec::with_capacity(items.len()));
    for (index, item) in items.iter().enumerate() {
        match nsid(item, &place.index(index), notes) {
            Some(nsid) => {
                if let Some(list) = &mut collections {
                    list.push(nsid);
                }
            }
            None => collections = None,
        }
    }
    collections
}

fn nsid(json: &Json<'_>, place: &Place<'_>, notes: &mut Notes) -> Option<Nsid> {
    let Json::Text(text) = json else {
        wrong_type(notes, place, "an NSID", json);
        return None;
    };
    match Nsid::new(&**text) {
        Ok(nsid) => Some(nsid),
        Err(error) => {
            notes.error(
                place,
                "invalid-nsid",
                format_args!("`{text}` is no NSID: {error}"),
            );
            None
        }
    }
}

fn require<'r, 'a>(fields: &Fields<'r, 'a>, key: &str, notes: &mut Notes) -> Option<&'r Json<'a>> {
    let value = fields.get(key);
    if value.is_none() {
        let message = format_args!("`{key}` is missing; this cannot be used");
        notes.error(fields.place, "missing-key", message);
    }
    value
}

/// A permission set. Permissions are kept as written.
pub(super) fn set(fields: &Fields<'_, '_>, notes: &mut Notes) -> PermissionSetDef {
    fields.close(
        &[
            "title",
            "title:lang",
            "detail",
            "detail:lang",
            "permissions",
        ],
        notes,
    );
    let place = fields.place.key("permissions");
    let mut permissions = Vec::new();
    match require(fields, "permissions", notes) {
        Some(Json::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                permissions.extend(permission(item, &place.index(index), notes));
            }
        }
        Some(other) => wrong_type(notes, &place, "an array", other),
        None => {}
    }
    PermissionSetDef {
        title: fields.text("title", notes),
        title_lang: fields.text_map("title:lang", notes),
        detail: fields.text("detail", notes),
        detail_lang: fields.text_map("detail:lang", notes),
        description: fields.text("description", notes),
        permissions,
    }
}

fn permission(json: &Json<'_>, place: &Place<'_>, notes: &mut Notes) -> Option<PermissionDef> {
    let fields = Fields::of(json, place, notes)?;
    fields.note_repeated(notes);
    if fields.text("type", notes).as_deref() != Some("permission") {
        let message = "an entry of a permission set is of type `permission`";
        notes.error(place, "misplaced-type", message);
    }
    require(&fields, "resource", notes)?;
    let resource = fields.text("resource", notes)?;
    let known = [
        "repo", "rpc", "blob", "account", "identity", "space", "include",
    ];
    if !known.contains(&resource.as_str()) {
        let message = format_args!("`{resource}` is no resource that is known; it grants nothing");
        notes.warning(&place.key("resource"), "unknown-resource", message);
    }
    let rest = fields
        .object
        .entries
        .iter()
        .filter(|(key, _)| key != "type" && key != "resource");
    let fields: IndexMap<String, _> = rest
        .map(|(key, value)| (key.to_string(), value.to_value()))
        .collect();
    Some(PermissionDef { resource, fields })
}
