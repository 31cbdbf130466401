//! `com.atproto.repo.*`: what repositories in spaces need of it.

pub mod upload_blob;
