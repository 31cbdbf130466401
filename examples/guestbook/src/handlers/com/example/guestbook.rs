//! The methods of `com.example.guestbook`.

pub mod erase;
pub mod list_entries;
pub mod sign;
