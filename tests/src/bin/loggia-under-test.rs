//! `loggia serve` as a program of this package, for tests that kill, pause and measure it: cargo
//! builds it before them, which it does not do with another package's.

use std::io::Read;
use std::process::ExitCode;

use loggia_server::config::Config;

fn main() -> ExitCode {
    std::thread::spawn(end_with_the_test);
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(std::io::stderr)
        .init();
    let config = match Config::load(None, std::env::vars()) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be started");
    let served = runtime.block_on(loggia_server::serve(config, |_| {}));
    runtime.shutdown_background();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "serving");
            ExitCode::FAILURE
        }
    }
}

/// The test holds the other end of the standard input, which closes however it ends.
fn end_with_the_test() {
    let mut rest = Vec::new();
    if let Err(error) = std::io::stdin().read_to_end(&mut rest) {
        eprintln!("the standard input failed, which ends this as well: {error}");
    }
    std::process::exit(3);
}
