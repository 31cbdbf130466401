//! JSON as it came, with line breaks: names stay in their order and numbers as they were written.

use serde::de::IgnoredAny;

const INDENT: &str = "  ";

/// What is nested deeper is not laid out: the indents would be longer than the text by far.
const DEEPEST: usize = 64;

/// The text with each member on a line of its own; nothing if it is not JSON, or nested too deep.
pub(super) fn laid_out(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0;
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '"' => {
                out.push(next);
                copy_string(&mut rest, &mut out);
            }
            '{' | '[' => {
                out.push(next);
                while rest.next_if(char::is_ascii_whitespace).is_some() {}
                match rest.next_if(|next| matches!(next, '}' | ']')) {
                    Some(end) => out.push(end),
                    None if depth == DEEPEST => return None,
                    None => {
                        depth += 1;
                        break_line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth -= 1;
                break_line(&mut out, depth);
                out.push(next);
            }
            ',' => {
                out.push(next);
                break_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            space if space.is_ascii_whitespace() => {}
            other => out.push(other),
        }
    }
    Some(out)
}

/// What follows an opening quote, the closing one included.
fn copy_string(rest: &mut impl Iterator<Item = char>, out: &mut String) {
    while let Some(next) = rest.next() {
        out.push(next);
        match next {
            '"' => return,
            '\\' => out.extend(rest.next()),
            _ => {}
        }
    }
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    for _ in 0..depth {
        out.push_str(INDENT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_is_laid_out_and_otherwise_unchanged() {
        let text = r#"{"z":1.50,"a":[ ],"b":[{ },"x,\"{\\",[1 , 20000000000000000001]],"n":null}"#;
        let expected = r#"{
  "z": 1.50,
  "a": [],
  "b": [
    {},
    "x,\"{\\",
    [
      1,
      20000000000000000001
    ]
  ],
  "n": null
}"#;
        assert_eq!(laid_out(text.as_bytes()).as_deref(), Some(expected));
        assert_eq!(laid_out(b" 7 ").as_deref(), Some("7"));
    }

    #[test]
    fn what_is_not_json_is_not_touched() {
        for body in [&b"{\"a\":"[..], b"", b"plain", b"\xff"] {
            assert_eq!(laid_out(body), None);
        }
        let nested = |depth| "[".repeat(depth) + "1" + &"]".repeat(depth);
        assert!(laid_out(nested(DEEPEST).as_bytes()).is_some());
        assert!(laid_out(nested(DEEPEST + 1).as_bytes()).is_none());
    }
}
