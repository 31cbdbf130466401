//! Where randomness comes from: the operating system, through one generator for each thread.

use rand::Rng;

/// Random bytes fit for keys.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// A random number, for the jitter of retries.
pub fn number() -> u64 {
    rand::rng().next_u64()
}
