//! What a document leads to, and where that ends in nothing.

use std::collections::BTreeSet;

use super::{Catalog, DefinitionName, references};
use crate::document::Document;

impl Document {
    /// The NSIDs of the other documents that its references name, be they there or not.
    pub fn leads_to(&self) -> BTreeSet<&str> {
        let base = self.id.as_str();
        let mut named = BTreeSet::new();
        references::visit(self, &mut |_, reference| {
            let name = DefinitionName::parse(base, reference).map(|name| name.nsid);
            named.extend(name.filter(|nsid| *nsid != base));
        });
        named
    }
}

impl Catalog {
    /// The references, of this document and of all that it leads to, that lead to nothing: each as
    /// `nsid` or `nsid#name`, once and sorted.
    pub fn unresolved_from(&self, nsid: &str) -> Vec<String> {
        let mut missing = BTreeSet::new();
        let mut seen = BTreeSet::from([nsid.to_owned()]);
        let mut waiting = vec![nsid.to_owned()];
        while let Some(base) = waiting.pop() {
            let Some(document) = self.document(&base) else {
                continue;
            };
            references::visit(document, &mut |_, reference| {
                let Some(name) = DefinitionName::parse(&base, reference) else {
                    return;
                };
                if self.resolve(&base, reference).is_none() {
                    missing.insert(name.to_string());
                } else if seen.insert(name.nsid.to_owned()) {
                    waiting.push(name.nsid.to_owned());
                }
            });
        }
        missing.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog(documents: &[(&str, &str)]) -> Catalog {
        let mut builder = Catalog::builder();
        for (nsid, reference) in documents {
            let text = format!(
                r#"{{"lexicon": 1, "id": "{nsid}", "defs": {{"main": {{"type": "object",
                    "properties": {{"a": {{"type": "ref", "ref": "{reference}"}}}}}}}}}}"#,
            );
            builder.add(&text, format!("{}.json", nsid.replace('.', "/")));
        }
        builder.build()
    }

    #[test]
    fn a_document_leads_to_others_and_not_to_itself() {
        let catalog = catalog(&[
            ("com.example.one", "com.example.two#part"),
            ("com.example.other", "#main"),
        ]);
        let leads = |nsid| {
            let document = catalog.document(nsid).expect("it is there");
            document.leads_to().into_iter().collect::<Vec<_>>()
        };
        assert_eq!(leads("com.example.one"), ["com.example.two"]);
        assert!(leads("com.example.other").is_empty());
    }

    #[test]
    fn what_is_missing_is_found_through_other_documents_and_cycles_end() {
        let catalog = catalog(&[
            ("com.example.one", "com.example.two"),
            ("com.example.two", "com.example.three"),
            ("com.example.three", "com.example.one"),
            ("com.example.other", "com.example.gone#part"),
        ]);
        assert!(catalog.unresolved_from("com.example.one").is_empty());
        assert_eq!(
            catalog.unresolved_from("com.example.other"),
            ["com.example.gone#part"]
        );
        assert!(catalog.unresolved_from("com.example.unknown").is_empty());
    }
}
