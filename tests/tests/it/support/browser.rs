//! A headless Chromium with a fresh profile, driven over a pipe.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// A browser with one page. It ends with the test.
pub struct Browser {
    child: Child,
    commands: Option<ChildStdin>,
    outcomes: Lines<BufReader<ChildStdout>>,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts it and waits until it takes commands.
    pub fn start() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser");
        assert!(
            folder.join("node_modules").is_dir(),
            "the browser's driver is not installed: run `cargo xtask test`, or `npm ci` in tests/browser",
        );
        let profile = tempfile::tempdir().expect("a temporary folder");
        let mut child = Command::new("node")
            .arg(folder.join("drive.mjs"))
            .arg(profile.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is installed");
        let stdout = child.stdout.take().expect("piped above");
        let mut browser = Self {
            commands: child.stdin.take(),
            child,
            outcomes: BufReader::new(stdout).lines(),
            _profile: profile,
        };
        assert_eq!(browser.outcome(), "ready", "Chromium starts");
        browser
    }

    /// Opens a URL; the HTTP status of the page where that ends.
    pub fn goto(&mut self, url: &str) -> u64 {
        let status = self.command("goto", &json!({ "url": url }));
        status.as_u64().expect("a status")
    }

    /// Types into the field with this label.
    pub fn fill(&mut self, label: &str, text: &str) {
        self.command("fill", &json!({ "label": label, "text": text }));
    }

    /// Clicks the button with this name.
    pub fn click(&mut self, button: &str) {
        self.command("click", &json!({ "button": button }));
    }

    /// Waits until the page's URL starts with this.
    pub fn arrive(&mut self, at: &str) {
        self.command("arrive", &json!({ "at": at }));
    }

    /// What the page shows.
    pub fn text(&mut self) -> String {
        let text = self.command("text", &json!({}));
        text.as_str().expect("text").to_owned()
    }

    /// Every cookie that the browser has.
    pub fn cookies(&mut self) -> Vec<Value> {
        let cookies = self.command("cookies", &json!({}));
        cookies.as_array().expect("a list").clone()
    }

    fn command(&mut self, name: &str, fields: &Value) -> Value {
        let mut command = fields.clone();
        command["command"] = name.into();
        let pipe = self.commands.as_mut().expect("open until the end");
        writeln!(pipe, "{command}").expect("the driver listens");
        self.outcome()
    }

    #[track_caller]
    fn outcome(&mut self) -> Value {
        let line = self.outcomes.next().expect("a line of the driver");
        let outcome: Value = serde_json::from_str(&line.expect("text")).expect("JSON");
        match outcome.get("error").and_then(Value::as_str) {
            Some(error) => panic!("{error}"),
            None => outcome["value"].clone(),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Closing the pipe lets the driver close Chromium and end.
        drop(self.commands.take());
        self.child.wait().expect("the driver ends");
    }
}
