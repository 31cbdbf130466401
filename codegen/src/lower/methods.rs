//! What is generated for a query, a procedure or a subscription.

use std::collections::BTreeSet;

use loggia_lexicon::document::{
    BodyDef, ErrorDef, MethodDef, ParamsSchema, Schema, StringSchema, SubscriptionDef,
};

use super::Lowering;
use super::naming::escape;
use super::types::description;
use crate::model::{
    Body, BodyShape, DeclaredError, Docs, Item, Limits, Method, MethodKind, Param, Params,
    Subscription, Type, Variant,
};
use crate::names::{self, Scope};
use crate::print::format_type;

const POINTER: &str = "/defs/main";

impl Lowering<'_, '_> {
    /// Appends the marker and the types of a query or a procedure.
    pub(crate) fn method(&mut self, query: bool, method: &MethodDef, items: &mut Vec<Item>) {
        let name = self.names().at(POINTER).to_owned();
        let mut parts = Vec::new();
        let params = self.params(&name, method.parameters.as_ref(), &mut parts);
        if query && method.input.is_some() {
            self.note("/defs/main/input", "a query has no input; left out");
        }
        let input = if query { None } else { method.input.as_ref() };
        let has_input = input.is_some();
        self.body(&name, "Input", input, &mut parts);
        self.body(&name, "Output", method.output.as_ref(), &mut parts);
        items.push(Item::Method(Method {
            kind: if query {
                MethodKind::Query
            } else {
                MethodKind::Procedure
            },
            docs: self.method_docs(method.description.as_ref()),
            name,
            params,
            input: has_input,
            output: method.output.is_some(),
            errors: self.errors(&method.errors),
        }));
        items.append(&mut parts);
    }

    /// Appends the marker and the types of a subscription.
    pub(crate) fn subscription(&mut self, def: &SubscriptionDef, items: &mut Vec<Item>) {
        let name = self.names().at(POINTER).to_owned();
        let mut parts = Vec::new();
        let params = self.params(&name, def.parameters.as_ref(), &mut parts);
        let pointer = "/defs/main/message/schema";
        let refs = match def
            .message
            .as_ref()
            .and_then(|message| message.schema.as_ref())
        {
            Some(Schema::Union(union)) => union.refs.clone(),
            Some(Schema::Ref(schema)) => {
                self.note(pointer, "messages should be a union");
                vec![schema.reference.clone()]
            }
            _ => {
                self.note(
                    pointer,
                    "messages should be a union; the stream carries nothing",
                );
                Vec::new()
            }
        };
        let own = format!("{}#", self.nsid());
        let frame_type = |variant: Variant| match variant.type_name.strip_prefix(&own) {
            Some(name) => Variant {
                type_name: format!("#{name}"),
                ..variant
            },
            None => variant,
        };
        let messages = self
            .variants(pointer, &refs)
            .into_iter()
            .map(frame_type)
            .collect();
        items.push(Item::Subscription(Subscription {
            docs: self.method_docs(def.description.as_ref()),
            message_docs: Docs {
                text: def
                    .message
                    .as_ref()
                    .and_then(|message| message.description.clone()),
                fallback: format!("What a frame of [`{name}`] carries."),
            },
            name,
            params,
            messages,
            errors: self.errors(&def.errors),
        }));
        items.append(&mut parts);
    }

    fn method_docs(&self, text: Option<&String>) -> Docs {
        Docs {
            text: text.cloned(),
            fallback: format!("`{}`", self.nsid()),
        }
    }

    fn params(
        &mut self,
        method: &str,
        schema: Option<&ParamsSchema>,
        items: &mut Vec<Item>,
    ) -> Option<Params> {
        let schema = schema.filter(|schema| !schema.properties.is_empty())?;
        let mut scope = Scope::default();
        let mut fields = Vec::new();
        for (wire, property) in &schema.properties {
            let pointer = format!("{POINTER}/parameters/properties/{}", escape(wire));
            let ty = self.ty(&pointer, property, items);
            let ty = self.param_type(&pointer, ty);
            let default = self.default(&pointer, property, &ty, items);
            fields.push(Param {
                rust: scope.take_snake(&names::field(wire)),
                wire: wire.clone(),
                docs: Docs {
                    text: description(property).cloned(),
                    fallback: format!("`{wire}`"),
                },
                required: schema.required.contains(wire),
                ty,
                default,
            });
        }
        let docs = Docs {
            text: schema.description.clone(),
            fallback: format!("URL parameters of [`{method}`]."),
        };
        Some(Params { docs, fields })
    }

    /// Only plain values and lists of them can stand in a URL; anything else is text.
    fn param_type(&mut self, pointer: &str, ty: Type) -> Type {
        match ty {
            Type::Boolean { .. }
            | Type::Integer(_)
            | Type::Text(_)
            | Type::Format(..)
            | Type::Strings(..) => ty,
            Type::List { items, min, max } if !matches!(*items, Type::List { .. }) => Type::List {
                items: Box::new(self.param_type(pointer, *items)),
                min,
                max,
            },
            Type::Unknown => Type::Text(Limits::default()),
            _ => {
                self.note(pointer, "cannot stand in a URL; taken as text");
                Type::Text(Limits::default())
            }
        }
    }

    /// The default as a Rust expression.
    fn default(
        &mut self,
        pointer: &str,
        schema: &Schema,
        ty: &Type,
        items: &[Item],
    ) -> Option<String> {
        match (schema, ty) {
            (Schema::Boolean(schema), _) => schema.default.map(|value| value.to_string()),
            (Schema::Integer(schema), _) => schema.default.map(|value| value.to_string()),
            (Schema::String(schema), ty) => self.text_default(pointer, schema, ty, items),
            _ => None,
        }
    }

    fn text_default(
        &mut self,
        pointer: &str,
        schema: &StringSchema,
        ty: &Type,
        items: &[Item],
    ) -> Option<String> {
        let text = schema.default.as_ref()?;
        match ty {
            Type::Strings(id, _) => {
                let strings = items.iter().find_map(|item| match item {
                    Item::Strings(strings) if strings.name == id.name => Some(strings),
                    _ => None,
                })?;
                let value = strings.values.iter().find(|value| value.wire == *text);
                match value {
                    Some(value) => Some(format!("{}::{}", id.name, value.rust)),
                    None if !strings.closed => {
                        Some(format!("{}::Other({text:?}.to_owned())", id.name))
                    }
                    None => {
                        self.note(pointer, format!("the default {text:?} is not in the list"));
                        None
                    }
                }
            }
            Type::Format(format, _) => match format.check(text) {
                Ok(()) => Some(format!(
                    "syntax::{}::from_static({text:?})",
                    format_type(*format)
                )),
                Err(error) => {
                    self.note(pointer, format!("the default is not valid: {error}"));
                    None
                }
            },
            _ => Some(format!("{text:?}.to_owned()")),
        }
    }

    fn body(
        &mut self,
        method: &str,
        name: &'static str,
        body: Option<&BodyDef>,
        items: &mut Vec<Item>,
    ) {
        let Some(body) = body else {
            return;
        };
        let what = if name == "Input" {
            "request"
        } else {
            "response"
        };
        let docs = Docs {
            text: body.description.clone(),
            fallback: format!("The {what} body of [`{method}`]."),
        };
        let pointer = format!("{POINTER}/{}/schema", name.to_ascii_lowercase());
        if !is_json(&body.encoding) {
            if body.schema.is_some() {
                self.note(
                    &pointer,
                    "a schema for something that is not JSON is left out",
                );
            }
            let shape = BodyShape::Binary(body.encoding.clone());
            items.push(Item::Body(Body { name, docs, shape }));
            return;
        }
        let shape = match &body.schema {
            None => BodyShape::Data,
            Some(schema) => match self.ty(&pointer, schema, items) {
                Type::Named(id) if id.module == self.index && id.name == name => {
                    self.describe(items, name, &docs);
                    return;
                }
                Type::Named(id) => BodyShape::Named(id),
                ty => BodyShape::Value(ty),
            },
        };
        items.push(Item::Body(Body { name, docs, shape }));
    }

    /// Gives a body that is its own type the words of the body where it has none itself.
    fn describe(&self, items: &mut [Item], name: &str, docs: &Docs) {
        let type_name = format!("{}#{}", self.nsid(), name.to_ascii_lowercase());
        for item in items {
            match item {
                Item::Object(object) if object.name == name => {
                    object.type_name = type_name.clone();
                    adopt(&mut object.docs, docs);
                }
                Item::Union(union) if union.name == name => adopt(&mut union.docs, docs),
                _ => {}
            }
        }
    }

    fn errors(&mut self, errors: &[ErrorDef]) -> Vec<DeclaredError> {
        let mut seen = BTreeSet::new();
        let mut scope = Scope::with(&["Self"]);
        let mut declared = Vec::new();
        for error in errors {
            if !seen.insert(&error.name) {
                self.note(
                    "/defs/main/errors",
                    format!("{} is declared twice", error.name),
                );
                continue;
            }
            let name = names::camel(&error.name);
            declared.push(DeclaredError {
                rust: scope.take(if name.is_empty() { "Error" } else { &name }),
                wire: error.name.clone(),
                docs: error.description.clone(),
            });
        }
        declared
    }
}

fn adopt(own: &mut Docs, body: &Docs) {
    own.fallback.clone_from(&body.fallback);
    if own.text.is_none() {
        own.text.clone_from(&body.text);
    }
}

/// `application/json`, whatever parameters follow.
fn is_json(encoding: &str) -> bool {
    let essence = encoding.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}
