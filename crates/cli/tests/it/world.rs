//! A folder of one's own, and the binary run in it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A temporary folder that the binary is run in, so that the paths it prints are short and known.
pub struct World {
    folder: TempDir,
}

/// What a run said, and with which exit code it ended.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder }
    }

    /// Writes a file, with the folders that it needs.
    pub fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.path(path);
        let folder = path.parent().expect("every file has a folder");
        fs::create_dir_all(folder).expect("writable");
        fs::write(path, text).expect("writable");
        self
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).expect("readable")
    }

    /// Every file, by its path from here, with what is in it and when that was written.
    pub fn files(&self) -> Vec<(String, String, std::time::SystemTime)> {
        let mut found = Vec::new();
        list(self.folder.path(), self.folder.path(), &mut found);
        found.sort();
        found
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        finish(&mut self.command(arguments))
    }

    /// Runs with something on the standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Run {
        let mut command = self.command(arguments);
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = pipes.stderr(Stdio::piped()).spawn().expect("it starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        stdin.write_all(input.as_bytes()).expect("it reads");
        drop(stdin);
        child.wait_with_output().expect("it ends").into()
    }

    /// The binary, without the settings of whoever runs the tests.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loggia"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LOGGIA_") {
                command.env_remove(name);
            }
        }
        command.current_dir(self.folder.path()).args(arguments);
        command
    }
}

/// Runs to the end; nothing is on the standard input.
pub fn finish(command: &mut Command) -> Run {
    command.output().expect("it starts").into()
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("it speaks UTF-8");
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

impl Run {
    /// Asserts the exit code, and that all of these were said on the standard error.
    #[track_caller]
    pub fn refused(&self, code: i32, said: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        for part in said {
            assert!(self.err.contains(part), "`{part}` is not in\n{}", self.err);
        }
    }

    /// Asserts that all is well.
    #[track_caller]
    pub fn fine(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }
}

fn list(root: &Path, folder: &Path, found: &mut Vec<(String, String, std::time::SystemTime)>) {
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            list(root, &path, found);
            continue;
        }
        let name = path.strip_prefix(root).expect("it is below the root");
        let metadata = path.metadata().expect("readable");
        found.push((
            name.display().to_string(),
            fs::read_to_string(&path).expect("readable"),
            metadata.modified().expect("this system keeps times"),
        ));
    }
}
