//! Methods as OpenAPI 3.1.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::name::ENVELOPE;
use super::schema::{Exporter, described, is_deprecated, put};
use crate::document::{
    BodyDef, Def, Document, ErrorDef, MethodDef, ParamsSchema, Schema, SubscriptionDef,
};
use crate::library::{DefName, Library};

/// Where the schemas of an OpenAPI description stand.
const HOME: &str = "#/components/schemas/";

/// What an OpenAPI description says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiInfo {
    /// The name of the service.
    pub title: String,
    /// The version of the service, in whatever form it has.
    pub version: String,
    /// Where the service is, as the start of every URL.
    pub server: Option<String>,
}

/// Describes every method among the documents, with the schemas that they need.
///
/// Lexicons do not say which status an error has, so declared errors stand under `4XX`, and with
/// them every name that the XRPC layer itself uses. A subscription is a GET that ends in `101`; its
/// messages stand under `x-lexicon-messages`.
pub fn open_api<'a>(documents: impl IntoIterator<Item = &'a Document>, info: &ApiInfo) -> Value {
    let library = Library::new(documents);
    let mut description = Description {
        exporter: Exporter::new(&library, HOME),
    };
    let mut paths = Map::new();
    let mut tags = BTreeSet::new();
    for document in library.documents() {
        if let Some(path) = description.path(document) {
            tags.insert(namespace(document));
            paths.insert(format!("/xrpc/{}", document.id), path);
        }
    }
    let mut schemas = description.exporter.finish();
    schemas.insert(ENVELOPE.to_owned(), envelope());
    let tags: Vec<_> = tags
        .into_iter()
        .map(|name| json!({ "name": name }))
        .collect();
    let mut root = json!({
        "openapi": "3.1.0",
        "info": { "title": info.title, "version": info.version },
        "paths": paths,
        "components": { "schemas": schemas },
        "tags": tags,
    });
    put(
        &mut root,
        "servers",
        info.server.as_ref().map(|url| json!([{ "url": url }])),
    );
    root
}

/// The NSID without its last segment.
fn namespace(document: &Document) -> &str {
    let nsid = document.id.as_str();
    nsid.rsplit_once('.')
        .map_or(nsid, |(namespace, _)| namespace)
}

/// The body of every failure.
fn envelope() -> Value {
    json!({
        "type": "object",
        "properties": {
            "error": { "type": "string", "pattern": "^\\S+$", "description": "The name of the error." },
            "message": { "type": "string", "description": "What went wrong, for people." },
        },
        "required": ["error"],
    })
}

struct Description<'a> {
    exporter: Exporter<'a>,
}

impl Description<'_> {
    fn path(&mut self, document: &Document) -> Option<Value> {
        match document.defs.get("main")? {
            Def::Query(method) => Some(json!({ "get": self.method(document, method) })),
            Def::Procedure(method) => Some(json!({ "post": self.method(document, method) })),
            Def::Subscription(method) => {
                Some(json!({ "get": self.subscription(document, method) }))
            }
            Def::Record(_)
            | Def::Space(_)
            | Def::PermissionSet(_)
            | Def::Token(_)
            | Def::Schema(_)
            | Def::Unsupported(_) => None,
        }
    }

    fn method(&mut self, document: &Document, method: &MethodDef) -> Value {
        let base = document.id.as_str();
        let mut operation = operation(document, method.description.as_deref());
        put(
            &mut operation,
            "parameters",
            self.params(method.parameters.as_ref(), base),
        );
        if let Some(input) = &method.input {
            let body = json!({ "required": true, "content": self.content(input, base) });
            operation["requestBody"] = with_text(body, input.description.as_deref());
        }
        let answer = match &method.output {
            None => json!({ "description": "Done; there is nothing to say." }),
            Some(output) => json!({
                "description": output.description.as_deref().unwrap_or("The answer."),
                "content": self.content(output, base),
            }),
        };
        operation["responses"] = failures(&method.errors, "200", answer);
        operation
    }

    fn subscription(&mut self, document: &Document, method: &SubscriptionDef) -> Value {
        let base = document.id.as_str();
        let mut operation = operation(document, method.description.as_deref());
        put(
            &mut operation,
            "parameters",
            self.params(method.parameters.as_ref(), base),
        );
        let answer = json!({ "description": "The stream begins, as a WebSocket." });
        operation["responses"] = failures(&method.errors, "101", answer);
        operation["x-lexicon-subscription"] = true.into();
        if let Some(Schema::Union(union)) = method.message.as_ref().and_then(|m| m.schema.as_ref())
        {
            let mut messages = Map::new();
            for reference in &union.refs {
                // A frame's header carries the type, so that the message itself has no `$type`.
                let schema = self.exporter.link(&DefName::parse(base, reference));
                messages.insert(reference.clone(), schema);
            }
            operation["x-lexicon-messages"] = messages.into();
        }
        operation
    }

    fn params(&mut self, params: Option<&ParamsSchema>, base: &str) -> Option<Value> {
        let params = params.filter(|params| !params.properties.is_empty())?;
        let list = params.properties.iter().map(|(name, schema)| {
            let mut schema = self.exporter.schema(schema, base);
            // The description and the mark belong to the parameter, which shows them.
            let text = schema
                .as_object_mut()
                .and_then(|schema| schema.remove("description"));
            let mut param = json!({
                "name": name,
                "in": "query",
                "required": params.required.contains(name),
                "schema": schema,
            });
            put(&mut param, "description", text.clone());
            if text
                .as_ref()
                .and_then(Value::as_str)
                .is_some_and(is_deprecated)
            {
                param["deprecated"] = true.into();
            }
            if param["schema"]["type"] == "array" {
                param["style"] = "form".into();
                param["explode"] = true.into();
            }
            param
        });
        Some(list.collect())
    }

    /// A body by media type. Without a schema, JSON may be anything and other types are bytes.
    fn content(&mut self, body: &BodyDef, base: &str) -> Value {
        let schema = match &body.schema {
            Some(schema) => json!({ "schema": self.exporter.schema(schema, base) }),
            None => json!({}),
        };
        let types = body
            .encoding
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        let mut content: Map<_, _> = types
            .map(|name| (name.to_owned(), schema.clone()))
            .collect();
        if content.is_empty() {
            content.insert("*/*".to_owned(), schema);
        }
        content.into()
    }
}

fn operation(document: &Document, description: Option<&str>) -> Value {
    let operation = json!({
        "operationId": document.id.as_str(),
        "tags": [namespace(document)],
    });
    described(operation, description)
}

fn failures(errors: &[ErrorDef], status: &str, answer: Value) -> Value {
    let plain = json!({ "$ref": format!("{HOME}{ENVELOPE}") });
    let declared = if errors.is_empty() {
        plain.clone()
    } else {
        let mut names: Vec<_> = errors
            .iter()
            .map(|error| with_text(json!({ "const": error.name }), error.description.as_deref()))
            .collect();
        names.push(json!({ "type": "string" }));
        json!({ "allOf": [plain.clone(), { "properties": { "error": { "anyOf": names } } }] })
    };
    let response = |text: &str, schema: Value| json!({ "description": text, "content": { "application/json": { "schema": schema } } });
    json!({
        status: answer,
        "4XX": response("The request was refused.", declared),
        "5XX": response("The service failed.", plain),
    })
}

fn with_text(mut value: Value, description: Option<&str>) -> Value {
    put(&mut value, "description", description);
    value
}
