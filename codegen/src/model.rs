//! The resolved model: what is printed, with every reference followed and every name chosen.

use loggia_syntax::Format;

/// Everything that is to be printed.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) modules: Vec<Module>,
}

/// One lexicon document.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) nsid: String,
    /// The file that it was read from, relative to the folder of lexicons, with `/`.
    pub(crate) source: String,
    /// The Rust module, root first.
    pub(crate) path: Vec<String>,
    pub(crate) docs: Option<String>,
    pub(crate) items: Vec<Item>,
}

/// A Rust type that is generated: which module, which name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TypeId {
    /// Index into [`Model::modules`].
    pub(crate) module: usize,
    pub(crate) name: String,
}

#[derive(Debug)]
pub(crate) enum Item {
    Object(Object),
    Union(Union),
    Strings(Strings),
    Alias(Alias),
    Constant(Constant),
    Method(Method),
    Subscription(Subscription),
    Body(Body),
}

/// What stands above an item.
#[derive(Clone, Debug, Default)]
pub(crate) struct Docs {
    /// The lexicon's own words.
    pub(crate) text: Option<String>,
    /// What to say without any.
    pub(crate) fallback: String,
}

/// An object or a record.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) name: String,
    pub(crate) docs: Docs,
    /// What `$type` says.
    pub(crate) type_name: String,
    /// The key type, if this is a record.
    pub(crate) record: Option<String>,
    pub(crate) fields: Vec<Field>,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) wire: String,
    pub(crate) rust: String,
    pub(crate) docs: Docs,
    pub(crate) required: bool,
    pub(crate) nullable: bool,
    pub(crate) ty: Type,
    /// Whether the type would contain itself without a `Box` here.
    pub(crate) boxed: bool,
}

/// A type with its constraints, every alias followed.
#[derive(Clone, Debug)]
pub(crate) enum Type {
    Boolean {
        constant: Option<bool>,
    },
    Integer(Integer),
    Text(Limits),
    Format(Format, Limits),
    Strings(TypeId, Limits),
    Bytes {
        min: Option<u64>,
        max: Option<u64>,
    },
    Link,
    Blob {
        accept: Option<Vec<String>>,
        max_size: Option<u64>,
    },
    /// `null` and nothing else.
    Null,
    /// `unknown`: an object of any shape.
    Unknown,
    /// What we cannot type: any value of the data model.
    Data,
    List {
        items: Box<Type>,
        min: Option<u64>,
        max: Option<u64>,
    },
    /// A generated object or union.
    Named(TypeId),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Integer {
    pub(crate) min: Option<i64>,
    pub(crate) max: Option<i64>,
    pub(crate) one_of: Option<Vec<i64>>,
}

/// The limits of a string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) min_length: Option<u64>,
    pub(crate) max_length: Option<u64>,
    pub(crate) min_graphemes: Option<u64>,
    pub(crate) max_graphemes: Option<u64>,
    /// An empty `enum`: no text at all is right.
    pub(crate) nothing: bool,
}

#[derive(Debug)]
pub(crate) struct Union {
    pub(crate) name: String,
    pub(crate) docs: Docs,
    pub(crate) closed: bool,
    pub(crate) variants: Vec<Variant>,
}

impl Union {
    /// Whether there is a variant for what is not listed. A closed union without any variant has
    /// one as well, which is never valid, since Rust has no use for a type without values here.
    pub(crate) fn holds_unknown(&self) -> bool {
        !self.closed || self.variants.is_empty()
    }
}

#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) rust: String,
    /// What `$type` says.
    pub(crate) type_name: String,
    pub(crate) target: TypeId,
}

/// A string with a list of values.
#[derive(Debug)]
pub(crate) struct Strings {
    pub(crate) name: String,
    pub(crate) docs: Docs,
    pub(crate) closed: bool,
    pub(crate) values: Vec<Value>,
}

#[derive(Debug)]
pub(crate) struct Value {
    pub(crate) rust: String,
    pub(crate) wire: String,
    pub(crate) docs: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Alias {
    pub(crate) name: String,
    pub(crate) docs: Docs,
    pub(crate) target: Type,
}

#[derive(Debug)]
pub(crate) struct Constant {
    pub(crate) name: String,
    pub(crate) docs: Docs,
    pub(crate) value: ConstantValue,
}

#[derive(Debug)]
pub(crate) enum ConstantValue {
    Text(String),
    List(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MethodKind {
    Query,
    Procedure,
}

#[derive(Debug)]
pub(crate) struct Method {
    pub(crate) kind: MethodKind,
    pub(crate) name: String,
    pub(crate) docs: Docs,
    pub(crate) params: Option<Params>,
    /// Whether there is a type `Input` in the module.
    pub(crate) input: bool,
    /// Whether there is a type `Output` in the module.
    pub(crate) output: bool,
    pub(crate) errors: Vec<DeclaredError>,
}

#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) name: String,
    pub(crate) docs: Docs,
    pub(crate) params: Option<Params>,
    pub(crate) message_docs: Docs,
    /// With the frame type in place of the `$type`.
    pub(crate) messages: Vec<Variant>,
    pub(crate) errors: Vec<DeclaredError>,
}

#[derive(Debug)]
pub(crate) struct Params {
    pub(crate) docs: Docs,
    pub(crate) fields: Vec<Param>,
}

#[derive(Debug)]
pub(crate) struct Param {
    pub(crate) wire: String,
    pub(crate) rust: String,
    pub(crate) docs: Docs,
    pub(crate) required: bool,
    pub(crate) ty: Type,
    /// A Rust expression.
    pub(crate) default: Option<String>,
}

#[derive(Debug)]
pub(crate) struct DeclaredError {
    pub(crate) rust: String,
    pub(crate) wire: String,
    pub(crate) docs: Option<String>,
}

/// A request or response body that is not an object or a union of its own.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) name: &'static str,
    pub(crate) docs: Docs,
    pub(crate) shape: BodyShape,
}

#[derive(Debug)]
pub(crate) enum BodyShape {
    /// A generated type that stands elsewhere.
    Named(TypeId),
    /// A JSON value that is neither object nor union.
    Value(Type),
    /// JSON without a schema.
    Data,
    /// Bytes with this encoding.
    Binary(String),
}
