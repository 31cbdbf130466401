//! Everything that this crate promises, seen from outside.

mod cases;
mod data_model;
mod forms;
mod properties;
mod shared;
mod spaces;
mod syntax;
