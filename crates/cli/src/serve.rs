//! `loggia serve`.

use std::io::{IsTerminal, Write as _};

use miette::{IntoDiagnostic, Result, WrapErr};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::JsonFields;

use crate::Outcome;
use crate::args::SettingsArgs;
use crate::check_config::load;
use crate::log_lines::JsonLines;

pub fn run(settings: &SettingsArgs) -> Result<Outcome> {
    let config = load(settings)?;
    start_logging()?;
    let runtime = tokio::runtime::Runtime::new().into_diagnostic()?;
    let show = |banner: &str| {
        // Nobody may look at it either.
        writeln!(std::io::stdout().lock(), "{banner}").unwrap_or_default();
    };
    let served = runtime.block_on(loggia_server::serve(config, show));
    // What had to end has ended or was cut off; nothing else is worth waiting for.
    runtime.shutdown_background();
    served.into_diagnostic().wrap_err("serving")?;
    Ok(Outcome::Fine)
}

/// Logs go to the standard error: for people on a terminal, as JSON lines elsewhere.
fn start_logging() -> Result<()> {
    let logs = tracing_subscriber::fmt()
        .with_env_filter(log_filter()?)
        .with_writer(std::io::stderr)
        // Nobody may read them, and a server whose log has gone goes on.
        .log_internal_errors(false);
    if std::io::stderr().is_terminal() {
        logs.compact().init();
    } else {
        logs.fmt_fields(JsonFields::new())
            .event_format(JsonLines)
            .init();
    }
    Ok(())
}

/// What `LOGGIA_LOG` lets through.
pub fn log_filter() -> Result<EnvFilter> {
    EnvFilter::builder()
        .with_env_var("LOGGIA_LOG")
        .with_default_directive(tracing::Level::INFO.into())
        .from_env()
        .into_diagnostic()
        .wrap_err("LOGGIA_LOG is a filter such as `info` or `info,sqlx=warn`")
}
