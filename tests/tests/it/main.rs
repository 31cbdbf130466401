//! Tests of the whole: what lies in the repository, and a running server as its callers see it.

mod api_clients;
mod authentication;
mod crowds;
mod issuers;
mod keys;
mod lexicon_structure;
mod login;
mod login_client;
mod login_hostile;
mod login_sessions;
mod login_times;
mod server;
mod space_notices;
mod space_readers;
mod space_registrations;
mod support;
mod token_exchange;
mod used_tokens;
mod validate_record;
mod webhook_lists;
mod webhooks;
