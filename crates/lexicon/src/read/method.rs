//! Lowering of queries, procedures and subscriptions.

use super::fields::{Fields, Notes, wrong_type};
use super::json::Json;
use super::schema;
use crate::document::{
    BodyDef, ErrorDef, MessageDef, MethodDef, ParamsSchema, Schema, SubscriptionDef,
};
use crate::place::Place;

/// A query: no input.
pub(super) fn query(fields: &Fields<'_, '_>, notes: &mut Notes) -> MethodDef {
    fields.close(&["parameters", "output", "errors"], notes);
    MethodDef {
        description: fields.text("description", notes),
        parameters: parameters(fields, notes),
        input: None,
        output: body(fields, "output", notes),
        errors: errors(fields, notes),
    }
}

/// A procedure.
pub(super) fn procedure(fields: &Fields<'_, '_>, notes: &mut Notes) -> MethodDef {
    fields.close(&["parameters", "input", "output", "errors"], notes);
    MethodDef {
        description: fields.text("description", notes),
        parameters: parameters(fields, notes),
        input: body(fields, "input", notes),
        output: body(fields, "output", notes),
        errors: errors(fields, notes),
    }
}

/// A subscription.
pub(super) fn subscription(fields: &Fields<'_, '_>, notes: &mut Notes) -> SubscriptionDef {
    fields.close(&["parameters", "message", "errors"], notes);
    SubscriptionDef {
        description: fields.text("description", notes),
        parameters: parameters(fields, notes),
        message: message(fields, notes),
        errors: errors(fields, notes),
    }
}

fn parameters(fields: &Fields<'_, '_>, notes: &mut Notes) -> Option<ParamsSchema> {
    let place = fields.place.key("parameters");
    let fields = Fields::of(fields.get("parameters")?, &place, notes)?;
    Some(schema::params(&fields, notes))
}

fn message(fields: &Fields<'_, '_>, notes: &mut Notes) -> Option<MessageDef> {
    let place = fields.place.key("message");
    let fields = Fields::of(fields.get("message")?, &place, notes)?;
    fields.close(&["schema"], notes);
    let place = place.key("schema");
    let schema = fields
        .get("schema")
        .map(|json| schema::lower(json, &place, notes));
    if schema
        .as_ref()
        .is_some_and(|s| !matches!(s, Schema::Union(_) | Schema::Unsupported(_)))
    {
        notes.warning(
            &place,
            "message-type",
            "the messages of a subscription are a union",
        );
    }
    Some(MessageDef {
        description: fields.text("description", notes),
        schema,
    })
}

/// What a body is taken to be if it does not say so but has a schema.
const JSON: &str = "application/json";

fn body(fields: &Fields<'_, '_>, key: &str, notes: &mut Notes) -> Option<BodyDef> {
    let place = fields.place.key(key);
    let fields = Fields::of(fields.get(key)?, &place, notes)?;
    fields.close(&["encoding", "schema"], notes);
    let schema_place = place.key("schema");
    let schema = fields
        .get("schema")
        .map(|json| schema::lower(json, &schema_place, notes));
    if schema.as_ref().is_some_and(|schema| !is_body(schema)) {
        let message = "a body is an object, a ref or a union; not every implementation takes this";
        notes.warning(&schema_place, "body-type", message);
    }
    let encoding = encoding(&fields, schema.is_some(), notes);
    Some(BodyDef {
        description: fields.text("description", notes),
        encoding,
        schema,
    })
}

fn is_body(schema: &Schema) -> bool {
    matches!(
        schema,
        Schema::Object(_) | Schema::Ref(_) | Schema::Union(_) | Schema::Unsupported(_)
    )
}

fn encoding(fields: &Fields<'_, '_>, has_schema: bool, notes: &mut Notes) -> String {
    let fallback = if has_schema { JSON } else { "*/*" };
    if fields.get("encoding").is_none() {
        let message = format_args!("`encoding` is missing; read as `{fallback}`");
        notes.error(fields.place, "missing-key", message);
    }
    let Some(encoding) = fields.text("encoding", notes) else {
        return fallback.to_owned();
    };
    if encoding.contains(',') {
        let message = "one encoding or one pattern is allowed; each of the list is taken";
        notes.warning(&fields.place.key("encoding"), "encoding-list", message);
    }
    encoding
}

fn errors(fields: &Fields<'_, '_>, notes: &mut Notes) -> Vec<ErrorDef> {
    let place = fields.place.key("errors");
    match fields.get("errors") {
        Some(Json::Array(items)) => items
            .iter()
            .enumerate()
            .filter_map(|(index, item)| error(item, &place.index(index), notes))
            .collect(),
        Some(other) => {
            wrong_type(notes, &place, "an array", other);
            Vec::new()
        }
        None => Vec::new(),
    }
}

fn error(json: &Json<'_>, place: &Place<'_>, notes: &mut Notes) -> Option<ErrorDef> {
    let fields = Fields::of(json, place, notes)?;
    fields.close(&["name"], notes);
    if fields.get("name").is_none() {
        notes.error(
            place,
            "missing-key",
            "`name` is missing; the error is ignored",
        );
    }
    let name = fields.text("name", notes)?;
    if name.is_empty() || name.contains(char::is_whitespace) {
        let message = format_args!("`{name}` cannot be an error's name: no whitespace is allowed");
        notes.warning(&place.key("name"), "error-name", message);
    }
    Some(ErrorDef {
        name,
        description: fields.text("description", notes),
    })
}
