//! `loggia listen`.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use loggia_delivery::Secret;
use loggia_server::listen::{ListenSettings, listen};
use miette::{IntoDiagnostic, Result, WrapErr, miette};

use crate::args::ListenArgs;
use crate::{Outcome, output, report};

pub fn run(args: &ListenArgs) -> Result<Outcome> {
    let settings = ListenSettings {
        secrets: args
            .secret
            .iter()
            .map(|text| secret(text))
            .collect::<Result<_>>()?,
        status: args.status,
        fail: args.fail,
        delay: Duration::from_millis(args.delay),
        show: Box::new(show),
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let runtime = tokio::runtime::Runtime::new().into_diagnostic()?;
    let listened = runtime
        .block_on(listen(address, settings))
        .into_diagnostic();
    listened.wrap_err_with(|| format!("listening on {address}; --port takes another port"))?;
    Ok(Outcome::Fine)
}

/// Without anywhere to show things a receiver is of no use.
fn show(text: &str) {
    if let Err(error) = output::line(text) {
        report::print(&error);
        std::process::exit(2);
    }
}

fn secret(text: &str) -> Result<Secret> {
    Secret::from_text(text).map_err(|error| miette!("--secret: {error}"))
}
