//! Every reference that a schema makes.

use crate::document::{Def, Schema};

/// Calls `visit` with each reference in a schema, as written.
pub(crate) fn visit_schema<'a>(schema: &'a Schema, visit: &mut impl FnMut(&'a str)) {
    match schema {
        Schema::Ref(reference) => visit(&reference.reference),
        Schema::Union(union) => union.refs.iter().for_each(|reference| visit(reference)),
        Schema::Array(array) => visit_schema(&array.items, visit),
        Schema::Object(object) => {
            object
                .properties
                .values()
                .for_each(|schema| visit_schema(schema, visit));
        }
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
