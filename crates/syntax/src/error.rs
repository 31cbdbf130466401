//! What is wrong with a text.

use std::fmt;

use compact_str::CompactString;

use crate::excerpt::Excerpt;
use crate::{Format, scan::Flaw};

/// A text that is not of its format: which format, what is wrong, and at which byte.
///
/// `check` returns it without the text, so that checking never allocates; constructors and
/// deserialization add the text, shortened to 64 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    format: Format,
    flaw: Flaw,
    text: Option<CompactString>,
}

impl SyntaxError {
    pub(crate) fn new(format: Format, flaw: Flaw) -> Self {
        Self {
            format,
            flaw,
            text: None,
        }
    }

    /// The same error with the offending text in its message.
    #[must_use]
    pub fn with_text(mut self, text: &str) -> Self {
        // One character more than is shown, so that the message can tell that it was shortened.
        let end = text
            .char_indices()
            .nth(Excerpt::MOST + 1)
            .map_or(text.len(), |(end, _)| end);
        self.text = Some(CompactString::new(&text[..end]));
        self
    }

    /// The format that the text should have had.
    pub fn format(&self) -> Format {
        self.format
    }

    /// What is wrong or missing, for people.
    pub fn reason(&self) -> &'static str {
        self.flaw.reason
    }

    /// The byte at which the text goes wrong; its length if something is missing at the end.
    pub fn at(&self) -> usize {
        self.flaw.at
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = &self.text {
            write!(f, "{} is ", Excerpt(text))?;
        }
        write!(
            f,
            "not a valid {}: {} (at byte {})",
            self.format, self.flaw.reason, self.flaw.at
        )
    }
}

impl std::error::Error for SyntaxError {}
