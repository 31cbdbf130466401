//! `dev.loggia.lexicon.*`

pub mod validate_record;
