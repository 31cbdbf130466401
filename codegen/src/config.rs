//! What the generated code is to be called and where it will stand.

use syn::parse::Parser;

/// How to generate; [`Config::default`] is what a service of one's own wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The path of the runtime: `loggia::xrpc`, or `loggia_xrpc` without the facade.
    pub runtime: String,
    /// The path of the server that `routes!` builds a service of: `loggia::server`.
    pub server: String,
    /// The module that the root file becomes: `crate::lexicons`, or `crate` if everything in it is
    /// re-exported there.
    pub mount: String,
    /// The name of the root file, relative to the folder that is written into: `mod.rs`.
    pub root: String,
    /// The methods that `routes!` asks handlers for: NSIDs, or patterns that end in `*`.
    pub serve: Vec<String>,
    /// The way from the folder that is written into to the folder of lexicons, for `include_str!`.
    pub lexicons: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            runtime: "loggia::xrpc".into(),
            server: "loggia::server".into(),
            mount: "crate::lexicons".into(),
            root: "mod.rs".into(),
            serve: vec!["*".into()],
            lexicons: "../../lexicons".into(),
        }
    }
}

impl Config {
    /// For the `api` crate of this workspace, which stands below the facade.
    ///
    /// Written into `crates/api/src/lexicons`; the crate re-exports all of it at its root. `serve`
    /// names the methods that our server has handlers for, at the paths that their NSIDs name; every
    /// other method of the catalog answers 501.
    pub fn for_api() -> Self {
        const SERVED: [&str; 35] = [
            "com.atproto.repo.uploadBlob",
            "com.atproto.simplespace.createSpace",
            "com.atproto.simplespace.deleteSpace",
            "com.atproto.simplespace.getSpace",
            "com.atproto.simplespace.listMembers",
            "com.atproto.simplespace.putMember",
            "com.atproto.simplespace.removeMember",
            "com.atproto.simplespace.updateSpace",
            "com.atproto.space.applyWrites",
            "com.atproto.space.createRecord",
            "com.atproto.space.deleteRecord",
            "com.atproto.space.getBlob",
            "com.atproto.space.getDelegationToken",
            "com.atproto.space.getLatestCommit",
            "com.atproto.space.getRecord",
            "com.atproto.space.getRepo",
            "com.atproto.space.getSpaceCredential",
            "com.atproto.space.listBlobs",
            "com.atproto.space.listRecords",
            "com.atproto.space.listRepoOps",
            "com.atproto.space.listRepos",
            "com.atproto.space.listSpaces",
            "com.atproto.space.notifyCredentialRevoked",
            "com.atproto.space.putRecord",
            "com.atproto.space.unregisterNotify",
            "dev.loggia.community.*",
            "dev.loggia.delivery.*",
            "dev.loggia.endpoint.*",
            "dev.loggia.event.*",
            "dev.loggia.lexicon.*",
            "dev.loggia.projection.*",
            "dev.loggia.server.*",
            "dev.loggia.stream.*",
            "place.stream.server.*",
            "place.wisp.v2.secret.*",
        ];
        Self {
            serve: SERVED.map(String::from).to_vec(),
            runtime: "loggia_xrpc".into(),
            server: "loggia_xrpc_server".into(),
            mount: "crate".into(),
            lexicons: "../../../../lexicons".into(),
            ..Self::default()
        }
    }

    /// Whether `routes!` asks for a handler of this method.
    pub fn serves(&self, nsid: &str) -> bool {
        self.serve
            .iter()
            .any(|pattern| match pattern.strip_suffix('*') {
                Some(start) => nsid.starts_with(start),
                None => nsid == pattern,
            })
    }

    /// Whether this can be a [`mount`](Self::mount) or a [`runtime`](Self::runtime): names that are no
    /// keywords, with `::` between them, after `crate` or a crate's name.
    pub fn is_module(path: &str) -> bool {
        module(path).is_some()
    }

    /// The mount as seen from a macro: `$crate::lexicons`.
    pub(crate) fn mount_in_macro(&self) -> String {
        in_macro(&self.mount)
    }

    /// The server as seen from a macro.
    pub(crate) fn server_in_macro(&self) -> String {
        in_macro(&self.server)
    }
}

/// A path as tokens can have it.
pub(crate) fn module(path: &str) -> Option<syn::Path> {
    syn::Path::parse_mod_style.parse_str(path).ok()
}

/// A path that holds wherever the macro is used.
fn in_macro(path: &str) -> String {
    match path.strip_prefix("crate") {
        Some(rest) if rest.is_empty() || rest.starts_with("::") => format!("$crate{rest}"),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_has_a_path() {
        for path in ["crate", "crate::lexicons", "loggia::xrpc", "crate::r#type"] {
            assert!(Config::is_module(path), "{path}");
        }
        for path in [
            "",
            "crate::",
            "crate::type",
            "crate::_",
            "crate::a<b>",
            "a b",
            "3",
        ] {
            assert!(!Config::is_module(path), "{path}");
        }
    }
}
