//! `dev.loggia.server.describeServer`

use axum::extract::State;
use loggia_api::dev::loggia::server::describe_server::{DescribeServer, Output};
use loggia_xrpc::Reply;

use crate::app::Description;

/// Who this server is and which methods it has.
pub async fn handle(State(description): State<Description>) -> Reply<DescribeServer> {
    Ok(Output {
        name: "loggia".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        did: description.did,
        methods: description.methods.to_vec(),
        extra: Default::default(),
    })
}
