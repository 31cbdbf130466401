//! The conformance suite of the store, on both databases; and what a crash leaves behind.

mod api_clients;
mod chores;
mod crash;
mod damage;
mod delivery_log;
mod fixture;
mod intake;
mod large;
mod letters;
mod logins;
mod nodes;
mod order;
mod outcomes;
mod owners;
mod postgres_server;
mod queue;
mod redeliveries;
mod registrations;
mod replay;
mod reseal;
mod retention;
mod revoked_credentials;
mod server_keys;
mod webhooks;
mod work;
