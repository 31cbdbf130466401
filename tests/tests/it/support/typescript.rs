//! Programs in TypeScript: checked strictly, and compiled for whichever Node is there.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiled programs; gone when this is dropped.
pub struct Programs(tempfile::TempDir);

impl Programs {
    /// Checks and compiles what is said under these names.
    #[track_caller]
    pub fn compile(sources: &[(&str, &str)]) -> Self {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("typescript");
        let compiler = own.join("node_modules/typescript/bin/tsc");
        assert!(
            compiler.is_file(),
            "TypeScript is not installed: run `cargo xtask test`, or `npm ci` in tests/typescript",
        );
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["package.json", "tsconfig.json"] {
            std::fs::copy(own.join(name), folder.path().join(name)).expect("is copied");
        }
        let modules = folder.path().join("node_modules");
        symlink(own.join("node_modules"), modules).expect("is linked");
        for (name, text) in sources {
            let path = folder.path().join(format!("{name}.ts"));
            std::fs::write(path, text).expect("is written");
        }
        let mut compiling = Command::new("node");
        let done = compiling
            .arg(compiler)
            .arg("--project")
            .arg(folder.path())
            .output()
            .expect("node is installed");
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(done.status.success(), "{said}");
        Self(folder)
    }

    /// The command that runs one of them.
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new("node");
        // Node 20 has WebSockets, but not by itself; and says that they are an experiment.
        command.args(["--experimental-websocket", "--no-warnings"]);
        command.arg(self.path(name));
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(format!("out/{name}.js"))
    }
}
