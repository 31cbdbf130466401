//! The servers start, serve, end and come back.

mod postgres;
mod redis;
