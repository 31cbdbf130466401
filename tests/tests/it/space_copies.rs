//! Spaces that are hosted elsewhere, copied for whoever is registered here.

mod here;
mod lies;
mod nodes;
mod rights;
pub mod scene;
mod servers;
mod silence;
mod telling;
