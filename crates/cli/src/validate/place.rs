//! From a violation's JSONPath to its place in the text.

use loggia_lexicon::read::{Diagnostic, Severity, fill_spans};

/// The byte offset of the value at a JSONPath, or of the nearest value around it that is there.
pub fn offset(text: &str, path: &str) -> Option<usize> {
    let mut pointer = pointer(path)?;
    loop {
        let mut place = [Diagnostic {
            severity: Severity::Error,
            rule: "place",
            pointer: pointer.clone(),
            span: None,
            message: String::new(),
        }];
        fill_spans(text, &mut place);
        let [Diagnostic { span, .. }] = place;
        if let Some(span) = span {
            return Some(span.start);
        }
        pointer.truncate(pointer.rfind('/')?);
    }
}

/// `$.a[0]['odd name']` as `/a/0/odd name` (RFC 9535 to RFC 6901).
fn pointer(path: &str) -> Option<String> {
    let mut rest = path.strip_prefix('$')?;
    let mut pointer = String::new();
    while !rest.is_empty() {
        let (step, after) = step(rest)?;
        pointer.push('/');
        pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
        rest = after;
    }
    Some(pointer)
}

fn step(path: &str) -> Option<(String, &str)> {
    if let Some(name) = path.strip_prefix('.') {
        let end = name.find(['.', '[']).unwrap_or(name.len());
        return Some((name[..end].to_owned(), &name[end..]));
    }
    if let Some(quoted) = path.strip_prefix("['") {
        return quoted_step(quoted);
    }
    let (index, after) = path.strip_prefix('[')?.split_once(']')?;
    Some((index.to_owned(), after))
}

/// A name in quotes, in which a backslash takes the next character as it is, or a control character
/// by its number.
fn quoted_step(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '\\' => match characters.next()? {
                (_, 'u') => {
                    let digits: String = characters.by_ref().take(4).map(|(_, c)| c).collect();
                    name.push(char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?);
                }
                (_, escaped) => name.push(escaped),
            },
            '\'' => return Some((name, text[index + 1..].strip_prefix(']')?)),
            other => name.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_step_is_followed() {
        let cases = [
            ("$", ""),
            ("$.a.b", "/a/b"),
            ("$.a[0].b", "/a/0/b"),
            ("$['odd name'][2]", "/odd name/2"),
            (r"$['a\'b\\c']", r"/a'b\c"),
            ("$['a/b~c']", "/a~1b~0c"),
            (r"$['a\u000ab'].c", "/a\nb/c"),
        ];
        for (path, wanted) in cases {
            assert_eq!(pointer(path).as_deref(), Some(wanted), "{path}");
        }
        assert_eq!(pointer("a.b"), None);
        assert_eq!(pointer("$['a"), None);
    }

    #[test]
    fn a_value_that_is_missing_is_placed_where_it_should_be() {
        let text = r#"{"a": {"b": 1}}"#;
        assert_eq!(offset(text, "$.a.b"), Some(12));
        assert_eq!(offset(text, "$.a.missing"), Some(6));
    }
}
