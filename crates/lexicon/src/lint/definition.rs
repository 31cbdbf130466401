//! The rules for definitions, methods and their bodies.

use super::schema::Place;
use super::{Linter, Rule};
use crate::document::{
    BodyDef, Def, ErrorDef, KeyType, MessageDef, MethodDef, ParamsSchema, PermissionSetDef,
    RecordDef, Schema, SpaceDef, SubscriptionDef, TokenDef, Unsupported,
};
use crate::library::below;

/// The longest name that indigo's rule takes, in characters.
const LONGEST_NAME: usize = 255;
/// Names that generated code and the data model itself need.
const RESERVED_NAMES: [&str; 2] = ["type", "id"];
/// The types that can only be `main`.
const PRIMARY_TYPES: [&str; 6] = [
    "record",
    "query",
    "procedure",
    "subscription",
    "space",
    "permission-set",
];
/// The longest name of a space (proposal 0016), in characters.
const LONGEST_SPACE_NAME: usize = 64;

impl Linter<'_> {
    pub(super) fn definition(&mut self, name: &str, def: &Def, at: &str) {
        if let Some(fault) = name_fault(name) {
            self.note(
                Rule::DefNameSyntax,
                at,
                format!("the definition name `{name}` {fault}"),
            );
        }
        if name == "main" && self.document.id.as_str().ends_with(".defs") {
            self.note(
                Rule::DefsMainDefinition,
                at,
                "a `defs` document holds shared definitions only",
            );
        }
        if name != "main" && is_primary(def) {
            self.not_main(name, at);
        }
        match def {
            Def::Record(record) => self.record(record, at),
            Def::Query(method) | Def::Procedure(method) => self.method(method, at),
            Def::Subscription(subscription) => self.subscription(subscription, at),
            Def::Space(space) => self.space(space, at),
            Def::PermissionSet(set) => self.permission_set(set, at),
            Def::Token(token) => self.token(token, at),
            Def::Schema(Schema::Unknown(_)) => {
                self.note(
                    Rule::LexiconSchema,
                    at,
                    "`unknown` cannot be a definition of its own",
                );
            }
            Def::Schema(schema) => self.schema(schema, Place::Definition, at),
            Def::Unsupported(raw) => self.unsupported_definition(name, raw, at),
        }
    }

    fn not_main(&mut self, name: &str, at: &str) {
        let message = format!("a primary type must be called `main`, not `{name}`");
        self.note(Rule::NonMainPrimary, at, message);
    }

    /// The reader keeps a definition that it had to refuse, with the type that it claims to be.
    fn unsupported_definition(&mut self, name: &str, raw: &Unsupported, at: &str) {
        if name != "main" && PRIMARY_TYPES.contains(&raw.type_name.as_str()) {
            self.not_main(name, at);
        } else {
            self.unsupported(raw, at);
        }
    }

    fn record(&mut self, record: &RecordDef, at: &str) {
        self.described(record.description.as_deref(), at);
        match &record.key {
            None => self.note(Rule::LexiconSchema, at, "a record must say its `key`"),
            Some(key) => self.key(key, at),
        }
        self.object(&record.record, Place::Record, &below(at, "record"));
    }

    fn key(&mut self, key: &KeyType, at: &str) {
        let at = &below(at, "key");
        match key {
            KeyType::Tid | KeyType::Nsid | KeyType::Any => {}
            KeyType::Literal(text) if !text.is_empty() => {}
            KeyType::Literal(_) => self.note(Rule::LexiconSchema, at, "an empty literal key"),
            KeyType::Unsupported(text) => {
                let message = format!("`{text}` is not a record key type");
                self.note(Rule::LexiconSchema, at, message);
            }
        }
    }

    fn method(&mut self, method: &MethodDef, at: &str) {
        self.described(method.description.as_deref(), at);
        if let Some(params) = &method.parameters {
            self.params(params, &below(at, "parameters"));
        }
        if let Some(input) = &method.input {
            self.body(input, &below(at, "input"));
        }
        match &method.output {
            Some(output) => self.body(output, &below(at, "output")),
            None => self.note(
                Rule::EndpointOutputUndefined,
                at,
                "the method declares no output",
            ),
        }
        self.errors(&method.errors, at);
    }

    fn subscription(&mut self, subscription: &SubscriptionDef, at: &str) {
        self.described(subscription.description.as_deref(), at);
        if let Some(params) = &subscription.parameters {
            self.params(params, &below(at, "parameters"));
        }
        self.messages(subscription.message.as_ref(), at);
        self.errors(&subscription.errors, at);
    }

    fn messages(&mut self, message: Option<&MessageDef>, at: &str) {
        let Some(schema) = message.and_then(|message| message.schema.as_ref()) else {
            self.note(
                Rule::SubscriptionNoMessages,
                at,
                "the subscription declares no messages",
            );
            return;
        };
        let at = &below(&below(at, "message"), "schema");
        match schema {
            Schema::Union(union) => {
                if union.refs.is_empty() {
                    let message = "the subscription's union has no message in it";
                    self.note(Rule::SubscriptionNoMessages, at, message);
                }
                self.schema(schema, Place::Body, at);
            }
            _ => self.note(
                Rule::LexiconSchema,
                at,
                "the message schema must be a union",
            ),
        }
    }

    fn params(&mut self, params: &ParamsSchema, at: &str) {
        for (name, schema) in &params.properties {
            let at = &below(&below(at, "properties"), name);
            self.field_name(name, at);
            let element = match schema {
                Schema::Array(array) => &*array.items,
                other => other,
            };
            let fits = matches!(
                element,
                Schema::Boolean(_) | Schema::Integer(_) | Schema::String(_) | Schema::Unknown(_)
            );
            if !fits {
                let message = "a parameter is a boolean, integer or string, or an array of these";
                self.note(Rule::LexiconSchema, at, message);
            }
            self.schema(schema, Place::Data, at);
        }
        self.listed_fields("required", &params.required, &params.properties, at);
    }

    fn body(&mut self, body: &BodyDef, at: &str) {
        let encoding = &below(at, "encoding");
        if body.encoding.trim().is_empty() {
            self.note(
                Rule::UnspecifiedEncoding,
                at,
                "the body does not say its media type",
            );
        } else if !is_media_range(&body.encoding) {
            let message = format!("`{}` is not one media type or pattern", body.encoding);
            self.note(Rule::LexiconSchema, encoding, message);
        }
        let Some(schema) = &body.schema else { return };
        let at = &below(at, "schema");
        if !matches!(
            schema,
            Schema::Object(_) | Schema::Ref(_) | Schema::Union(_)
        ) {
            self.note(
                Rule::LexiconSchema,
                at,
                "a body is an object, a ref or a union",
            );
        }
        self.schema(schema, Place::Body, at);
    }

    fn errors(&mut self, errors: &[ErrorDef], at: &str) {
        for (index, error) in errors.iter().enumerate() {
            if error.name.is_empty() || error.name.contains(char::is_whitespace) {
                let at = &below(&below(at, "errors"), &index.to_string());
                let message = format!("`{}` cannot be an error name", error.name);
                self.note(Rule::ErrorNameSyntax, at, message);
            }
        }
    }

    fn space(&mut self, space: &SpaceDef, at: &str) {
        self.described(space.description.as_deref(), at);
        self.key(&space.key, at);
        let length = space.name.chars().count();
        if length == 0 || length > LONGEST_SPACE_NAME {
            let message =
                format!("the name has {length} characters, not 1 to {LONGEST_SPACE_NAME}");
            self.note(Rule::LexiconSchema, &below(at, "name"), message);
        }
    }

    /// Descriptions are not asked of a permission set: people see its title and detail.
    fn permission_set(&mut self, set: &PermissionSetDef, at: &str) {
        if set.title.as_deref().is_none_or(str::is_empty) {
            self.note(
                Rule::PermissionsetNoTitle,
                at,
                "the permission set has no title",
            );
        }
        if set.permissions.is_empty() {
            self.note(
                Rule::PermissionsetNoPermissions,
                at,
                "the permission set allows nothing",
            );
        }
    }

    fn token(&mut self, token: &TokenDef, at: &str) {
        if token.description.as_deref().is_none_or(str::is_empty) {
            self.note(
                Rule::UndescribedToken,
                at,
                "the token does not say what it means",
            );
        }
    }

    fn described(&mut self, description: Option<&str>, at: &str) {
        if description.is_none_or(str::is_empty) {
            let message = "the primary definition has no description";
            self.note(Rule::MissingPrimaryDescription, at, message);
        }
    }

    pub(super) fn field_name(&mut self, name: &str, at: &str) {
        if let Some(fault) = name_fault(name) {
            self.note(
                Rule::FieldNameSyntax,
                at,
                format!("the field name `{name}` {fault}"),
            );
        }
    }
}

fn is_primary(def: &Def) -> bool {
    matches!(
        def,
        Def::Record(_)
            | Def::Query(_)
            | Def::Procedure(_)
            | Def::Subscription(_)
            | Def::Space(_)
            | Def::PermissionSet(_)
    )
}

fn name_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("is empty");
    }
    if name.chars().count() > LONGEST_NAME {
        return Some("is longer than 255 characters");
    }
    if RESERVED_NAMES.contains(&name) {
        return Some("is reserved by many readers");
    }
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = starts_well && name.chars().all(|c| c.is_ascii_alphanumeric());
    (!plain).then_some("is not a letter followed by letters and digits")
}

/// One `type/subtype`, either side of which may be `*`.
pub(super) fn is_media_range(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || matches!(c, ',' | '/'))
    };
    let essence = text.split(';').next().unwrap_or_default().trim_end();
    essence
        .split_once('/')
        .is_some_and(|(kind, sub)| is_part(kind) && is_part(sub))
}
