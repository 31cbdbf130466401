//! An S3-compatible store, started for one test and gone with it.

use std::path::PathBuf;

use super::node_program::NodeProgram;

/// The store, with one bucket.
pub struct S3 {
    url: String,
    program: NodeProgram,
}

/// The name of the bucket.
pub const BUCKET: &str = "archive";

impl S3 {
    /// Starts it and waits until it answers.
    pub fn start() -> Self {
        let name = "the S3-compatible store";
        let mut program = NodeProgram::start(name, "s3", "start.mjs", &[BUCKET]);
        let started = program.line();
        Self {
            url: started["url"].as_str().expect("a URL").to_owned(),
            program,
        }
    }

    /// What a client finds in its environment.
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT", self.url.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "S3RVER"),
            ("AWS_SECRET_ACCESS_KEY", "S3RVER"),
            ("PATH", "of no meaning here"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// The file in which the store keeps an object.
    pub fn object(&self, key: &str) -> PathBuf {
        let name = format!("{key}._S3rver_object");
        self.program.data().join(BUCKET).join(name)
    }
}
