//! There are tests only: see `tests/it`.
