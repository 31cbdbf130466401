//! From a catalog to a program.

mod rules;

use std::collections::{BTreeMap, HashMap};

use super::program::{
    Def, Node, NodeId, ObjectRule, Parts, Program, Property, Role, Run, Text, UnionRule,
};
use crate::catalog::{Catalog, DefinitionName};
use crate::document::{
    self, ArraySchema, BodyDef, Document, MethodDef, ObjectSchema, ParamsSchema, RecordDef, Schema,
    SubscriptionDef, UnionSchema,
};

/// Compiles every definition of a catalog.
pub(super) fn compile(catalog: &Catalog) -> Program {
    let mut compiler = Compiler::default();
    for document in catalog.documents() {
        for name in document.defs.keys() {
            compiler.declare(DefinitionName {
                nsid: document.id.as_str(),
                name,
            });
        }
    }
    for (nsid, reason) in catalog.all_unreadable() {
        let def = compiler.declare(DefinitionName { nsid, name: "main" });
        compiler.give_up(def, reason);
    }
    for document in catalog.documents() {
        for (name, def) in &document.defs {
            compiler.define(document, name, def);
        }
    }
    compiler.finish()
}

#[derive(Default)]
struct Compiler<'c> {
    program: Program,
    ids: HashMap<DefinitionName<'c>, u32>,
    /// What is referred to and not there: it has a node, but no name to be found by.
    unresolved: HashMap<DefinitionName<'c>, u32>,
    no_data: Option<Text>,
}

impl<'c> Compiler<'c> {
    /// Gives a definition its place, so that refs can name it before it is compiled.
    fn declare(&mut self, name: DefinitionName<'c>) -> u32 {
        let id = self.place(name);
        self.ids.insert(name, id);
        id
    }

    fn place(&mut self, name: DefinitionName<'c>) -> u32 {
        let text = self.text(&name.to_string());
        let node = self.node(Node::Unusable(Text::default()));
        self.program.defs.push(Def {
            name: text,
            node,
            role: Role::Other,
        });
        index(self.program.defs.len() - 1)
    }

    /// Notes why a definition cannot be used.
    fn give_up(&mut self, def: u32, why: &str) {
        let why = self.text(why);
        let node = self.program.defs[def as usize].node;
        self.program.nodes[node as usize] = Node::Unusable(why);
    }

    fn define(&mut self, document: &'c Document, name: &'c str, def: &'c document::Def) {
        let id = self.ids[&DefinitionName {
            nsid: document.id.as_str(),
            name,
        }];
        let base = document.id.as_str();
        let (node, role) = match def {
            document::Def::Record(record) => self.record(base, id, record),
            document::Def::Query(method) | document::Def::Procedure(method) => {
                self.method(base, method)
            }
            document::Def::Subscription(subscription) => self.subscription(base, subscription),
            document::Def::Token(_) => (Node::Token, Role::Other),
            document::Def::Schema(schema) => (self.schema(base, schema), Role::Other),
            document::Def::Space(_) | document::Def::PermissionSet(_) => {
                (self.no_data(), Role::Other)
            }
            document::Def::Unsupported(unsupported) => {
                (self.unusable(&unsupported.type_name), Role::Other)
            }
        };
        let at = &mut self.program.defs[id as usize];
        at.role = role;
        self.program.nodes[at.node as usize] = node;
    }

    fn record(&mut self, base: &'c str, def: u32, record: &'c RecordDef) -> (Node, Role) {
        let key = index(self.program.keys.len());
        self.program.keys.push(record.key.clone());
        let object = self.object(base, &record.record);
        (Node::Record { def, object }, Role::Record(key))
    }

    fn method(&mut self, base: &'c str, method: &'c MethodDef) -> (Node, Role) {
        let parts = Parts {
            params: method
                .parameters
                .as_ref()
                .map(|params| self.params(base, params)),
            input: self.body(base, method.input.as_ref()),
            output: self.body(base, method.output.as_ref()),
            message: None,
        };
        (self.no_data(), self.parts(parts))
    }

    fn subscription(&mut self, base: &'c str, subscription: &'c SubscriptionDef) -> (Node, Role) {
        let message = subscription
            .message
            .as_ref()
            .and_then(|message| message.schema.as_ref());
        let parts = Parts {
            params: subscription
                .parameters
                .as_ref()
                .map(|params| self.params(base, params)),
            message: message.map(|schema| self.lower(base, schema)),
            ..Parts::default()
        };
        (self.no_data(), self.parts(parts))
    }

    fn parts(&mut self, parts: Parts) -> Role {
        self.program.methods.push(parts);
        Role::Method(index(self.program.methods.len() - 1))
    }

    fn body(&mut self, base: &'c str, body: Option<&'c BodyDef>) -> Option<NodeId> {
        let schema = body?.schema.as_ref()?;
        Some(self.lower(base, schema))
    }

    fn params(&mut self, base: &'c str, params: &'c ParamsSchema) -> NodeId {
        let properties = params.properties.iter().map(|(name, schema)| {
            // A parameter of type `unknown` is any text, and no object as in data.
            let anything = matches!(schema, Schema::Unknown(_));
            (name.as_str(), (!anything).then_some(schema))
        });
        let object = self.fields(base, properties.collect(), &params.required, &[]);
        self.node(Node::Object(object))
    }

    fn lower(&mut self, base: &'c str, schema: &'c Schema) -> NodeId {
        if let Schema::Ref(reference) = schema {
            let def = self.target(base, &reference.reference);
            return self.program.defs[def as usize].node;
        }
        let node = self.schema(base, schema);
        self.node(node)
    }

    fn schema(&mut self, base: &'c str, schema: &'c Schema) -> Node {
        match schema {
            Schema::Boolean(schema) => Node::Boolean(schema.constant),
            Schema::Integer(schema) => self.integer(schema),
            Schema::String(schema) => self.string(schema),
            Schema::Bytes(schema) => Node::Bytes(self.length(schema.min_length, schema.max_length)),
            Schema::CidLink(_) => Node::Link,
            Schema::Blob(schema) => self.blob(schema.accept.as_deref(), schema.max_size),
            Schema::Array(schema) => self.array(base, schema),
            Schema::Object(schema) => Node::Object(self.object(base, schema)),
            // A definition that is only a ref is refused by the reader; a chain of them would
            // have no bottom.
            Schema::Ref(_) => self.unusable("ref"),
            Schema::Union(schema) => self.union(base, schema),
            Schema::Unknown(_) => Node::Unknown,
            Schema::Null(_) => Node::Null,
            Schema::Unsupported(unsupported) => self.unusable(&unsupported.type_name),
        }
    }

    fn array(&mut self, base: &'c str, schema: &'c ArraySchema) -> Node {
        let items = self.lower(base, &schema.items);
        Node::Array {
            items,
            rule: self.length(schema.min_length, schema.max_length),
        }
    }

    fn object(&mut self, base: &'c str, schema: &'c ObjectSchema) -> u32 {
        let properties = schema
            .properties
            .iter()
            .map(|(name, schema)| (name.as_str(), Some(schema)));
        self.fields(
            base,
            properties.collect(),
            &schema.required,
            &schema.nullable,
        )
    }

    /// An object; a property without a schema takes any data.
    fn fields(
        &mut self,
        base: &'c str,
        properties: Vec<(&'c str, Option<&'c Schema>)>,
        required: &'c [String],
        nullable: &'c [String],
    ) -> u32 {
        let mut properties: BTreeMap<_, _> = properties.into_iter().collect();
        // Data cannot have these fields: they make an object bytes or a link.
        properties.retain(|name, _| !matches!(*name, "$bytes" | "$link"));
        // What is required without a schema must be there all the same.
        for name in required {
            properties.entry(name).or_insert(None);
        }
        let declares_type = properties.contains_key("$type");
        // Sorted, because a stranger's object may have thousands of both.
        let (required, nullable) = (sorted(required), sorted(nullable));
        let mut compiled = Vec::with_capacity(properties.len());
        for (name, schema) in properties {
            let node = match schema {
                Some(schema) => self.lower(base, schema),
                None => self.node(Node::Anything),
            };
            compiled.push(Property {
                name: self.text(name),
                node,
                required: required.binary_search(&name).is_ok(),
                nullable: nullable.binary_search(&name).is_ok(),
            });
        }
        let required = index(compiled.iter().filter(|property| property.required).count());
        let properties = extend(&mut self.program.properties, compiled);
        self.program.objects.push(ObjectRule {
            properties,
            required,
            declares_type,
        });
        index(self.program.objects.len() - 1)
    }

    fn union(&mut self, base: &'c str, schema: &'c UnionSchema) -> Node {
        let mut variants: Vec<u32> = schema
            .refs
            .iter()
            .map(|reference| self.target(base, reference))
            .collect();
        let program = &mut self.program;
        let name =
            |def: u32, program: &Program| program.text(program.defs[def as usize].name).to_owned();
        variants.sort_by_cached_key(|&def| name(def, program));
        variants.dedup();
        let variants = extend(&mut program.variants, variants);
        program.unions.push(UnionRule {
            variants,
            closed: schema.closed,
        });
        Node::Union(index(program.unions.len() - 1))
    }

    /// The definition that a reference names; one that is not there is declared as such.
    fn target(&mut self, base: &'c str, reference: &'c str) -> u32 {
        let name = DefinitionName::parse(base, reference).unwrap_or(DefinitionName {
            nsid: reference,
            name: "main",
        });
        if let Some(&id) = self.ids.get(&name).or_else(|| self.unresolved.get(&name)) {
            return id;
        }
        let id = self.place(name);
        self.unresolved.insert(name, id);
        self.give_up(id, &format!("there is no `{name}`"));
        id
    }

    fn unusable(&mut self, type_name: &str) -> Node {
        let why = match type_name {
            "" => "its schema has no `type`".to_owned(),
            name => format!("its schema of type `{name}` cannot be used"),
        };
        Node::Unusable(self.text(&why))
    }

    fn no_data(&mut self) -> Node {
        let why = match self.no_data {
            Some(why) => why,
            None => self.text("its definition does not describe data"),
        };
        self.no_data = Some(why);
        Node::Unusable(why)
    }

    fn node(&mut self, node: Node) -> NodeId {
        self.program.nodes.push(node);
        index(self.program.nodes.len() - 1)
    }

    fn text(&mut self, text: &str) -> Text {
        let start = index(self.program.text.len());
        self.program.text.push_str(text);
        Text {
            start,
            length: index(text.len()),
        }
    }

    fn finish(self) -> Program {
        let Self {
            mut program, ids, ..
        } = self;
        program.names = ids
            .into_iter()
            .map(|(name, id)| (name.to_string().into(), id))
            .collect();
        program.nodes.shrink_to_fit();
        program.properties.shrink_to_fit();
        program.strings.shrink_to_fit();
        program.text.shrink_to_fit();
        program
    }
}

fn sorted(names: &[String]) -> Vec<&str> {
    let mut sorted: Vec<_> = names.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    sorted
}

fn extend<T>(list: &mut Vec<T>, more: Vec<T>) -> Run {
    let run = Run {
        first: index(list.len()),
        count: index(more.len()),
    };
    list.extend(more);
    run
}

/// An index into a list of the program.
fn index(length: usize) -> u32 {
    u32::try_from(length).expect("a catalog that fits into memory has less than 2^32 of anything")
}
