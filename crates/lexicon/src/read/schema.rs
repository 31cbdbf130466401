//! Lowering of schemas: everything that describes data.

use indexmap::IndexMap;

use super::fields::{Fields, Notes, wrong_type};
use super::json::Json;
use crate::document::{
    ArraySchema, BlobSchema, BooleanSchema, BytesSchema, IntegerSchema, ObjectSchema, ParamsSchema,
    PlainSchema, RefSchema, Schema, StringSchema, UnionSchema, Unsupported,
};
use crate::place::Place;

/// The formats of strings that the language has.
const FORMATS: [&str; 12] = [
    "at-identifier",
    "at-uri",
    "cid",
    "datetime",
    "did",
    "handle",
    "language",
    "nsid",
    "record-key",
    "space-ref",
    "tid",
    "uri",
];

/// Definition types that cannot stand where a schema is wanted.
const NO_SCHEMAS: [&str; 9] = [
    "record",
    "query",
    "procedure",
    "subscription",
    "space",
    "permission-set",
    "permission",
    "token",
    "params",
];

/// The schema that `json` describes; [`Schema::Unsupported`] if it describes none.
pub(super) fn lower(json: &Json<'_>, place: &Place<'_>, notes: &mut Notes) -> Schema {
    let Some(fields) = Fields::of(json, place, notes) else {
        return Schema::Unsupported(Unsupported {
            description: None,
            type_name: String::new(),
            raw: json.to_value(),
        });
    };
    let Some(type_name) = type_name(&fields, notes) else {
        return Schema::Unsupported(fields.unsupported());
    };
    match by_type(type_name, &fields, notes) {
        Some(schema) => schema,
        None => {
            note_unknown_type(type_name, &fields, notes);
            Schema::Unsupported(fields.unsupported())
        }
    }
}

/// The `type` of a schema or definition, or an error that it has none.
pub(super) fn type_name<'r>(fields: &Fields<'r, '_>, notes: &mut Notes) -> Option<&'r str> {
    match fields.get("type") {
        Some(Json::Text(name)) => Some(name),
        Some(other) => {
            wrong_type(notes, &fields.place.key("type"), "a string", other);
            None
        }
        None => {
            notes.error(
                fields.place,
                "missing-type",
                "`type` is missing; this cannot be used",
            );
            None
        }
    }
}

fn note_unknown_type(name: &str, fields: &Fields<'_, '_>, notes: &mut Notes) {
    let place = fields.place.key("type");
    if NO_SCHEMAS.contains(&name) {
        let message = format_args!("`{name}` cannot stand here; this cannot be used");
        notes.error(&place, "misplaced-type", message);
    } else {
        let message = format_args!("`{name}` is no type that is known; this cannot be used");
        notes.warning(&place, "unknown-type", message);
    }
}

/// The schema of a type, or `None` if there is no such schema type.
pub(super) fn by_type(
    type_name: &str,
    fields: &Fields<'_, '_>,
    notes: &mut Notes,
) -> Option<Schema> {
    Some(match type_name {
        "boolean" => Schema::Boolean(boolean(fields, notes)),
        "integer" => Schema::Integer(integer(fields, notes)),
        "string" => Schema::String(string(fields, notes)),
        "bytes" => Schema::Bytes(bytes(fields, notes)),
        "cid-link" => Schema::CidLink(plain(fields, notes)),
        "blob" => Schema::Blob(blob(fields, notes)),
        "array" => Schema::Array(array(fields, notes)),
        "object" => Schema::Object(object(fields, notes)),
        "ref" => match reference(fields, notes) {
            Some(schema) => Schema::Ref(schema),
            None => Schema::Unsupported(fields.unsupported()),
        },
        "union" => Schema::Union(union(fields, notes)),
        "unknown" => Schema::Unknown(plain(fields, notes)),
        "null" => {
            notes.warning(
                fields.place,
                "null-type",
                "`null` left the language; it is still read",
            );
            Schema::Null(plain(fields, notes))
        }
        _ => return None,
    })
}

fn plain(fields: &Fields<'_, '_>, notes: &mut Notes) -> PlainSchema {
    fields.close(&[], notes);
    PlainSchema {
        description: fields.text("description", notes),
    }
}

fn boolean(fields: &Fields<'_, '_>, notes: &mut Notes) -> BooleanSchema {
    fields.close(&["default", "const"], notes);
    note_default_and_const(fields, notes);
    BooleanSchema {
        description: fields.text("description", notes),
        default: fields.boolean("default", notes),
        constant: fields.boolean("const", notes),
    }
}

fn integer(fields: &Fields<'_, '_>, notes: &mut Notes) -> IntegerSchema {
    fields.close(&["minimum", "maximum", "enum", "default", "const"], notes);
    note_default_and_const(fields, notes);
    note_empty_enum(fields, notes);
    note_order(fields, "minimum", "maximum", notes);
    IntegerSchema {
        description: fields.text("description", notes),
        minimum: fields.integer("minimum", notes),
        maximum: fields.integer("maximum", notes),
        enumeration: fields.integers("enum", notes),
        default: fields.integer("default", notes),
        constant: fields.integer("const", notes),
    }
}

fn string(fields: &Fields<'_, '_>, notes: &mut Notes) -> StringSchema {
    const KEYS: [&str; 9] = [
        "format",
        "minLength",
        "maxLength",
        "minGraphemes",
        "maxGraphemes",
        "knownValues",
        "enum",
        "default",
        "const",
    ];
    fields.close(&KEYS, notes);
    note_default_and_const(fields, notes);
    note_empty_enum(fields, notes);
    note_order(fields, "minLength", "maxLength", notes);
    note_order(fields, "minGraphemes", "maxGraphemes", notes);
    let format = fields.text("format", notes);
    if let Some(name) = format.as_deref().filter(|name| !FORMATS.contains(name)) {
        let message = format_args!("`{name}` is no format that is known; any text is taken");
        notes.warning(&fields.place.key("format"), "unknown-format", message);
    }
    StringSchema {
        description: fields.text("description", notes),
        format,
        min_length: fields.count("minLength", notes),
        max_length: fields.count("maxLength", notes),
        min_graphemes: fields.count("minGraphemes", notes),
        max_graphemes: fields.count("maxGraphemes", notes),
        known_values: fields.texts("knownValues", notes).unwrap_or_default(),
        enumeration: fields.texts("enum", notes),
        default: fields.text("default", notes),
        constant: fields.text("const", notes),
    }
}

fn bytes(fields: &Fields<'_, '_>, notes: &mut Notes) -> BytesSchema {
    fields.close(&["minLength", "maxLength"], notes);
    note_order(fields, "minLength", "maxLength", notes);
    BytesSchema {
        description: fields.text("description", notes),
        min_length: fields.count("minLength", notes),
        max_length: fields.count("maxLength", notes),
    }
}

fn blob(fields: &Fields<'_, '_>, notes: &mut Notes) -> BlobSchema {
    fields.close(&["accept", "maxSize"], notes);
    BlobSchema {
        description: fields.text("description", notes),
        accept: fields.texts("accept", notes),
        max_size: fields.count("maxSize", notes),
    }
}

fn array(fields: &Fields<'_, '_>, notes: &mut Notes) -> ArraySchema {
    fields.close(&["items", "minLength", "maxLength"], notes);
    note_order(fields, "minLength", "maxLength", notes);
    let items = match fields.get("items") {
        Some(json) => lower(json, &fields.place.key("items"), notes),
        None => {
            let message = "`items` is missing; the elements cannot be checked";
            notes.error(fields.place, "missing-key", message);
            Schema::Unsupported(fields.unsupported())
        }
    };
    ArraySchema {
        description: fields.text("description", notes),
        items: Box::new(items),
        min_length: fields.count("minLength", notes),
        max_length: fields.count("maxLength", notes),
    }
}

/// An object schema; the caller has looked at `type`.
pub(super) fn object(fields: &Fields<'_, '_>, notes: &mut Notes) -> ObjectSchema {
    fields.close(&["properties", "required", "nullable"], notes);
    let properties = properties(fields, notes);
    let required = names(fields, "required", &properties, notes);
    let nullable = names(fields, "nullable", &properties, notes);
    ObjectSchema {
        description: fields.text("description", notes),
        properties,
        required,
        nullable,
    }
}

/// The parameters of a method.
pub(super) fn params(fields: &Fields<'_, '_>, notes: &mut Notes) -> ParamsSchema {
    if type_name(fields, notes).is_some_and(|name| name != "params") {
        let message = "parameters are of type `params`; read as if they were";
        notes.error(&fields.place.key("type"), "misplaced-type", message);
    }
    fields.close(&["properties", "required"], notes);
    let properties = properties(fields, notes);
    for (name, schema) in &properties {
        if !is_param(schema) {
            let list = fields.place.key("properties");
            let message = format_args!(
                "`{name}` cannot be a URL parameter: those are boolean, integer, string, unknown \
                 or arrays of these"
            );
            notes.error(&list.key(name), "params-type", message);
        }
    }
    let required = names(fields, "required", &properties, notes);
    ParamsSchema {
        description: fields.text("description", notes),
        properties,
        required,
    }
}

fn is_param(schema: &Schema) -> bool {
    let plain = |schema: &Schema| {
        matches!(
            schema,
            Schema::Boolean(_) | Schema::Integer(_) | Schema::String(_) | Schema::Unknown(_)
        )
    };
    match schema {
        Schema::Array(array) => plain(&array.items),
        // Reported where it stands.
        Schema::Unsupported(_) => true,
        other => plain(other),
    }
}

fn properties(fields: &Fields<'_, '_>, notes: &mut Notes) -> IndexMap<String, Schema> {
    let place = fields.place.key("properties");
    let Some(list) = fields
        .get("properties")
        .and_then(|json| Fields::of(json, &place, notes))
    else {
        return IndexMap::new();
    };
    list.note_repeated(notes);
    list.object
        .entries
        .iter()
        .map(|(name, json)| (name.to_string(), lower(json, &place.key(name), notes)))
        .collect()
}

/// A list of property names such as `required`.
fn names(
    fields: &Fields<'_, '_>,
    key: &str,
    properties: &IndexMap<String, Schema>,
    notes: &mut Notes,
) -> Vec<String> {
    let names = fields.texts(key, notes).unwrap_or_default();
    for (index, name) in names.iter().enumerate() {
        if !properties.contains_key(name) {
            let message = format_args!("`{name}` is not among the properties");
            notes.warning(
                &fields.place.key(key).index(index),
                "undefined-property",
                message,
            );
        }
    }
    names
}

fn reference(fields: &Fields<'_, '_>, notes: &mut Notes) -> Option<RefSchema> {
    fields.close(&["ref"], notes);
    let reference = fields.text("ref", notes);
    if reference.is_none() && fields.get("ref").is_none() {
        notes.error(
            fields.place,
            "missing-key",
            "`ref` is missing; this cannot be used",
        );
    }
    Some(RefSchema {
        description: fields.text("description", notes),
        reference: reference?,
    })
}

fn union(fields: &Fields<'_, '_>, notes: &mut Notes) -> UnionSchema {
    fields.close(&["refs", "closed"], notes);
    let refs = fields.texts("refs", notes);
    if refs.is_none() && fields.get("refs").is_none() {
        notes.error(
            fields.place,
            "missing-key",
            "`refs` is missing; read as an empty list",
        );
    }
    let refs = refs.unwrap_or_default();
    let closed = fields.boolean("closed", notes).unwrap_or(false);
    if closed && refs.is_empty() {
        let message = "a closed union without variants takes no value at all";
        notes.error(fields.place, "empty-closed-union", message);
    }
    UnionSchema {
        description: fields.text("description", notes),
        refs,
        closed,
    }
}

fn note_default_and_const(fields: &Fields<'_, '_>, notes: &mut Notes) {
    if fields.get("default").is_some() && fields.get("const").is_some() {
        let message = "`default` and `const` exclude each other";
        notes.warning(fields.place, "default-and-const", message);
    }
}

fn note_empty_enum(fields: &Fields<'_, '_>, notes: &mut Notes) {
    if let Some(Json::Array(values)) = fields.get("enum")
        && values.is_empty()
    {
        let message = "an empty `enum` takes no value at all";
        notes.error(&fields.place.key("enum"), "empty-enum", message);
    }
}

fn note_order(fields: &Fields<'_, '_>, least: &str, most: &str, notes: &mut Notes) {
    let bound = |key| fields.get(key).and_then(Json::as_integer);
    if let (Some(low), Some(high)) = (bound(least), bound(most))
        && low > high
    {
        let message = format_args!("`{least}` {low} is over `{most}` {high}");
        notes.error(fields.place, "impossible-range", message);
    }
}
