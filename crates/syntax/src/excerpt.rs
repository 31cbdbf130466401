//! Other people's text in our messages: shortened and escaped.

use std::fmt;

/// A text for a message: at most [`Excerpt::MOST`] characters, quoted, control characters escaped.
#[derive(Clone, Copy, Debug)]
pub struct Excerpt<'a>(pub &'a str);

impl Excerpt<'_> {
    /// Enough to recognise an identifier, too little to fill a log.
    pub const MOST: usize = 64;
}

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(Self::MOST) {
            None => write!(f, "{:?}", self.0),
            Some((end, _)) => write!(f, "{:?}…", &self.0[..end]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Excerpt;

    #[test]
    fn counts_characters_and_escapes() {
        assert_eq!(Excerpt("a\nb").to_string(), r#""a\nb""#);
        assert_eq!(
            Excerpt(&"é".repeat(64)).to_string(),
            format!("{:?}", "é".repeat(64))
        );
        assert_eq!(
            Excerpt(&"é".repeat(65)).to_string(),
            format!("{:?}…", "é".repeat(64))
        );
    }
}
