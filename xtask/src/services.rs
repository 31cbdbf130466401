//! One PostgreSQL and one Redis for a whole run of tests or benchmarks.

use anyhow::{Context, Result};
use loggia_services::{Durability, POSTGRES, Postgres, REDIS, Redis};

/// Running servers; they end with this.
pub struct Services {
    postgres: Postgres,
    redis: Redis,
}

impl Services {
    /// Starts both, installed first if they are missing.
    pub fn start(durability: Durability) -> Result<Self> {
        Ok(Self {
            postgres: Postgres::start(durability)
                .context("the tests use a PostgreSQL of their own")?,
            redis: Redis::start().context("the tests use a Redis of their own")?,
        })
    }

    /// The variables that say where they are.
    pub fn variables(&self) -> [(&'static str, String); 2] {
        [
            (POSTGRES, self.postgres.own_url()),
            (REDIS, self.redis.own_url()),
        ]
    }
}
