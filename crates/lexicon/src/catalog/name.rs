//! The full name of a definition.

use std::fmt;

/// A document and a definition in it, whichever way they were spelled.
///
/// Prints canonically, as `$type` has it: the bare NSID for `main`, else `nsid#name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DefinitionName<'a> {
    /// The NSID of the document.
    pub nsid: &'a str,
    /// The name of the definition; `main` for the primary one.
    pub name: &'a str,
}

impl<'a> DefinitionName<'a> {
    /// Reads a reference that stands in the document `base`: `#name`, `nsid` or `nsid#name`.
    ///
    /// `None` if it is none of these.
    pub fn parse(base: &'a str, reference: &'a str) -> Option<Self> {
        let (nsid, name) = reference.split_once('#').unwrap_or((reference, "main"));
        let nsid = if nsid.is_empty() { base } else { nsid };
        let is_name = !nsid.is_empty() && !name.is_empty() && !name.contains('#');
        (is_name && !reference.is_empty()).then_some(Self { nsid, name })
    }

    /// Whether `text` is the canonical spelling of this name.
    pub fn is_spelled(&self, text: &str) -> bool {
        if self.name == "main" {
            return text == self.nsid;
        }
        text.len() == self.nsid.len() + 1 + self.name.len()
            && text.split_once('#') == Some((self.nsid, self.name))
    }
}

impl fmt::Display for DefinitionName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.nsid)?;
        if self.name != "main" {
            write!(f, "#{}", self.name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::DefinitionName;

    fn check(reference: &str, wanted: Option<&str>) {
        let name = DefinitionName::parse("a.b.base", reference);
        assert_eq!(
            name.map(|name| name.to_string()).as_deref(),
            wanted,
            "{reference}"
        );
    }

    #[test]
    fn one_spelling() {
        check("#x", Some("a.b.base#x"));
        check("#main", Some("a.b.base"));
        check("a.b.c", Some("a.b.c"));
        check("a.b.c#main", Some("a.b.c"));
        check("a.b.c#x", Some("a.b.c#x"));
        check("", None);
        check("#", None);
        check("a.b.c#", None);
        check("a.b.c#x#y", None);
    }

    #[test]
    fn main_is_never_spelled_out() {
        let main = DefinitionName {
            nsid: "a.b.c",
            name: "main",
        };
        assert!(main.is_spelled("a.b.c"));
        assert!(!main.is_spelled("a.b.c#main"));
    }
}
