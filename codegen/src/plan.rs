//! What is to be generated, before it is printed.

use std::path::Path;

use loggia_lexicon::catalog::Catalog;

use crate::model::Model;
use crate::tree::folder;
use crate::tree::stamp::{self, Stamp};
use crate::{Config, Diagnostic, Outcome, Tree, TreeError, lower, print};

/// What is to be generated, before it is printed: every name is chosen and every reference followed.
///
/// Printing takes most of the time, so a folder that has everything already is found out before it.
#[derive(Debug)]
pub struct Plan {
    model: Model,
    config: Config,
    diagnostics: Vec<Diagnostic>,
}

impl Plan {
    /// Lowers a catalog.
    pub fn new(catalog: &Catalog, config: Config) -> Self {
        let (model, diagnostics) = lower::lower(catalog);
        Self {
            model,
            config,
            diagnostics,
        }
    }

    /// What cannot be generated as the documents say.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Prints everything.
    ///
    /// # Panics
    /// If [`Config::runtime`] or [`Config::mount`] is no path of a module, as [`Config::is_module`]
    /// tells.
    pub fn into_tree(self) -> Tree {
        Tree {
            files: print::files(&self.model, &self.config),
            diagnostics: self.diagnostics,
        }
    }

    /// As [`Tree::write`], but prints nothing where the stamp in the folder says that this generator
    /// made the files that stand there from the same plan.
    ///
    /// The stamp is the file `.loggia-codegen`. It holds digests and nothing of the machine, so it may
    /// be checked in or ignored; without it, or with a wrong one, everything is printed and compared.
    ///
    /// # Errors
    /// As for [`Tree::write`].
    ///
    /// # Panics
    /// As [`into_tree`](Self::into_tree) does.
    pub fn write(self, folder: &Path) -> Result<Outcome, TreeError> {
        let digest = stamp::digest_of_plan(&self.model, &self.config);
        let found = stamp::read(folder)?;
        if let Some(found) = &found {
            let files = folder::generated(folder)?;
            if *found == Stamp::new(&digest, &files) {
                return Ok(Outcome {
                    unchanged: files.len(),
                    ..Outcome::default()
                });
            }
        }
        let tree = self.into_tree();
        let outcome = tree.write(folder)?;
        let stamp = Stamp::new(&digest, &tree.files);
        if found.as_ref() != Some(&stamp) {
            stamp.write(folder)?;
        }
        Ok(outcome)
    }
}
