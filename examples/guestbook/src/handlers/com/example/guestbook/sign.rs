//! Writes an entry into the book.

use loggia::axum::extract::State;
use loggia::callers::ServiceCaller;
use loggia::{Rejection, Reply, declared};

use crate::Book;
use crate::lexicons::com::example::guestbook::sign::{Error, Input, Output, Sign};

/// Everybody signs for themselves, and the same words only once.
pub async fn handle(State(book): State<Book>, visitor: ServiceCaller, input: Input) -> Reply<Sign> {
    let entry = input.entry;
    if entry.author != visitor.did {
        return Err(Rejection::forbidden("you can sign for yourself only").into());
    }
    let mut book = book
        .lock()
        .expect("no handler panics while it holds the book");
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
