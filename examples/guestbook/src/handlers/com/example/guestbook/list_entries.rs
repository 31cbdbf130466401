//! Reads the book.

use loggia::Reply;
use loggia::axum::extract::State;

use crate::Book;
use crate::lexicons::com::example::guestbook::list_entries::{ListEntries, Output, Params};

/// Newest first, of one visitor or of all.
pub async fn handle(State(book): State<Book>, params: Params) -> Reply<ListEntries> {
    let book = book
        .lock()
        .expect("no handler panics while it holds the book");
    let newest_first = book.iter().rev();
    let wanted = newest_first.filter(|entry| {
        params
            .author
            .as_ref()
            .is_none_or(|author| entry.author == *author)
    });
    let limit = usize::try_from(params.limit)?;
    Ok(Output {
        entries: wanted.take(limit).cloned().collect(),
        extra: Default::default(),
    })
}
