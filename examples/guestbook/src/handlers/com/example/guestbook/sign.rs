//! Writes an entry into the book.

use loggia::axum::extract::State;
use loggia::{Reply, declared};

use crate::Book;
use crate::lexicons::com::example::guestbook::sign::{Error, Input, Output, Sign};

/// The same words twice from one visitor are refused.
pub async fn handle(State(book): State<Book>, input: Input) -> Reply<Sign> {
    let mut book = book
        .lock()
        .expect("no handler panics while it holds the book");
    let entry = input.entry;
    if book
        .iter()
        .any(|old| (&old.author, &old.text) == (&entry.author, &entry.text))
    {
        return Err(declared(Error::AlreadySigned).into());
    }
    book.push(entry);
    Ok(Output {
        position: i64::try_from(book.len())?,
        extra: Default::default(),
    })
}
