//! The data folder of a server that was never started, made once for a build folder and copied then:
//! making one takes a second, copying it a twentieth of that.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ServiceError;
use crate::postgres::ACCOUNT;
use crate::program::{User, run};

/// Lays a fresh `data` folder out in this folder and gives the password of its account.
pub(super) fn lay_out(user: &User, server: &Path, folder: &Path) -> Result<String, ServiceError> {
    let Some(kept) = kept(user, server)? else {
        return make(user, server, folder);
    };
    if !kept.is_dir() {
        let made = tempfile::tempdir_in(kept.parent().expect("it lies in the build folder"))
            .map_err(ServiceError::io("make a folder beside", &kept))?;
        let password = make(user, server, folder)?;
        copy(&folder.join("data"), &made.path().join("data"))?;
        copy(&folder.join("password"), &made.path().join("password"))?;
        // Somebody else may have been faster, with one that is as good.
        if std::fs::rename(made.path(), &kept).is_ok() {
            // It has no more to remove under its old name.
            drop(made.keep());
        }
        return Ok(password);
    }
    copy(&kept.join("data"), &folder.join("data"))?;
    read(&kept.join("password"))
}

/// Where the copy for this version and user is kept; `None` outside of a build folder.
fn kept(user: &User, server: &Path) -> Result<Option<PathBuf>, ServiceError> {
    let version = run(Command::new(server).arg("--version"))?;
    let version: String = version
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' {
                c
            } else {
                '-'
            }
        })
        .collect();
    let program = std::env::current_exe().map_err(ServiceError::io("find", "this program"))?;
    // What cargo leaves in every build folder.
    let mut above = program.ancestors();
    let build = above.find(|folder| folder.join(".rustc_info.json").is_file());
    Ok(build.map(|build| build.join(format!("services-{version}-{}", user.name()))))
}

fn make(user: &User, server: &Path, folder: &Path) -> Result<String, ServiceError> {
    let password = crate::password();
    let file = folder.join("password");
    std::fs::write(&file, &password).map_err(ServiceError::io("write", &file))?;
    user.own(&file)?;
    let mut initdb = user.command(initdb(server)?);
    initdb
        .arg("-D")
        .arg(folder.join("data"))
        .arg(format!("--pwfile={}", file.display()))
        .args(["--username", ACCOUNT, "--auth=password", "--no-sync"])
        .args(["--encoding=UTF8", "--locale=C", "--no-instructions"])
        .current_dir("/");
    run(&mut initdb)?;
    Ok(password)
}

/// The `initdb` of this server: wherever it was found, that lies beside it.
fn initdb(server: &Path) -> Result<PathBuf, ServiceError> {
    let server = std::fs::canonicalize(server).map_err(ServiceError::io("follow", server))?;
    Ok(server.with_file_name("initdb"))
}

/// Copies a file or folder with its owners, which are not root.
fn copy(from: &Path, to: &Path) -> Result<(), ServiceError> {
    run(Command::new("cp").arg("-a").arg(from).arg(to)).map(drop)
}

fn read(file: &Path) -> Result<String, ServiceError> {
    let text = std::fs::read_to_string(file).map_err(ServiceError::io("read", file))?;
    Ok(text.trim().to_owned())
}
