//! Constraints that a type cannot hold, checked the same way by generated code and by the dynamic
//! validator.
//!
//! Where a value stands is a chain of [`At`]s on the stack; nothing is allocated until something is
//! wrong. Each rule is one function, and its message is made there and nowhere else. Every function
//! takes the value, then the limit, then where the value stands and where to report. Rulings:
//! `minLength`/`maxLength` on strings count UTF-8 bytes, the grapheme limits count extended
//! grapheme clusters (Lexicon specification) of Unicode 17.

mod at;
mod blob;
mod model;
mod report;
mod shapes;
mod sizes;
mod values;

pub use at::At;
pub use blob::{ANY_TYPE, blob, blob_facts};
pub use model::{extra, unknown, unlisted};
pub use report::{Code, Report, Violation};
pub use shapes::{
    broken_blob, broken_bytes, broken_link, closed_union, expected_type, float, missing, no_type,
    not_unknown, reserved_key, type_field, unusable_schema, wrong_type,
};
pub use sizes::{
    max_bytes, max_graphemes, max_items, max_length, min_bytes, min_graphemes, min_items,
    min_length,
};
pub use values::{
    const_boolean, const_integer, const_string, enum_integer, enum_string, format, maximum,
    minimum, safe_integer,
};
