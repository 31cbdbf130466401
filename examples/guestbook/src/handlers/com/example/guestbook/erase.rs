//! Takes an entry out of the book.

use loggia::axum::extract::State;
use loggia::callers::{AccountHolder, Admin, Either};
use loggia::xrpc::NoBody;
use loggia::{Rejection, Reply, declared};

use crate::Book;
use crate::lexicons::com::example::guestbook::erase::{Erase, Error, Input};

/// The keeper erases what they like, an app what the account that it calls for has written.
pub async fn handle(
    State(book): State<Book>,
    caller: Either<Admin, AccountHolder>,
    input: Input,
) -> Reply<Erase> {
    if let Either::Second(app) = &caller
        && app.did != input.author
    {
        return Err(Rejection::forbidden("only the keeper may erase what others wrote").into());
    }
    let mut book = book
        .lock()
        .expect("no handler panics while it holds the book");
    let before = book.len();
    book.retain(|entry| (&entry.author, &entry.text) != (&input.author, &input.text));
    if book.len() == before {
        return Err(declared(Error::EntryNotFound).into());
    }
    Ok(NoBody)
}
