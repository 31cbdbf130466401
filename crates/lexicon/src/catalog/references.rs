//! Every reference of a document, with its place.

use crate::document::{BodyDef, Def, Document, ParamsSchema};
use crate::place::Place;
use crate::references::{visit_fields, visit_schema};

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
        Def::Record(record) => visit_fields(&record.record.properties, &at.key("record"), visit),
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
    if let Some(params) = params {
        visit_fields(&params.properties, &at.key("parameters"), visit);
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
