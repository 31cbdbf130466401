//! What a command answers, on the standard output.

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
