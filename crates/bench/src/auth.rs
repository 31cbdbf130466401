//! Proving a caller, against nothing but the signatures that this takes.
//!
//! The bare engine verifies as many signatures, of the same keys over texts of the same length, no
//! signature twice either, and does nothing else. Ours is the whole way from header fields to a principal: documents come from a
//! warm cache, used tokens are kept in memory. No request is sent twice; all of them are made before
//! the clock starts.

mod access;
mod bare;
mod credential;
mod service;

use std::cell::Cell;

use jiff::Timestamp;
use tokio::runtime::Runtime;

use crate::contest::Contest;
use crate::cpu;
use bare::Signed;

/// Proving a caller has at least this share of the speed of its bare signatures.
const GOAL: f64 = 0.9;

pub fn run() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be started");
    println!("\nhere ratios are speeds: more is better");
    bare::contest();
    service::contest(&runtime);
    access::contests(&runtime);
    credential::contests(&runtime);
}

/// Bare verifications against the whole proof of a request.
fn contest<R>(
    runtime: &Runtime,
    title: &str,
    bare: impl Fn() -> Vec<Signed>,
    make: impl Fn() -> R,
    prove: impl AsyncFn(&R),
) {
    let name = match bare().len() {
        1 => "one bare verification",
        _ => "two bare verifications",
    };
    Contest::against_timed(title, name, |times| bare::verify(times, &bare))
        .timed("loggia, the whole proof", Some(GOAL), |times| {
            let requests: Vec<R> = (0..times).map(|_| make()).collect();
            let ((), taken) = cpu::time(|| {
                runtime.block_on(async {
                    for request in &requests {
                        prove(request).await;
                    }
                });
            });
            taken
        })
        .by_speed()
        .run();
}

/// The time at which everything here happens: caches neither fill nor empty by it.
const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

/// What makes a token the only one of its kind.
#[derive(Default)]
struct Ids(Cell<u128>);

impl Ids {
    fn next(&self) -> [u8; 16] {
        self.0.set(self.0.get() + 1);
        self.0.get().to_be_bytes()
    }
}
