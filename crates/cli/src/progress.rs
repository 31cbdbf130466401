//! A progress bar for long work; only on a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Work that ends within this time shows no bar.
const PATIENCE: Duration = Duration::from_millis(300);

/// A sign of life for work of unknown length, on the standard error.
pub fn spinner(what: &'static str) -> ProgressBar {
    let spinner = ProgressBar::new_spinner().with_message(what);
    spinner.enable_steady_tick(PATIENCE);
    spinner
}

/// A bar over so many steps, on the standard error.
pub fn bar(what: &'static str, steps: usize) -> ProgressBar {
    let bar = ProgressBar::new(steps as u64).with_message(what);
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}");
    bar.set_style(style.expect("the template is constant and right"));
    bar.enable_steady_tick(PATIENCE);
    bar
}
