//! A guestbook: the smallest service built with loggia.
//!
//! `lexicons/` says what the service is, `src/lexicons/` is generated from it, `src/handlers/` holds
//! one function for each method, at the path that its NSID names.
//!
//! `guestbook [ADDRESS]` serves. The environment says the rest: `GUESTBOOK_DID` who it is, which is whom
//! its visitors' tokens must be for, with or without `#guestbook`; `GUESTBOOK_KEEPER` whose word erases; and, for apps, `GUESTBOOK_URL`
//! where they call it, `GUESTBOOK_ISSUER` whose access tokens it takes, and `GUESTBOOK_ISSUER_KEYS`
//! where that issuer's keys are.

mod handlers;
pub mod lexicons;

use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex};

use loggia::auth::dpop::PublicUrl;
use loggia::axum::extract::FromRef;
use loggia::callers::{Callers, Issuer, Network};
use loggia::syntax::Did;

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
    let callers = callers().map_err(io::Error::other)?;
    let app = App {
        book: Book::default(),
        callers: callers.clone(),
    };
    let service = lexicons::routes!(crate::handlers);
    loggia::run(&address, callers.with_nonces(service.with_state(app)))
}

/// Whose word is taken.
fn callers() -> Result<Callers, Box<dyn Error + Send + Sync>> {
    let set = |name| std::env::var(name).ok();
    let did = set("GUESTBOOK_DID").unwrap_or_else(|| "did:web:localhost%3A3000".to_owned());
    let issuer = set("GUESTBOOK_ISSUER").zip(set("GUESTBOOK_ISSUER_KEYS"));
    let public_url = set("GUESTBOOK_URL").map(|url| PublicUrl::new(&url));
    let network = Network {
        development: did.starts_with("did:web:localhost"),
        public_url: public_url.transpose()?,
        issuers: issuer
            .map(|(url, keys)| Issuer { url, keys })
            .into_iter()
            .collect(),
        ..Network::default()
    };
    let keeper = set("GUESTBOOK_KEEPER").map(Did::new).transpose()?;
    // Scopes of apps speak of services, and tokens of visitors of either.
    let service = format!("{did}#guestbook");
    Ok(Callers::over_network([did, service], &network)?
        .admins(keeper)
        .build())
}
