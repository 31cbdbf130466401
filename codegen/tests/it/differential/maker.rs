//! Values for a definition: mostly as it wants them, and then made worse.

use loggia_lexicon::catalog::Catalog;
use loggia_lexicon::document::{Def, IntegerSchema, ObjectSchema, Schema, StringSchema};
use serde_json::{Map, Value, json};

const CID: &str = "bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity";

/// Makes the same value for the same seed.
pub struct Maker<'a> {
    catalog: &'a Catalog,
    state: u64,
}

impl<'a> Maker<'a> {
    pub fn new(catalog: &'a Catalog, seed: u64) -> Self {
        Self {
            catalog,
            state: seed,
        }
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    /// A value for a definition, right in about half of all cases.
    pub fn value_of(&mut self, name: &str) -> Value {
        let mut value = self.by_ref("", name, 0);
        for _ in 0..self.pick(&[0, 0, 1, 2]) {
            self.worsen(&mut value);
        }
        value
    }

    fn by_ref(&mut self, base: &str, reference: &str, depth: u32) -> Value {
        let Some(found) = self.catalog.resolve(base, reference) else {
            return json!({ "$type": reference });
        };
        let nsid = found.document.id.as_str();
        match found.def {
            Def::Record(record) => {
                let mut value = self.object(nsid, &record.record, depth);
                value.insert("$type".into(), nsid.into());
                value.into()
            }
            Def::Schema(schema) => self.schema(nsid, schema, depth),
            _ => "token".into(),
        }
    }

    fn object(&mut self, base: &str, schema: &ObjectSchema, depth: u32) -> Map<String, Value> {
        let mut object = Map::new();
        for (name, property) in &schema.properties {
            let wanted = schema.required.contains(name) && self.below(60) > 0;
            if !wanted && (depth > 3 || self.below(3) > 0) {
                continue;
            }
            let null = schema.nullable.contains(name) && self.below(3) == 0;
            let value = if null {
                Value::Null
            } else {
                self.schema(base, property, depth + 1)
            };
            object.insert(name.clone(), value);
        }
        object
    }

    fn schema(&mut self, base: &str, schema: &Schema, depth: u32) -> Value {
        match schema {
            Schema::Boolean(schema) => schema.constant.unwrap_or(self.below(2) == 0).into(),
            Schema::Integer(schema) => self.integer(schema),
            Schema::String(schema) => self.string(schema).into(),
            Schema::Bytes(_) => json!({ "$bytes": self.pick(&["AQID", "AQ", "AQID"]) }),
            Schema::CidLink(_) => json!({ "$link": CID }),
            Schema::Blob(schema) => {
                let accept = schema.accept.as_deref().unwrap_or_default();
                let wanted = accept
                    .first()
                    .map_or("a/b", String::as_str)
                    .replace('*', "x");
                let mime = if self.below(20) == 0 {
                    "odd/type".into()
                } else {
                    wanted
                };
                let size = self.pick(&[1, 10, 100, 100, 1_000_000_000]);
                json!({ "$type": "blob", "ref": { "$link": CID }, "mimeType": mime, "size": size })
            }
            Schema::Array(schema) => {
                let least = schema.min_length.unwrap_or(0) as usize;
                let count = if depth > 4 {
                    least
                } else {
                    least + self.below(3)
                };
                (0..count)
                    .map(|_| self.schema(base, &schema.items, depth + 1))
                    .collect()
            }
            Schema::Object(schema) => self.object(base, schema, depth).into(),
            Schema::Ref(schema) => self.by_ref(base, &schema.reference, depth),
            Schema::Union(schema) if !schema.refs.is_empty() && self.below(10) > 0 => {
                let reference = self.pick(&schema.refs);
                let mut value = self.by_ref(base, &reference, depth + 1);
                if let Value::Object(fields) = &mut value {
                    let full = if reference.starts_with('#') {
                        format!("{base}{reference}")
                    } else {
                        reference.trim_end_matches("#main").to_owned()
                    };
                    fields.insert("$type".into(), full.into());
                }
                value
            }
            Schema::Union(_) => {
                json!({ "$type": "com.example.elsewhere", "a": [1, { "b": null }] })
            }
            Schema::Unknown(_) => json!({ "any": [true, { "thing": { "$bytes": "AQ" } }] }),
            Schema::Null(_) => Value::Null,
            Schema::Unsupported(_) => self.anything(),
        }
    }

    fn integer(&mut self, schema: &IntegerSchema) -> Value {
        if let Some(allowed) = schema
            .enumeration
            .as_ref()
            .filter(|allowed| !allowed.is_empty())
        {
            return self.pick(allowed).into();
        }
        let low = schema.constant.or(schema.minimum).unwrap_or(0);
        let high = schema.maximum.unwrap_or(low + 5).max(low);
        match self.below(20) {
            0 => self.pick(&[low - 1, high + 1, i64::MAX, 1 << 53]).into(),
            1 => json!(low as f64),
            _ => {
                let most = self.pick(&[low, low + (high - low) / 2, high]);
                schema.constant.unwrap_or(most).into()
            }
        }
    }

    fn string(&mut self, schema: &StringSchema) -> String {
        if let Some(constant) = &schema.constant {
            return constant.clone();
        }
        if let Some(allowed) = schema
            .enumeration
            .as_ref()
            .filter(|allowed| !allowed.is_empty())
        {
            return self.pick(allowed);
        }
        if !schema.known_values.is_empty() && self.below(3) > 0 {
            return self.pick(&schema.known_values);
        }
        let text = match schema.format.as_deref() {
            Some("datetime") => "2026-01-02T03:04:05.678Z",
            Some("did" | "at-identifier") => "did:plc:ewvi7nxzyoun6zhxrhs64oiz",
            Some("handle") => "alice.example.com",
            Some("at-uri") => "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/com.example.post/1",
            Some("uri") => "https://example.com/a?b#c",
            Some("cid") => CID,
            Some("language") => "de-CH",
            Some("nsid") => "com.example.post",
            Some("tid") => "3jzfcijpj2z2a",
            Some("record-key") => "self",
            Some(_) => "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/space/com.example.club/a",
            None => {
                let long = schema
                    .max_graphemes
                    .or(schema.max_length)
                    .unwrap_or(3)
                    .min(4000);
                let some = schema
                    .min_graphemes
                    .or(schema.min_length)
                    .unwrap_or(1)
                    .max(1);
                return match self.below(16) {
                    0 => "é".repeat(long as usize),
                    1 => "a".repeat(long as usize + 1),
                    2 => String::new(),
                    3 => "👩‍👩‍👧".repeat(some as usize),
                    _ => "ab".repeat(some as usize),
                };
            }
        };
        if self.below(60) == 0 {
            "not of that format".into()
        } else {
            text.into()
        }
    }

    fn anything(&mut self) -> Value {
        self.pick(&[
            Value::Null,
            true.into(),
            1.into(),
            json!(-1.5),
            "".into(),
            "text".into(),
            json!([]),
            json!({}),
            json!({ "$type": 5 }),
            json!({ "$type": "" }),
            json!({ "$type": "com.example.post#main" }),
            json!({ "$link": CID }),
            json!({ "$bytes": "AQ-" }),
            json!({ "$bytes": "AQ", "more": 1 }),
            json!({ "deep": [{ "float": 0.5 }] }),
            json!(9_007_199_254_740_993_i64),
        ])
    }

    /// Changes one thing, somewhere.
    fn worsen(&mut self, value: &mut Value) {
        let deeper = self.below(3) > 0;
        match value {
            Value::Object(fields) if !fields.is_empty() && deeper => {
                let at = self.below(fields.len());
                if let Some((_, field)) = fields.iter_mut().nth(at) {
                    self.worsen(field);
                }
            }
            Value::Array(items) if !items.is_empty() && deeper => {
                let at = self.below(items.len());
                self.worsen(&mut items[at]);
            }
            Value::Object(fields) => match self.below(3) {
                0 if !fields.is_empty() => {
                    let at = self.below(fields.len());
                    if let Some(name) = fields.keys().nth(at).cloned() {
                        fields.remove(&name);
                    }
                }
                1 => {
                    let name = self.pick(&["extra", "$type", "unheardOf", "$bytes"]);
                    fields.insert(name.into(), self.anything());
                }
                _ => *value = self.anything(),
            },
            other => *other = self.anything(),
        }
    }
}
