//! The notification hub: who is told of what happens in spaces, in which order, and by whose word.

mod drafts;
mod ends;
mod inbound;
mod outbound;
mod protocol;
mod seed;
mod shapes;
mod webhooks;
