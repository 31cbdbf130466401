//! What is wrong in the files of a catalog, shown with the text that it is about.

use std::path::Path;

use loggia_lexicon::catalog::Problem;
use loggia_lexicon::read::{Diagnostic, fill_spans};
use miette::Report;

use super::{lexicon, line_and_column};

/// The files below a folder of lexicons; the last one read is kept, as problems come file by file.
pub struct Sources<'a> {
    folder: &'a Path,
    last: Option<(String, String)>,
}

impl<'a> Sources<'a> {
    /// The files that a catalog was loaded from.
    pub fn new(folder: &'a Path) -> Self {
        Self { folder, last: None }
    }

    /// `file:line:column: error: /pointer: message [rule]`, for the many that are no more than odd.
    pub fn line(&mut self, problem: &Problem) -> String {
        let name = self.name(&problem.file);
        match &problem.diagnostic.span {
            None => format!("{name}: {}", problem.diagnostic),
            Some(span) => {
                let (line, column) = line_and_column(self.text(&problem.file), span.start);
                format!("{name}:{line}:{column}: {}", problem.diagnostic)
            }
        }
    }

    /// The problem with the lines that it is about, for what ends the work.
    pub fn report(&mut self, problem: &Problem) -> Report {
        let name = self.name(&problem.file);
        lexicon(&name, self.text(&problem.file), &problem.diagnostic)
    }

    /// Finds the place in the text for a diagnostic that has only its pointer.
    pub fn place(&mut self, file: &str, mut diagnostic: Diagnostic) -> Problem {
        fill_spans(self.text(file), std::slice::from_mut(&mut diagnostic));
        Problem {
            file: file.to_owned(),
            diagnostic,
        }
    }

    fn name(&self, file: &str) -> String {
        self.folder.join(file).display().to_string()
    }

    /// A file that cannot be read has no text to show; that it cannot be read is the problem itself.
    fn text(&mut self, file: &str) -> &str {
        if self.last.as_ref().is_none_or(|(last, _)| last != file) {
            let text = std::fs::read_to_string(self.folder.join(file)).unwrap_or_default();
            self.last = Some((file.to_owned(), text));
        }
        self.last.as_ref().map_or("", |(_, text)| text)
    }
}
