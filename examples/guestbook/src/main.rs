//! A guestbook: the smallest service built with loggia.
//!
//! `lexicons/` says what the service is, `src/lexicons/` is generated from it, `src/handlers/` holds
//! one function for each method, at the path that its NSID names.
//!
//! `guestbook [ADDRESS]` serves; the environment variable `GUESTBOOK_DID` says who it is, which is
//! whom its visitors' tokens must be for.

mod handlers;
pub mod lexicons;

use std::io;
use std::sync::{Arc, Mutex};

use loggia::axum::extract::FromRef;
use loggia::callers::{Callers, Network};

use lexicons::com::example::guestbook::entry::Entry;

/// Everything that was written, oldest first.
type Book = Arc<Mutex<Vec<Entry>>>;

/// What handlers may ask for.
#[derive(Clone)]
struct App {
    book: Book,
    callers: Callers,
}

impl FromRef<App> for Book {
    fn from_ref(app: &App) -> Self {
        app.book.clone()
    }
}

impl FromRef<App> for Callers {
    fn from_ref(app: &App) -> Self {
        app.callers.clone()
    }
}

fn main() -> io::Result<()> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let did =
        std::env::var("GUESTBOOK_DID").unwrap_or_else(|_| "did:web:localhost%3A3000".to_owned());
    let network = Network {
        development: did.starts_with("did:web:localhost"),
        ..Network::default()
    };
    let callers = Callers::over_network([did], &network).map_err(io::Error::other)?;
    let app = App {
        book: Book::default(),
        callers: callers.build(),
    };
    let service = lexicons::routes!(crate::handlers);
    loggia::run(&address, service.with_state(app))
}
