//! Which methods this server has.

use loggia_xrpc_server::Service;

use crate::app::App;
use crate::handlers::com::atproto::space;
use crate::overlay::{NotifySpaceDeleted, NotifyWrite, RegisterNotify};

/// The generated table, and the methods that are laid over an official one.
pub fn routes() -> Service<App> {
    loggia_api::routes!(crate::handlers)
        .method::<RegisterNotify, _, _>(space::register_notify::handle)
        .method::<NotifyWrite, _, _>(space::notify_write::handle)
        .method::<NotifySpaceDeleted, _, _>(space::notify_space_deleted::handle)
}
