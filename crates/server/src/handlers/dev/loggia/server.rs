//! `dev.loggia.server.*`

pub mod describe_server;
