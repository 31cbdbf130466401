//! A real server on port 0, real clients, whole answers.

mod bodies;
mod envelope;
mod extractors;
mod gate;
mod hostile;
mod limits;
mod methods;
mod observed;
mod shutdown;
mod streams;
mod strict;
mod support;
