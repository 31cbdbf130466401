//! Every reference of a document, with its place.

use crate::document::{BodyDef, Def, Document, ObjectSchema, ParamsSchema, Schema};
use crate::place::Place;

/// Calls `visit` with each reference that the schemas of a document make, as written, and with the
/// place that it is written at.
pub(super) fn visit<'d>(document: &'d Document, visit: &mut impl FnMut(&Place<'_>, &'d str)) {
    let defs = Place::ROOT.key("defs");
    for (name, def) in &document.defs {
        visit_def(def, &defs.key(name), visit);
    }
}

fn visit_def<'d>(def: &'d Def, at: &Place<'_>, visit: &mut impl FnMut(&Place<'_>, &'d str)) {
    match def {
        Def::Record(record) => visit_object(&record.record, &at.key("record"), visit),
        Def::Query(method) | Def::Procedure(method) => {
            visit_params(method.parameters.as_ref(), at, visit);
            visit_body(method.input.as_ref(), &at.key("input"), visit);
            visit_body(method.output.as_ref(), &at.key("output"), visit);
        }
        Def::Subscription(subscription) => {
            visit_params(subscription.parameters.as_ref(), at, visit);
            let message = subscription.message.as_ref();
            if let Some(schema) = message.and_then(|message| message.schema.as_ref()) {
                visit_schema(schema, &at.key("message").key("schema"), visit);
            }
        }
        Def::Schema(schema) => visit_schema(schema, at, visit),
        Def::Space(_) | Def::PermissionSet(_) | Def::Token(_) | Def::Unsupported(_) => {}
    }
}

fn visit_params<'d>(
    params: Option<&'d ParamsSchema>,
    at: &Place<'_>,
    visit: &mut impl FnMut(&Place<'_>, &'d str),
) {
    let at = at.key("parameters");
    let at = at.key("properties");
    for (name, schema) in params.iter().flat_map(|params| &params.properties) {
        visit_schema(schema, &at.key(name), visit);
    }
}

fn visit_body<'d>(
    body: Option<&'d BodyDef>,
    at: &Place<'_>,
    visit: &mut impl FnMut(&Place<'_>, &'d str),
) {
    if let Some(schema) = body.and_then(|body| body.schema.as_ref()) {
        visit_schema(schema, &at.key("schema"), visit);
    }
}

fn visit_object<'d>(
    object: &'d ObjectSchema,
    at: &Place<'_>,
    visit: &mut impl FnMut(&Place<'_>, &'d str),
) {
    let at = at.key("properties");
    for (name, schema) in &object.properties {
        visit_schema(schema, &at.key(name), visit);
    }
}

fn visit_schema<'d>(
    schema: &'d Schema,
    at: &Place<'_>,
    visit: &mut impl FnMut(&Place<'_>, &'d str),
) {
    match schema {
        Schema::Ref(reference) => visit(&at.key("ref"), &reference.reference),
        Schema::Union(union) => {
            let at = at.key("refs");
            for (index, reference) in union.refs.iter().enumerate() {
                visit(&at.index(index), reference);
            }
        }
        Schema::Array(array) => visit_schema(&array.items, &at.key("items"), visit),
        Schema::Object(object) => visit_object(object, at, visit),
        Schema::Boolean(_)
        | Schema::Integer(_)
        | Schema::String(_)
        | Schema::Bytes(_)
        | Schema::CidLink(_)
        | Schema::Blob(_)
        | Schema::Unknown(_)
        | Schema::Null(_)
        | Schema::Unsupported(_) => {}
    }
}
