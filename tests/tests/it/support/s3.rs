//! An S3-compatible store, started for one test and gone with it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;

/// The store, with one bucket. It ends when its standard input closes, so that a killed test leaves
/// nothing behind.
pub struct S3 {
    url: String,
    child: Child,
    _stdin: Option<ChildStdin>,
    data: tempfile::TempDir,
}

/// The name of the bucket.
pub const BUCKET: &str = "archive";

impl S3 {
    /// Starts it and waits until it answers.
    pub fn start() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("s3");
        assert!(
            folder.join("node_modules").is_dir(),
            "the S3-compatible store is not installed: run `cargo xtask test`, or `npm ci` in tests/s3",
        );
        let data = tempfile::tempdir().expect("a temporary folder");
        let mut child = Command::new("node")
            .arg(folder.join("start.mjs"))
            .arg(data.path())
            .arg(BUCKET)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is installed");
        let stdout = child.stdout.take().expect("piped above");
        let stdin = child.stdin.take();
        let line = BufReader::new(stdout).lines().next();
        let line = line.expect("a line once it answers").expect("text");
        let started: Value = serde_json::from_str(&line).expect("one JSON object");
        Self {
            url: started["url"].as_str().expect("a URL").to_owned(),
            child,
            _stdin: stdin,
            data,
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
        self.data.path().join(BUCKET).join(name)
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        // Closing the standard input ends it; this only makes sure.
        self.child.kill().expect("the store can be stopped");
        self.child.wait().expect("the store ends");
    }
}
