//! `loggia lexicon lint | diff | export`.

pub mod diff;
pub mod export;
pub mod lint;

use std::path::{Path, PathBuf};

use loggia_lexicon::catalog::Catalog;
use loggia_lexicon::document::Document;
use miette::{IntoDiagnostic, Result, WrapErr, ensure};

use crate::report;

/// A lexicon file as it was read.
pub struct LexiconFile {
    pub path: PathBuf,
    pub text: String,
}

/// Loads a folder of lexicons; what is odd in them is among the catalog's problems.
pub fn load_catalog(folder: &Path) -> Result<Catalog> {
    ensure!(
        folder.is_dir(),
        "{} is not a folder of lexicons",
        folder.display()
    );
    let catalog = Catalog::load(folder)
        .into_diagnostic()
        .wrap_err_with(|| format!("loading {}", folder.display()))?;
    ensure!(
        !catalog.is_empty() || !catalog.problems().is_empty(),
        "{} holds no lexicon: no .json file is in it or below it",
        folder.display()
    );
    Ok(catalog)
}

/// Every lexicon file at a path: itself, or those below it, sorted.
pub fn files(path: &Path) -> Result<Vec<LexiconFile>> {
    let mut found = Vec::new();
    if path.is_dir() {
        collect(path, &mut found)?;
    } else {
        found.push(path.to_owned());
    }
    found.sort();
    ensure!(!found.is_empty(), "{} holds no .json file", path.display());
    found.into_iter().map(read_file).collect()
}

/// Files below a folder. As everywhere, hidden ones are left out and linked folders not followed.
fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let context = || format!("reading {}", folder.display());
    let entries = std::fs::read_dir(folder).into_diagnostic();
    for entry in entries.wrap_err_with(context)? {
        let entry = entry.into_diagnostic().wrap_err_with(context)?;
        let kind = entry.file_type().into_diagnostic().wrap_err_with(context)?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if kind.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|kind| kind == "json") && path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}

fn read_file(path: PathBuf) -> Result<LexiconFile> {
    let text = std::fs::read_to_string(&path)
        .into_diagnostic()
        .wrap_err_with(|| format!("reading {}", path.display()))?;
    Ok(LexiconFile { path, text })
}

/// The documents at a path; a file that is not a lexicon ends the work with an error that shows where.
pub fn documents(path: &Path) -> Result<Vec<Document>> {
    files(path)?.iter().map(document).collect()
}

fn document(file: &LexiconFile) -> Result<Document> {
    let name = file.path.display().to_string();
    match loggia_lexicon::read::read(&file.text) {
        Ok((document, _)) => Ok(document),
        Err(error) => {
            let mut diagnostics = error.diagnostics();
            let worst = diagnostics
                .iter()
                .position(|found| found.is_error())
                .unwrap_or(0);
            Err(report::lexicon(
                &name,
                &file.text,
                &diagnostics.swap_remove(worst),
            ))
        }
    }
}
