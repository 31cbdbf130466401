//! The engine against a scripted receiver, a queue in memory and a clock that is moved by hand.

mod engine;
mod lanes;
mod lifetime;
mod memory_queue;
mod receivers;
mod state;
mod world;
