//! The conformance suite of the store, on SQLite files; and what a crash leaves behind.

mod api_clients;
mod crash;
mod damage;
mod fixture;
mod logins;
mod outcomes;
mod queue;
mod registrations;
mod replay;
mod reseal;
mod revoked_credentials;
mod server_keys;
mod webhooks;
mod work;
