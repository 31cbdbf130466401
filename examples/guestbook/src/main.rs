//! A guestbook: the smallest service built with loggia.
//!
//! `lexicons/` says what the service is, `src/lexicons/` is generated from it, `src/handlers/` holds
//! one function for each method, at the path that its NSID names.

mod handlers;
pub mod lexicons;

use std::sync::{Arc, Mutex};

use lexicons::com::example::guestbook::entry::Entry;

/// Everything that was written, oldest first.
type Book = Arc<Mutex<Vec<Entry>>>;

fn main() -> std::io::Result<()> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let service = lexicons::routes!(crate::handlers);
    loggia::run(&address, service.with_state(Book::default()))
}
