//! What a command answers, on the standard output, and what else a person may want to know, on the
//! standard error.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use miette::{IntoDiagnostic, Result, WrapErr};

/// Prints one line, or several at once.
///
/// Ends the process if the reader has left (`| head`): nobody is there for the rest, and that is no
/// mistake to report.
pub fn line(text: impl Display) -> Result<()> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(2),
        written => written
            .into_diagnostic()
            .wrap_err("writing to the standard output"),
    }
}

/// Says something to whoever watches, if anybody does: what a command answers does not depend on it.
pub fn say(text: impl Display) {
    // Who has closed the standard error does not want to know.
    writeln!(io::stderr().lock(), "{text}").unwrap_or_default();
}

/// So many of something, `one` or more of it.
pub fn counted(count: u64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn one_is_not_many() {
        assert_eq!(counted(0, "delivery", "deliveries"), "0 deliveries");
        assert_eq!(counted(1, "delivery", "deliveries"), "1 delivery");
    }
}
