//! Strings with a list of values.

use quote::quote;

use super::Printer;
use super::docs;
use super::source::{Source, ident};
use crate::model::Strings;

impl Printer<'_> {
    pub(crate) fn strings(&self, strings: &Strings, to: &mut Source) {
        let name = ident(&strings.name);
        let docs = docs::item(&strings.docs);
        let copy = strings.closed.then(|| quote!(Copy,));
        let values = strings.values.iter().map(|value| {
            let docs = docs::variant(value.docs.as_deref(), &value.wire);
            let name = ident(&value.rust);
            quote!(#docs #name,)
        });
        let other = (!strings.closed).then(|| {
            quote! {
                /// Any other text.
                Other(String),
            }
        });
        to.items(quote! {
            #docs
            #[derive(Clone, #copy Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub enum #name {
                #(#values)*
                #other
            }
        });
        to.text(table(strings));
    }
}

/// The names and their texts, as text: what is between a macro's braces is no Rust that could be
/// parsed, and the printer would run it together into one paragraph.
fn table(strings: &Strings) -> String {
    let how = if strings.closed {
        "closed_strings"
    } else {
        "known_strings"
    };
    let mut table = format!("xrpc::{how}! {{\n    {} {{\n", strings.name);
    for value in &strings.values {
        table.push_str(&format!("        {} = {:?},\n", value.rust, value.wire));
    }
    table.push_str("    }\n}\n");
    table
}
