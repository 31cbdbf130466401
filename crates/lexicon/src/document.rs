//! The lexicon language as Rust types: what a document says, before references are resolved.
//!
//! Source: the Lexicon specification (atproto.com/specs/lexicon), with the `space` definition type
//! and the `space-ref` format of the permissioned-data proposal (0016).
//!
//! Nothing here is an error: what the language does not know is kept as [`Schema::Unsupported`] or
//! [`Def::Unsupported`] and reported by the reader as a diagnostic, so that one odd field in a
//! stranger's lexicon never takes the rest of the catalog with it.

use indexmap::IndexMap;
use loggia_syntax::Nsid;
use serde_json::Value;

/// One lexicon file.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The NSID that names the file.
    pub id: Nsid,
    /// The author's own revision counter, if any.
    pub revision: Option<i64>,
    /// What the document is about.
    pub description: Option<String>,
    /// Definitions by name, in written order; the primary one is called `main`.
    pub defs: IndexMap<String, Def>,
}

/// A definition: a primary type (only as `main`, except tokens) or a reusable schema.
#[derive(Clone, Debug, PartialEq)]
pub enum Def {
    /// Data stored in a repository.
    Record(RecordDef),
    /// A method called with GET.
    Query(MethodDef),
    /// A method called with POST.
    Procedure(MethodDef),
    /// An event stream.
    Subscription(SubscriptionDef),
    /// A type of permissioned space.
    Space(SpaceDef),
    /// A bundle of OAuth permissions.
    PermissionSet(PermissionSetDef),
    /// A name that stands for itself.
    Token(TokenDef),
    /// A schema that others may refer to.
    Schema(Schema),
    /// A definition of a type this version does not know, as written.
    Unsupported(Unsupported),
}

/// A record type.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordDef {
    /// What the record is.
    pub description: Option<String>,
    /// Which record keys it takes; absent in some published documents, which is a diagnostic.
    pub key: Option<KeyType>,
    /// The shape of the record.
    pub record: ObjectSchema,
}

/// Which record keys a collection takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// `tid`
    Tid,
    /// `nsid`
    Nsid,
    /// `any`
    Any,
    /// `literal:VALUE`
    Literal(String),
    /// Anything else, as written.
    Unsupported(String),
}

/// A query or a procedure.
#[derive(Clone, Debug, PartialEq)]
pub struct MethodDef {
    /// What the method does.
    pub description: Option<String>,
    /// URL parameters; an explicit `null` counts as absent.
    pub parameters: Option<ParamsSchema>,
    /// The request body; only a procedure has one.
    pub input: Option<BodyDef>,
    /// The response body.
    pub output: Option<BodyDef>,
    /// The errors that a caller can act on.
    pub errors: Vec<ErrorDef>,
}

/// An event stream over WebSocket.
#[derive(Clone, Debug, PartialEq)]
pub struct SubscriptionDef {
    /// What the stream carries.
    pub description: Option<String>,
    /// URL parameters.
    pub parameters: Option<ParamsSchema>,
    /// The messages: a union of what a frame may hold.
    pub message: Option<MessageDef>,
    /// The errors that end the stream.
    pub errors: Vec<ErrorDef>,
}

/// The messages of a subscription.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageDef {
    /// What the messages are.
    pub description: Option<String>,
    /// Always a union in a correct document.
    pub schema: Option<Schema>,
}

/// A request or response body.
#[derive(Clone, Debug, PartialEq)]
pub struct BodyDef {
    /// What the body is.
    pub description: Option<String>,
    /// A MIME type or a pattern such as `image/*`, as written.
    pub encoding: String,
    /// The shape, for JSON bodies: an object, a ref or a union.
    pub schema: Option<Schema>,
}

impl BodyDef {
    /// The encodings: one in a correct document, several where a published lexicon has a list
    /// separated by commas.
    pub fn encodings(&self) -> impl Iterator<Item = &str> {
        self.encoding
            .split(',')
            .map(str::trim)
            .filter(|encoding| !encoding.is_empty())
    }
}

/// An error that a method declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorDef {
    /// The name on the wire.
    pub name: String,
    /// When it happens.
    pub description: Option<String>,
}

/// A type of permissioned space (proposal 0016).
#[derive(Clone, Debug, PartialEq)]
pub struct SpaceDef {
    /// What such a space is.
    pub description: Option<String>,
    /// Which space keys it takes.
    pub key: KeyType,
    /// A short name for people, 1 to 64 characters.
    pub name: String,
    /// The name in other languages, by language tag.
    pub name_lang: IndexMap<String, String>,
    /// The collections that belong into it.
    pub collections: Vec<Nsid>,
}

/// A bundle of permissions.
#[derive(Clone, Debug, PartialEq)]
pub struct PermissionSetDef {
    /// A short name for people.
    pub title: Option<String>,
    /// The title in other languages.
    pub title_lang: IndexMap<String, String>,
    /// What the bundle allows, for people.
    pub detail: Option<String>,
    /// The detail in other languages.
    pub detail_lang: IndexMap<String, String>,
    /// What the document is about.
    pub description: Option<String>,
    /// The permissions, each as written: access control must ignore a permission that it does not
    /// fully understand, so nothing is interpreted here beyond `resource`.
    pub permissions: Vec<PermissionDef>,
}

/// One permission of a set.
#[derive(Clone, Debug, PartialEq)]
pub struct PermissionDef {
    /// `repo`, `rpc`, `blob`, `account`, `identity`, `space`, `include` or something newer.
    pub resource: String,
    /// Every other field, as written.
    pub fields: IndexMap<String, Value>,
}

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenDef {
    /// What the token means.
    pub description: Option<String>,
}

/// A schema for data.
#[derive(Clone, Debug, PartialEq)]
pub enum Schema {
    /// `boolean`
    Boolean(BooleanSchema),
    /// `integer`
    Integer(IntegerSchema),
    /// `string`
    String(StringSchema),
    /// `bytes`
    Bytes(BytesSchema),
    /// `cid-link`
    CidLink(PlainSchema),
    /// `blob`
    Blob(BlobSchema),
    /// `array`
    Array(ArraySchema),
    /// `object`
    Object(ObjectSchema),
    /// `ref`
    Ref(RefSchema),
    /// `union`
    Union(UnionSchema),
    /// `unknown`
    Unknown(PlainSchema),
    /// `null`, as published by a few lexicons
    Null(PlainSchema),
    /// A type this version does not know, as written.
    Unsupported(Unsupported),
}

/// A schema or definition that this version cannot interpret.
#[derive(Clone, Debug, PartialEq)]
pub struct Unsupported {
    /// What it says about itself.
    pub description: Option<String>,
    /// The `type` as written; empty if there was none.
    pub type_name: String,
    /// The whole JSON value as written.
    pub raw: Value,
}

/// A schema without constraints.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlainSchema {
    /// What the value is.
    pub description: Option<String>,
}

/// `boolean`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BooleanSchema {
    /// What the value is.
    pub description: Option<String>,
    /// Used where the value is absent.
    pub default: Option<bool>,
    /// The only value allowed.
    pub constant: Option<bool>,
}

/// `integer`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntegerSchema {
    /// What the value is.
    pub description: Option<String>,
    /// The smallest value allowed.
    pub minimum: Option<i64>,
    /// The largest value allowed.
    pub maximum: Option<i64>,
    /// The only values allowed.
    pub enumeration: Option<Vec<i64>>,
    /// Used where the value is absent.
    pub default: Option<i64>,
    /// The only value allowed.
    pub constant: Option<i64>,
}

/// `string`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StringSchema {
    /// What the value is.
    pub description: Option<String>,
    /// The string format by its name on the wire, known to us or not.
    pub format: Option<String>,
    /// Shortest length in UTF-8 bytes.
    pub min_length: Option<u64>,
    /// Longest length in UTF-8 bytes.
    pub max_length: Option<u64>,
    /// Shortest length in grapheme clusters.
    pub min_graphemes: Option<u64>,
    /// Longest length in grapheme clusters.
    pub max_graphemes: Option<u64>,
    /// Values that a reader should expect among others.
    pub known_values: Vec<String>,
    /// The only values allowed.
    pub enumeration: Option<Vec<String>>,
    /// Used where the value is absent.
    pub default: Option<String>,
    /// The only value allowed.
    pub constant: Option<String>,
}

/// `bytes`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BytesSchema {
    /// What the value is.
    pub description: Option<String>,
    /// Shortest length in bytes.
    pub min_length: Option<u64>,
    /// Longest length in bytes.
    pub max_length: Option<u64>,
}

/// `blob`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlobSchema {
    /// What the blob is.
    pub description: Option<String>,
    /// MIME types and patterns (`image/*`, `*/*`); absent means any.
    pub accept: Option<Vec<String>>,
    /// Largest size in bytes.
    pub max_size: Option<u64>,
}

/// `array`
#[derive(Clone, Debug, PartialEq)]
pub struct ArraySchema {
    /// What the list is.
    pub description: Option<String>,
    /// The schema of each element.
    pub items: Box<Schema>,
    /// Fewest elements.
    pub min_length: Option<u64>,
    /// Most elements.
    pub max_length: Option<u64>,
}

/// `object`
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectSchema {
    /// What the object is.
    pub description: Option<String>,
    /// Fields by name, in written order.
    pub properties: IndexMap<String, Schema>,
    /// Fields that must be present.
    pub required: Vec<String>,
    /// Fields that may be `null`.
    pub nullable: Vec<String>,
}

/// `params`
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParamsSchema {
    /// What the parameters are.
    pub description: Option<String>,
    /// Parameters by name: booleans, integers, strings, unknown, or arrays of these.
    pub properties: IndexMap<String, Schema>,
    /// Parameters that must be present.
    pub required: Vec<String>,
}

/// `ref`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefSchema {
    /// What the value is in this place.
    pub description: Option<String>,
    /// The reference as written: `#name`, `nsid` or `nsid#name`.
    pub reference: String,
}

/// `union`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnionSchema {
    /// What the value is.
    pub description: Option<String>,
    /// The references to the variants, as written.
    pub refs: Vec<String>,
    /// Whether only the listed variants are allowed.
    pub closed: bool,
}
