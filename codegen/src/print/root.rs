//! The root: the modules, the route table and the catalog.

use quote::quote;

use super::source::Source;
use super::{MARK, ROOT_MARK, docs};
use crate::Config;
use crate::model::{Item, Model, Module};

/// The root file.
///
/// It is text, and in rustfmt's own form: rustfmt reads it, because whoever uses it declares it as
/// any other module. The modules below it are printed by a syntax tree's printer, with which rustfmt
/// does not agree in everything, so each of them is declared as none of its business.
pub(crate) fn root(config: &Config, model: &Model, modules: &[&str]) -> String {
    let mut root = format!("{ROOT_MARK}\n\n");
    for (lint, reason) in ALLOWED {
        root.push_str(&format!(
            "#![allow(\n    {lint},\n    reason = {reason:?}\n)]\n"
        ));
    }
    root.push('\n');
    let mut names: Vec<&str> = modules.to_vec();
    names.push("catalog");
    names.sort_unstable();
    for name in names {
        root.push_str(&format!("#[rustfmt::skip]\npub mod {name};\n"));
    }
    root.push('\n');
    root.push_str(&routes(config, model));
    root
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
    (
        "clippy::too_many_arguments",
        "a constructor takes what the lexicon requires",
    ),
];

/// A macro, because only where it is used is it known where the handlers are. Each method stands on
/// one line with its NSID, so that an error shows which handler is missing or wrong; a comment is
/// nothing that tokens could hold.
fn routes(config: &Config, model: &Model) -> String {
    let name = format!("__{}_routes", identifier(&config.mount));
    let (server, mount) = (config.server_in_macro(), config.mount_in_macro());
    let mut services = String::new();
    for module in &model.modules {
        if let Some((how, marker)) = served(module).filter(|_| config.serves(&module.nsid)) {
            let (path, nsid) = (module.path.join("::"), &module.nsid);
            services.push_str(&format!(
                "        let service = service.{how}::<{mount}::{path}::{marker}, _, _>\
                 ($($handlers)::+::{path}::handle); // {nsid}\n"
            ));
        }
    }
    format!(
        r#"/// The service: every method with the handler at the same path below `$handlers`.
///
/// `routes!(crate::handlers)` wants `crate::handlers::com::example::get_thing::handle`
/// for `com.example.getThing`, and so on.
#[doc(hidden)]
#[macro_export]
macro_rules! {name} {{
    ($($handlers:ident)::+) => {{{{
        let service = {server}::Service::new();
{services}        service
    }}}};
}}

#[doc(inline)]
#[allow(unused_imports, reason = "a client has no routes")]
pub use {name} as routes;
"#
    )
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
pub(crate) fn catalog(config: &Config, model: &Model) -> String {
    let documents = model.modules.iter().map(|module| {
        let nsid = &module.nsid;
        let path = format!("{}/{}", config.lexicons, module.source);
        quote!((#nsid, include_str!(#path)))
    });
    let head = docs::inner("The lexicons as they were when this was compiled.");
    let mut file = Source::default();
    file.text(format!("{MARK}; do not edit.\n"));
    file.together(head);
    file.items(quote! {
        /// Every document: its NSID and its JSON.
        pub const DOCUMENTS: &[(&str, &str)] = &[#(#documents),*];
    });
    file.finish()
}
