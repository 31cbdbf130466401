//! Strings with a list of values.

use super::Printer;
use super::docs;
use super::text::Text;
use crate::model::Strings;

impl Printer<'_> {
    pub(crate) fn strings(&self, strings: &Strings, to: &mut Text) {
        let name = &strings.name;
        docs::item(to, &strings.docs);
        let derived = if strings.closed {
            "Clone, Copy"
        } else {
            "Clone"
        };
        to.line(&format!(
            "#[derive({derived}, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]"
        ));
        to.open(&format!("pub enum {name} {{"));
        for value in &strings.values {
            docs::variant(to, value.docs.as_deref(), &value.wire);
            to.line(&format!("{},", value.rust));
        }
        if !strings.closed {
            to.line("/// Any other text.");
            to.line("Other(String),");
        }
        to.close("}");
        to.blank();
        let how = if strings.closed {
            "closed_strings"
        } else {
            "known_strings"
        };
        to.open(&format!("xrpc::{how}! {{"));
        to.open(&format!("{name} {{"));
        for value in &strings.values {
            to.line(&format!("{} = {:?},", value.rust, value.wire));
        }
        to.close("}");
        to.close("}");
    }
}
