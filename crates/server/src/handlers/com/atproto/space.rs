//! `com.atproto.space.*`: repositories in spaces, credentials to read them, and being told of writes.
//!
//! The methods that tell are served in the protocol's shape and in that of webhooks.

pub mod apply_writes;
pub mod create_record;
pub mod delete_record;
pub mod get_blob;
pub mod get_delegation_token;
pub mod get_latest_commit;
pub mod get_record;
pub mod get_repo;
pub mod get_space_credential;
pub mod list_blobs;
pub mod list_records;
pub mod list_repo_ops;
pub mod list_repos;
pub mod list_spaces;
pub mod notify_credential_revoked;
pub mod notify_space_deleted;
pub mod notify_write;
pub mod put_record;
pub mod register_notify;
pub mod unregister_notify;
