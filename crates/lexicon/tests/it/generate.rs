//! Random schemas, and data near the edge of what they take.

mod data;
mod versions;

use data::value;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};
pub use versions::versions;

/// How much of the language is generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// What JSON Schema can say exactly, with ASCII text.
    Expressible,
    /// All of it: lengths in bytes and graphemes, blobs, every format.
    Whole,
}

/// Documents with a definition `com.example.thing#root`, and values for it.
#[derive(Clone, Debug)]
pub struct Case {
    pub documents: Vec<Value>,
    pub values: Vec<Value>,
}

const LINK: &str = "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a";
const RECORD: &str = "com.example.record";
/// Formats whose patterns are exact.
const EXACT_FORMATS: [&str; 3] = ["tid", "record-key", "nsid"];
const FORMATS: [&str; 13] = [
    "at-identifier",
    "at-uri",
    "cid",
    "datetime",
    "did",
    "handle",
    "language",
    "nsid",
    "record-key",
    "space-ref",
    "tid",
    "uri",
    "colour",
];
const ASCII: [&str; 15] = [
    "",
    "a",
    "b",
    "ab",
    "abc",
    "abcd",
    ".",
    "..",
    "...",
    "self",
    "3jzfcijpj2z2a",
    "zzzzzzzzzzzzz",
    "com.example.fooBar",
    "com.example.foo-bar",
    "a.b",
];
const TEXTS: [&str; 16] = [
    "é",
    "e\u{301}",
    "👨‍👩‍👧‍👦",
    "🇩🇪🇫🇷",
    "漢字",
    "ééé",
    "\u{0}",
    "क्ष",
    "did:plc:abc",
    "a.example",
    "at://did:plc:abc/com.example.record/self",
    "at://did:plc:abc/space/com.example.club/main",
    "1985-04-12T23:20:50.123Z",
    "pt-BR",
    "https://a.example/?b#c",
    LINK,
];

/// Schemas and data for them.
pub fn cases(language: Language) -> impl Strategy<Value = Case> {
    (
        object(language, 0),
        object(language, 0),
        object(language, 0),
        schema(language, 2),
    )
        .prop_flat_map(move |(one, two, record, root)| {
            let defs = Defs { one, two, record };
            let documents = defs.documents(&root);
            let values = prop::collection::vec(value(root, defs, 3, language), 12);
            values.prop_map(move |values| Case {
                documents: documents.clone(),
                values,
            })
        })
}

/// What refs and unions lead to.
#[derive(Clone, Debug)]
struct Defs {
    one: Value,
    two: Value,
    record: Value,
}

impl Defs {
    fn documents(&self, root: &Value) -> Vec<Value> {
        let wrapped = json!({ "type": "object", "required": ["it"], "properties": { "it": root } });
        let thing = json!({ "lexicon": 1, "id": "com.example.thing", "defs": {
            "root": wrapped, "one": self.one, "two": self.two,
        } });
        let record = json!({ "lexicon": 1, "id": RECORD, "defs": {
            "main": { "type": "record", "key": "tid", "record": self.record },
        } });
        vec![thing, record]
    }

    /// The object that a reference leads to, and its `$type`.
    fn target(&self, reference: &str) -> (Value, &'static str) {
        match reference {
            "#one" => (self.one.clone(), "com.example.thing#one"),
            "com.example.thing#two" => (self.two.clone(), "com.example.thing#two"),
            _ => (self.record.clone(), RECORD),
        }
    }
}

const REFS: [&str; 3] = ["#one", "com.example.thing#two", RECORD];

fn schema(language: Language, depth: u32) -> BoxedStrategy<Value> {
    if depth == 0 {
        return leaf(language);
    }
    let array = (
        schema(language, depth - 1),
        bounds("minLength", "maxLength", 0..4),
    )
        .prop_map(|(items, bounds)| with(json!({ "type": "array", "items": items }), [bounds]));
    prop_oneof![
        3 => leaf(language),
        1 => array,
        1 => object(language, depth - 1),
        1 => select(&REFS[..]).prop_map(|name| json!({ "type": "ref", "ref": name })),
        1 => (subsequence(REFS.to_vec(), 1..=3), any::<bool>())
            .prop_map(|(refs, closed)| json!({ "type": "union", "refs": refs, "closed": closed })),
        1 => Just(json!({ "type": "union", "refs": [] })),
    ]
    .boxed()
}

fn object(language: Language, depth: u32) -> BoxedStrategy<Value> {
    let names = ["x", "y", "z"];
    let fields = prop::collection::vec(schema(language, depth), 3);
    let lists = (
        subsequence(names.to_vec(), 0..=3),
        subsequence(names.to_vec(), 0..=3),
    );
    (fields, lists)
        .prop_map(move |(fields, (required, nullable))| {
            let properties: Map<_, _> = names.iter().map(ToString::to_string).zip(fields).collect();
            json!({
                "type": "object",
                "properties": properties,
                "required": required,
                "nullable": nullable,
            })
        })
        .boxed()
}

fn leaf(language: Language) -> BoxedStrategy<Value> {
    let expressible = prop_oneof![
        2 => booleans(),
        3 => integers(),
        5 => strings(language),
        1 => bytes(language),
        1 => Just(json!({ "type": "unknown" })),
        1 => Just(json!({ "type": "null" })),
    ];
    if language == Language::Expressible {
        return expressible.boxed();
    }
    prop_oneof![5 => expressible, 1 => Just(json!({ "type": "cid-link" })), 1 => blobs()].boxed()
}

fn booleans() -> BoxedStrategy<Value> {
    prop_oneof![
        Just(json!({ "type": "boolean" })),
        any::<bool>().prop_map(|value| json!({ "type": "boolean", "const": value })),
    ]
    .boxed()
}

fn integers() -> BoxedStrategy<Value> {
    prop_oneof![
        bounds("minimum", "maximum", -3..4)
            .prop_map(|bounds| with(json!({ "type": "integer" }), [bounds])),
        prop::collection::vec(-3_i64..4, 1..3)
            .prop_map(|values| json!({ "type": "integer", "enum": values })),
        (-3_i64..4).prop_map(|value| json!({ "type": "integer", "const": value })),
    ]
    .boxed()
}

fn strings(language: Language) -> BoxedStrategy<Value> {
    let expressible = prop_oneof![
        Just(json!({ "type": "string" })),
        select(&ASCII[..]).prop_map(|value| json!({ "type": "string", "const": value })),
        subsequence(ASCII.to_vec(), 1..4)
            .prop_map(|values| json!({ "type": "string", "enum": values })),
        // One byte is one character; two bytes may be one as well.
        (0..2_u64, 0..5_u64).prop_map(
            |(low, more)| json!({ "type": "string", "minLength": low, "maxLength": low + more })
        ),
        select(&EXACT_FORMATS[..]).prop_map(|name| json!({ "type": "string", "format": name })),
    ];
    if language == Language::Expressible {
        return expressible.boxed();
    }
    let lengths = (
        bounds("minLength", "maxLength", 0..12),
        bounds("minGraphemes", "maxGraphemes", 0..5),
    );
    prop_oneof![
        expressible,
        lengths
            .prop_map(|(bytes, graphemes)| with(json!({ "type": "string" }), [bytes, graphemes])),
        select(&FORMATS[..]).prop_map(|name| json!({ "type": "string", "format": name })),
    ]
    .boxed()
}

fn bytes(language: Language) -> BoxedStrategy<Value> {
    let plain = json!({ "type": "bytes" });
    if language == Language::Expressible {
        return Just(plain).boxed();
    }
    bounds("minLength", "maxLength", 0..6)
        .prop_map(move |bounds| with(plain.clone(), [bounds]))
        .boxed()
}

fn blobs() -> BoxedStrategy<Value> {
    let accept = subsequence(vec!["image/*", "text/plain", "image/svg+xml", "*/*"], 1..=4);
    (accept, 0..12_u64)
        .prop_map(|(accept, size)| json!({ "type": "blob", "accept": accept, "maxSize": size }))
        .boxed()
}

/// Neither, either or both of two bounds, never crossed.
fn bounds(
    low: &'static str,
    high: &'static str,
    range: std::ops::Range<i64>,
) -> impl Strategy<Value = Value> {
    (any::<[bool; 2]>(), range.clone(), range).prop_map(move |([has_low, has_high], one, other)| {
        let mut keywords = Map::new();
        if has_low {
            keywords.insert(low.to_owned(), one.min(other).into());
        }
        if has_high {
            keywords.insert(high.to_owned(), one.max(other).into());
        }
        keywords.into()
    })
}

fn with<const N: usize>(mut schema: Value, more: [Value; N]) -> Value {
    for keywords in more {
        if let (Value::Object(schema), Value::Object(keywords)) = (&mut schema, keywords) {
            schema.extend(keywords);
        }
    }
    schema
}
