//! A program of a folder of npm's, started for one test and gone with it.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// The program, on a leash: it ends when its standard input closes, so that a killed test leaves
/// nothing behind. What it says comes as lines of JSON.
pub struct NodeProgram {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    data: tempfile::TempDir,
}

impl NodeProgram {
    /// Starts a script of a folder in `tests`, with a temporary folder and `args` as its arguments.
    /// `name` is what a person calls it who has not installed it.
    pub fn start(name: &str, folder: &str, script: &str, args: &[&str]) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        assert!(
            path.join("node_modules").is_dir(),
            "{name} is not installed: run `cargo xtask test`, or `npm ci` in tests/{folder}",
        );
        let data = tempfile::tempdir().expect("a temporary folder");
        let mut child = Command::new("node")
            .arg(path.join(script))
            .arg(data.path())
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is installed");
        let output = child.stdout.take().expect("piped above");
        Self {
            input: child.stdin.take(),
            child,
            output: BufReader::new(output).lines(),
            data,
        }
    }

    /// The next line that it says.
    #[track_caller]
    pub fn line(&mut self) -> Value {
        let line = self.output.next().expect("a line of the program");
        serde_json::from_str(&line.expect("text")).expect("JSON")
    }

    /// Says a line to it.
    pub fn say(&mut self, line: &Value) {
        let input = self.input.as_mut().expect("open until the end");
        writeln!(input, "{line}").expect("the program listens");
    }

    /// Its temporary folder.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Closes its input and waits until it has ended by itself.
    pub fn end(&mut self) {
        drop(self.input.take());
        self.child.wait().expect("the program ends");
    }
}

impl Drop for NodeProgram {
    fn drop(&mut self) {
        // Closing the standard input ends it; this only makes sure.
        self.child.kill().expect("the program can be stopped");
        self.child.wait().expect("the program ends");
    }
}
