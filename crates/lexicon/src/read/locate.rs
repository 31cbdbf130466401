//! From JSON pointers to byte ranges of the text.
//!
//! Runs only when there is something to point at: one pass over the text, which is known to be
//! valid JSON by then.

use std::collections::HashMap;
use std::ops::Range;

use super::Diagnostic;
use crate::place::escape;

/// Fills in the spans of diagnostics that have a pointer into `text`, any JSON.
pub fn fill_spans(text: &str, diagnostics: &mut [Diagnostic]) {
    if diagnostics.is_empty() {
        return;
    }
    if text.is_empty() {
        return;
    }
    let wanted = diagnostics
        .iter()
        .map(|d| (d.pointer.clone(), None))
        .collect();
    let mut walk = Walk {
        text,
        at: 0,
        pointer: String::new(),
        wanted,
    };
    if walk.value().is_none() {
        return;
    }
    for diagnostic in diagnostics {
        diagnostic.span = walk.wanted.get(&diagnostic.pointer).cloned().flatten();
    }
}

struct Walk<'t> {
    text: &'t str,
    at: usize,
    pointer: String,
    /// Of a key written twice the last value counts here as well.
    wanted: HashMap<String, Option<Range<usize>>>,
}

impl Walk<'_> {
    /// Walks over one value; `None` if the text ends or is not JSON after all.
    fn value(&mut self) -> Option<()> {
        self.space();
        let start = self.at;
        match self.peek()? {
            b'{' => self.object()?,
            b'[' => self.array()?,
            b'"' => self.string().map(drop)?,
            _ => self.scalar(),
        }
        if let Some(span) = self.wanted.get_mut(&self.pointer) {
            *span = Some(start..self.at);
        }
        Some(())
    }

    fn object(&mut self) -> Option<()> {
        self.at += 1;
        self.space();
        while self.peek()? != b'}' {
            let key = self.string()?;
            self.space();
            self.at += 1;
            self.inside(&escape(&key))?;
        }
        self.at += 1;
        Some(())
    }

    fn array(&mut self) -> Option<()> {
        self.at += 1;
        self.space();
        let mut index = 0_usize;
        while self.peek()? != b']' {
            self.inside(&index.to_string())?;
            index += 1;
        }
        self.at += 1;
        Some(())
    }

    /// One value below a step, and the comma after it.
    fn inside(&mut self, step: &str) -> Option<()> {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(step);
        self.value()?;
        self.pointer.truncate(length);
        self.space();
        if self.peek()? == b',' {
            self.at += 1;
            self.space();
        }
        Some(())
    }

    fn string(&mut self) -> Option<String> {
        let start = self.at;
        self.at += 1;
        while self.peek()? != b'"' {
            self.at += if self.peek()? == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        serde_json::from_str(self.text.get(start..self.at)?).ok()
    }

    fn scalar(&mut self) {
        let end = |b: u8| matches!(b, b',' | b'}' | b']') || b.is_ascii_whitespace();
        while self.peek().is_some_and(|b| !end(b)) {
            self.at += 1;
        }
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}
