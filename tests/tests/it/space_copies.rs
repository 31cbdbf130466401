//! Spaces that are hosted elsewhere, copied for whoever is registered here.

mod lies;
mod rights;
mod scene;
mod servers;
mod telling;
