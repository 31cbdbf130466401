//! Permissioned repositories: against vectors that the reference implementation made, and against
//! whatever else may come.

mod car;
mod commit;
mod operation;
mod set_hash;
#[path = "../../../auth/tests/it/shared.rs"]
mod shared;
mod snapshot;
mod vectors;
