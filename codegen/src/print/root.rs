//! The root: the modules, the route table and the catalog.

use super::text::Text;
use super::{MARK, Printer};
use crate::model::{Item, Module};

/// The root file.
pub(crate) fn root(printer: &Printer<'_>, modules: &[&str]) -> String {
    let mut to = Text::new();
    to.line(&format!("{MARK}; do not edit."));
    to.blank();
    to.line("//! Types and routes of the lexicons, one module per NSID.");
    to.blank();
    for (lint, reason) in ALLOWED {
        to.line("#![allow(");
        to.line(&format!("    {lint},"));
        to.line(&format!("    reason = {reason:?}"));
        to.line(")]");
    }
    to.blank();
    let mut names: Vec<&str> = modules.to_vec();
    names.push("catalog");
    names.sort_unstable();
    for name in names {
        to.line(&format!("pub mod {name};"));
    }
    to.blank();
    routes(printer, &mut to);
    to.finish()
}

/// Lints that generated code cannot keep to.
const ALLOWED: &[(&str, &str)] = &[
    (
        "deprecated",
        "what is deprecated is still generated and still referred to",
    ),
    (
        "dead_code",
        "a service need not use everything that a lexicon defines",
    ),
    (
        "clippy::enum_variant_names",
        "variants are called what the lexicon calls them",
    ),
    (
        "clippy::large_enum_variant",
        "a union is as large as its largest variant, boxed by nobody",
    ),
    (
        "clippy::module_inception",
        "modules are called what the NSID's segments are called",
    ),
];

/// A macro, because only where it is used is it known where the handlers are. Each method stands on
/// one line with its NSID, so that an error shows which handler is missing or wrong.
fn routes(printer: &Printer<'_>, to: &mut Text) {
    let config = printer.config;
    let name = format!("__{}_routes", identifier(&config.mount));
    to.line("/// The service: every method with the handler at the same path below `$handlers`.");
    to.line("///");
    to.line(
        "/// `routes!(crate::handlers)` wants `crate::handlers::com::example::get_thing::handle`",
    );
    to.line("/// for `com.example.getThing`, and so on.");
    to.line("#[doc(hidden)]");
    to.line("#[macro_export]");
    to.open(&format!("macro_rules! {name} {{"));
    to.open("($($handlers:ident)::+) => {{");
    to.line(&format!(
        "let service = {}::Service::new();",
        config.server_in_macro()
    ));
    let mount = config.mount_in_macro();
    for module in &printer.model.modules {
        if let Some((how, marker)) = served(module).filter(|_| config.serves(&module.nsid)) {
            let path = module.path.join("::");
            to.line(&format!(
                "let service = service.{how}::<{mount}::{path}::{marker}, _, _>\
                 ($($handlers)::+::{path}::handle); // {}",
                module.nsid
            ));
        }
    }
    to.line("service");
    to.close("}};");
    to.close("}");
    to.blank();
    to.line("#[doc(inline)]");
    to.line("#[allow(unused_imports, reason = \"a client has no routes\")]");
    to.line(&format!("pub use {name} as routes;"));
}

fn served(module: &Module) -> Option<(&'static str, &str)> {
    module.items.iter().find_map(|item| match item {
        Item::Method(method) => Some(("method", method.name.as_str())),
        Item::Subscription(subscription) => Some(("subscription", subscription.name.as_str())),
        _ => None,
    })
}

fn identifier(path: &str) -> String {
    path.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect()
}

/// `catalog.rs`: the documents themselves.
pub(crate) fn catalog(printer: &Printer<'_>) -> String {
    let mut to = Text::new();
    to.line(&format!("{MARK}; do not edit."));
    to.blank();
    to.line("//! The lexicons as they were when this was compiled.");
    to.blank();
    to.line("/// Every document: its NSID and its JSON.");
    if printer.model.modules.is_empty() {
        to.line("pub const DOCUMENTS: &[(&str, &str)] = &[];");
        return to.finish();
    }
    to.open("pub const DOCUMENTS: &[(&str, &str)] = &[");
    for module in &printer.model.modules {
        let path = format!("{}/{}", printer.config.lexicons, module.source);
        let (nsid, path) = (format!("{:?}", module.nsid), format!("{path:?}"));
        let pair = format!("{nsid}, include_str!({path})");
        if pair.len() <= 60 {
            to.line(&format!("({pair}),"));
            continue;
        }
        to.open("(");
        to.line(&format!("{nsid},"));
        if path.len() + 15 <= to.room() {
            to.line(&format!("include_str!({path}),"));
        } else {
            to.open("include_str!(");
            to.line(&path);
            to.close("),");
        }
        to.close("),");
    }
    to.close("];");
    to.finish()
}
