//! Binaries: found, installed where that can be done, and run as somebody else than root.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ServiceError;

/// A program that a server is made of.
pub(crate) struct Program {
    /// Its name.
    pub(crate) name: &'static str,
    /// Debian's package that has it.
    pub(crate) package: &'static str,
}

impl Program {
    /// Where it is; installed first if it is nowhere.
    pub(crate) fn path(&self) -> Result<PathBuf, ServiceError> {
        if let Some(path) = self.find() {
            return Ok(path);
        }
        let missing = |source| ServiceError::Missing {
            program: self.name,
            package: self.package,
            source: Box::new(source),
        };
        install(self.package).map_err(missing)?;
        self.find().ok_or_else(|| missing(ServiceError::NotDebian))
    }

    fn find(&self) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let named = std::env::split_paths(&path).map(|folder| folder.join(self.name));
        // Debian keeps what only a server needs out of the way: the newest version is taken.
        let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path().join("bin").join(self.name)))
            .collect();
        versions.sort_by_key(|path| std::cmp::Reverse(version(path)));
        named.chain(versions).find(|path| path.is_file())
    }
}

/// The number in `/usr/lib/postgresql/15/bin/postgres`.
fn version(path: &Path) -> Option<u32> {
    let folder = path.ancestors().nth(2)?.file_name()?;
    folder.to_str()?.parse().ok()
}

fn install(package: &str) -> Result<(), ServiceError> {
    let debian = Path::new("/usr/bin/apt-get").exists();
    if !debian || !is_root()? {
        return Err(ServiceError::NotDebian);
    }
    eprintln!("installing {package}, which tests need");
    // Another test may be installing at the same time.
    let wait = "DPkg::Lock::Timeout=300";
    run(Command::new("apt-get").args(["-o", wait, "update"]))?;
    run(Command::new("apt-get")
        .args(["-o", wait, "install", "--yes", "--no-install-recommends"])
        .arg(package)
        .env("DEBIAN_FRONTEND", "noninteractive"))?;
    Ok(())
}

/// Who a server runs as. PostgreSQL refuses to be root, and Redis had better not be.
pub(crate) struct User {
    /// Name, user id and group id; `None` if it is whoever runs the tests.
    other: Option<(&'static str, u32, u32)>,
}

impl User {
    /// The first of these users that there is if this is root, else whoever this is.
    pub(crate) fn of(
        program: &'static str,
        users: &'static [&'static str],
    ) -> Result<Self, ServiceError> {
        if !is_root()? {
            return Ok(Self { other: None });
        }
        let found = users.iter().find_map(|name| {
            let id = |flag: &str| {
                run(Command::new("id").args([flag, name]))
                    .ok()?
                    .parse()
                    .ok()
            };
            Some((*name, id("-u")?, id("-g")?))
        });
        let users = users.join(", ");
        let other = found.ok_or(ServiceError::Users { program, users })?;
        Ok(Self { other: Some(other) })
    }

    /// A command that runs a program as this user.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let Some((_, user, group)) = self.other else {
            return Command::new(program);
        };
        let mut command = Command::new("setpriv");
        command
            .arg(format!("--reuid={user}"))
            .arg(format!("--regid={group}"))
            .arg("--clear-groups")
            .arg(program);
        command
    }

    /// Gives a file or folder to this user.
    pub(crate) fn own(&self, path: &Path) -> Result<(), ServiceError> {
        let Some((_, user, group)) = self.other else {
            return Ok(());
        };
        std::os::unix::fs::chown(path, Some(user), Some(group))
            .map_err(ServiceError::io("give away", path))
    }

    /// A part of file names that are for this user's files only.
    pub(crate) fn name(&self) -> &'static str {
        self.other.map_or("own", |(name, ..)| name)
    }
}

fn is_root() -> Result<bool, ServiceError> {
    Ok(run(Command::new("id").arg("-u"))? == "0")
}

/// Runs a program to its end and gives what it printed.
pub(crate) fn run(command: &mut Command) -> Result<String, ServiceError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(ServiceError::io("start", &program))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(ServiceError::Failed {
        program,
        status: output.status,
        output: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
