//! Tests of the whole: what lies in the repository, and a running server as its callers see it.

mod authentication;
mod lexicon_structure;
mod server;
mod space_notices;
mod space_registrations;
mod support;
mod validate_record;
mod webhook_lists;
mod webhooks;
