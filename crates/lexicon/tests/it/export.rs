//! Small documents and the whole of what they become.

mod json_schema;
mod open_api;
mod oracle;
mod patterns;
