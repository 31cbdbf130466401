//! Where in a JSON text a position is: line and column become a path.
//!
//! `serde_json` names line and column of what it stumbled over. Only after a failure is the text
//! read again, up to there, to say which field that was.

/// Deepest path that is followed; `serde_json` refuses text nested deeper.
const MOST_DEPTH: usize = 130;

enum Step {
    Field(String),
    Index(usize),
}

/// The JSONPath of the value at this position (1-based line, 1-based column in bytes), as
/// `serde_json` counts them: the last byte that it read.
pub(crate) fn path_at(json: &[u8], line: usize, column: usize) -> String {
    let end = offset(json, line, column).min(json.len());
    let mut steps: Vec<Step> = Vec::new();
    let mut at = 0;
    // The name of the next value, until it is known whether this string is a name or a value.
    let mut last_string = None;
    while at < end {
        match json[at] {
            b'"' => {
                let close = string_end(json, at);
                // An error inside or at the end of a string is about that string.
                if close >= end {
                    break;
                }
                last_string = Some((at, close));
                at = close;
                continue;
            }
            b':' => {
                if let (Some((from, to)), Some(Step::Field(name))) =
                    (last_string.take(), steps.last_mut())
                {
                    *name = serde_json::from_slice(&json[from..to]).unwrap_or_default();
                }
            }
            b',' => match steps.last_mut() {
                Some(Step::Index(index)) => *index += 1,
                Some(Step::Field(name)) => name.clear(),
                None => {}
            },
            b'{' if steps.len() < MOST_DEPTH => steps.push(Step::Field(String::new())),
            b'[' if steps.len() < MOST_DEPTH => steps.push(Step::Index(0)),
            b'}' | b']' => {
                steps.pop();
            }
            _ => {}
        }
        at += 1;
    }
    print(&steps)
}

/// Byte offset just after the position.
fn offset(json: &[u8], line: usize, column: usize) -> usize {
    let start = match line.checked_sub(2) {
        None => 0,
        Some(skip) => json
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .nth(skip)
            .map_or(json.len(), |(at, _)| at + 1),
    };
    start.saturating_add(column)
}

/// Offset just after the closing quote of the string that opens here.
fn string_end(json: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while let Some(byte) = json.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    json.len()
}

/// A step without a name is the inside of an object before its first name: the object itself.
fn print(steps: &[Step]) -> String {
    use loggia_xrpc::syntax::check::At;
    fn walk(at: &At<'_>, steps: &[Step]) -> String {
        match steps {
            [Step::Index(index), rest @ ..] => walk(&at.index(*index), rest),
            [Step::Field(name), rest @ ..] if !name.is_empty() => walk(&at.field(name), rest),
            [Step::Field(_), ..] | [] => at.to_string(),
        }
    }
    walk(&At::ROOT, steps)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Outer {
        #[serde(rename = "name")]
        _name: Option<String>,
        #[serde(rename = "list")]
        _list: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[serde(rename = "count")]
        _count: u8,
        #[serde(rename = "deep")]
        _deep: Option<Vec<u8>>,
    }

    fn path(json: &str) -> String {
        let error = serde_json::from_str::<Outer>(json).expect_err("a case that fails");
        path_at(json.as_bytes(), error.line(), error.column())
    }

    #[test]
    fn positions_become_paths() {
        for (json, expected) in [
            (r#"{"list":[{"count":1},{"count":"x"}]}"#, "$.list[1].count"),
            (r#"{"list":[{"count":1},{"count":300}]}"#, "$.list[1].count"),
            (
                "{\"name\": null,\n \"list\": [\n{\"count\": 1, \"deep\": [1, 2, \"x\"]}]}",
                "$.list[0].deep[2]",
            ),
            (
                r#"{"list":[{"count":1, "deep":[1,{}]}]}"#,
                "$.list[0].deep[1]",
            ),
            (r#"{"list":[{"deep":null}]}"#, "$.list[0]"),
            (r#"{"name":"a, b: {[\"","list":{}}"#, "$.list"),
            (r#"{"name":5,"list":[]}"#, "$.name"),
            (r#"{"name":"a"}"#, "$"),
            ("", "$"),
            ("[", "$[0]"),
            ("nonsense", "$"),
        ] {
            assert_eq!(path(json), expected, "{json}");
        }
    }

    #[test]
    fn any_position_of_any_text_is_survived() {
        let text = "{\"a\\\":[{]},:\"\\";
        for line in 0..4 {
            for column in 0..20 {
                path_at(text.as_bytes(), line, column);
            }
        }
        path_at("[".repeat(1000).as_bytes(), 1, 1000);
    }
}
