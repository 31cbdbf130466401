//! `com.atproto.simplespace.*`: opening, ruling and closing spaces.

pub mod create_space;
pub mod delete_space;
pub mod get_space;
pub mod list_members;
pub mod put_member;
pub mod remove_member;
pub mod update_space;
