//! Takes an entry out of the book.

use loggia::axum::extract::State;
use loggia::callers::{AccountHolder, Admin, Callers, Either};
use loggia::xrpc::{Method as _, NoBody};
use loggia::{Rejection, Reply, declared};

use crate::Book;
use crate::lexicons::com::example::guestbook::erase::{Erase, Error, Input};

/// The keeper erases what they like, an app what the account that it calls for has written, if the
/// account has allowed it to call this method.
pub async fn handle(
    State(book): State<Book>,
    State(callers): State<Callers>,
    caller: Either<Admin, AccountHolder>,
    input: Input,
) -> Reply<Erase> {
    if let Either::Second(app) = &caller {
        app.require_call(Erase::NSID, &callers.audiences())?;
        if app.did != input.author {
            let message = "only the keeper may erase what others wrote";
            return Err(Rejection::forbidden(message).into());
        }
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
