//! Canonical JSON: no blanks, and the members of every object in order, so that equal values are
//! equal texts.

use serde_json::{Map, Value};

use super::Unfit;

/// Values of a body at most.
const MOST_NODES: usize = 10_000;
/// Levels of objects and arrays at most.
const DEEPEST: usize = 32;
/// Characters of a member's name at most.
const LONGEST_NAME: usize = 512;

/// Writes a value.
///
/// # Errors
/// It is over a limit.
pub(super) fn write(value: &Value) -> Result<Vec<u8>, Unfit> {
    let mut writer = Writer {
        text: Vec::new(),
        nodes: 0,
    };
    writer.value(value, 0)?;
    Ok(writer.text)
}

struct Writer {
    text: Vec<u8>,
    nodes: usize,
}

impl Writer {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Unfit> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(Unfit::Nodes);
        }
        match value {
            Value::Array(_) | Value::Object(_) if depth == DEEPEST => Err(Unfit::Depth),
            Value::Array(items) => self.array(items, depth),
            Value::Object(members) => self.object(members, depth),
            Value::Number(number) => {
                match whole(number) {
                    Some(whole) => self.scalar(&whole.into()),
                    None => self.scalar(value),
                }
                Ok(())
            }
            Value::Null | Value::Bool(_) | Value::String(_) => {
                self.scalar(value);
                Ok(())
            }
        }
    }

    fn array(&mut self, items: &[Value], depth: usize) -> Result<(), Unfit> {
        self.text.push(b'[');
        for (place, item) in items.iter().enumerate() {
            self.comma(place);
            self.value(item, depth + 1)?;
        }
        self.text.push(b']');
        Ok(())
    }

    fn object(&mut self, members: &Map<String, Value>, depth: usize) -> Result<(), Unfit> {
        let mut sorted: Vec<_> = members.iter().collect();
        // By UTF-16 code units, as JavaScript sorts.
        sorted.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
        self.text.push(b'{');
        for (place, (name, value)) in sorted.into_iter().enumerate() {
            if name.encode_utf16().count() > LONGEST_NAME {
                return Err(Unfit::Name);
            }
            self.comma(place);
            self.scalar(&Value::String(name.clone()));
            self.text.push(b':');
            self.value(value, depth + 1)?;
        }
        self.text.push(b'}');
        Ok(())
    }

    fn comma(&mut self, place: usize) {
        if place > 0 {
            self.text.push(b',');
        }
    }

    fn scalar(&mut self, value: &Value) {
        serde_json::to_writer(&mut self.text, value).expect("memory takes whatever is written");
    }
}

/// `1.0` is written as `1`.
fn whole(number: &serde_json::Number) -> Option<i64> {
    const SAFE: f64 = 9_007_199_254_740_991.0;
    let float = number.as_f64().filter(|_| number.is_f64())?;
    (float.fract() == 0.0 && float.abs() <= SAFE).then_some(float as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Result<String, Unfit> {
        let value = serde_json::from_str(text).expect("JSON");
        write(&value).map(|text| String::from_utf8(text).expect("UTF-8"))
    }

    #[test]
    fn members_are_sorted_at_every_level_and_nothing_else_changes() {
        let text = r#"{ "b": [ {"z":1.0, "a":-0.5}, true ], "a": {"é":null,"\ud83d\ude00":"\u0001\n\"/","e":"x"} }"#;
        let sorted = "{\"a\":{\"e\":\"x\",\"é\":null,\"😀\":\"\\u0001\\n\\\"/\"},\"b\":[{\"a\":-0.5,\"z\":1},true]}";
        assert_eq!(canonical(text).as_deref(), Ok(sorted));
        // U+1F600 is two code units, the first of them below U+FB01.
        assert_eq!(
            canonical(r#"{"ﬁ":1,"😀":2}"#).as_deref(),
            Ok(r#"{"😀":2,"ﬁ":1}"#)
        );
    }

    #[test]
    fn limits_are_kept() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(canonical(&nested(32)).is_ok());
        assert_eq!(canonical(&nested(33)), Err(Unfit::Depth));
        let many = |nodes: usize| format!("[{}]", vec!["1"; nodes].join(","));
        assert!(canonical(&many(9_999)).is_ok());
        assert_eq!(canonical(&many(10_000)), Err(Unfit::Nodes));
        let named = |length: usize| format!(r#"{{"{}":1}}"#, "n".repeat(length));
        assert!(canonical(&named(512)).is_ok());
        assert_eq!(canonical(&named(513)), Err(Unfit::Name));
    }
}
