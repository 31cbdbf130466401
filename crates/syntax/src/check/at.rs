//! Where a value stands.

use std::fmt;

/// Where a value stands: a JSONPath that costs nothing until it is printed.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    parent: Option<&'a At<'a>>,
    step: Step<'a>,
    depth: u32,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Root,
    Field(&'a str),
    Index(usize),
}

impl<'a> At<'a> {
    /// The whole value: `$`.
    pub const ROOT: At<'static> = At {
        parent: None,
        step: Step::Root,
        depth: 0,
    };

    /// A field of this value.
    pub fn field(&'a self, name: &'a str) -> At<'a> {
        At {
            parent: Some(self),
            step: Step::Field(name),
            depth: self.depth + 1,
        }
    }

    /// An element of this value.
    pub fn index(&'a self, index: usize) -> At<'a> {
        At {
            parent: Some(self),
            step: Step::Index(index),
            depth: self.depth + 1,
        }
    }

    /// How many steps below the whole value.
    pub fn depth(&self) -> u32 {
        self.depth
    }
}

impl fmt::Display for At<'_> {
    /// JSONPath (RFC 9535): `$.a[0]['odd name']`; a name of over 128 characters is cut short.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Root => f.write_str("$"),
            Step::Field(name) if is_shorthand(name) => write!(f, ".{name}"),
            Step::Field(name) => quoted(name, f),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// Characters of one name: longer than any in a lexicon, too short to fill memory with paths.
const LONGEST_NAME: usize = 128;

/// `['name']`, with what the RFC wants escaped.
fn quoted(name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("['")?;
    for (i, c) in name.chars().enumerate() {
        if i == LONGEST_NAME {
            f.write_str("…")?;
            break;
        }
        match c {
            '\'' | '\\' => write!(f, "\\{c}")?,
            c if c < ' ' => write!(f, "\\u{:04x}", c as u32)?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("']")
}

fn is_shorthand(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= LONGEST_NAME
        && bytes
            .next()
            .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::At;

    #[test]
    fn is_a_json_path() {
        let list = At::ROOT.field("list");
        let third = list.index(2);
        assert_eq!(third.field("$type").to_string(), "$.list[2]['$type']");
        assert_eq!(
            third.field("it's\n\\").to_string(),
            r"$.list[2]['it\'s\u000a\\']"
        );
        assert_eq!((third.depth(), At::ROOT.to_string().as_str()), (2, "$"));
    }
}
