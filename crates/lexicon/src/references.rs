//! Every reference that a schema makes.

use indexmap::IndexMap;

use crate::document::{Def, Schema};
use crate::place::Place;

/// Calls `visit` with each reference in a schema, as written, and with the place it is written at.
pub(crate) fn visit_schema<'a>(
    schema: &'a Schema,
    at: &Place<'_>,
    visit: &mut impl FnMut(&Place<'_>, &'a str),
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
        Schema::Object(object) => visit_fields(&object.properties, at, visit),
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

/// The same for the properties of the object or the parameters at `at`.
pub(crate) fn visit_fields<'a>(
    properties: &'a IndexMap<String, Schema>,
    at: &Place<'_>,
    visit: &mut impl FnMut(&Place<'_>, &'a str),
) {
    let at = at.key("properties");
    for (name, schema) in properties {
        visit_schema(schema, &at.key(name), visit);
    }
}

/// The schemas that a definition holds, each with what it is for.
pub(crate) fn schemas(def: &Def) -> Vec<(Role, &Schema)> {
    match def {
        Def::Record(record) => record
            .record
            .properties
            .values()
            .map(|schema| (Role::Data, schema))
            .collect(),
        Def::Query(method) | Def::Procedure(method) => {
            let params = method
                .parameters
                .iter()
                .flat_map(|params| params.properties.values());
            let input = method.input.iter().filter_map(|body| body.schema.as_ref());
            let output = method.output.iter().filter_map(|body| body.schema.as_ref());
            let inputs = params.chain(input).map(|schema| (Role::Input, schema));
            inputs
                .chain(output.map(|schema| (Role::Output, schema)))
                .collect()
        }
        Def::Subscription(subscription) => {
            let params = subscription
                .parameters
                .iter()
                .flat_map(|params| params.properties.values());
            let message = subscription
                .message
                .iter()
                .filter_map(|m| m.schema.as_ref());
            let inputs = params.map(|schema| (Role::Input, schema));
            inputs
                .chain(message.map(|schema| (Role::Output, schema)))
                .collect()
        }
        Def::Schema(schema) => vec![(Role::Shared, schema)],
        Def::Space(_) | Def::PermissionSet(_) | Def::Token(_) | Def::Unsupported(_) => Vec::new(),
    }
}

/// What a schema is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Data kept in a repository.
    Data,
    /// What a caller sends.
    Input,
    /// What a server sends.
    Output,
    /// Whatever refers to it.
    Shared,
}
