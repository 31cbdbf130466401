//! The engine against a scripted receiver, a queue in memory and a clock that is moved by hand.

mod alive;
mod engine;
mod lanes;
mod lifetime;
mod memory_queue;
mod pace;
mod receivers;
mod simulation;
mod state;
mod wire;
mod world;
