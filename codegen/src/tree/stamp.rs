//! What the files of a folder were made of, so that nothing is printed twice.
//!
//! Digests of the generator, of what it was to print, and of the files that it wrote. If all three
//! hold, printing again would give the same files.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::TreeError;
use crate::Config;
use crate::model::Model;

/// The stamp's file in the folder that is written into.
const NAME: &str = ".loggia-codegen";
/// A longer file is no stamp.
const LONGEST: usize = 1024;
const HEAD: &str =
    "# By loggia codegen: while this holds, there is nothing to write. May be deleted.";
/// The generator: its sources and what prints for it.
const GENERATOR: &str = env!("LOGGIA_GENERATOR");

/// A stamp, as its file has it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stamp(String);

impl Stamp {
    /// The stamp of files that this generator made.
    pub(crate) fn new(plan: &str, files: &BTreeMap<PathBuf, String>) -> Self {
        Self::by(GENERATOR, plan, files)
    }

    fn by(generator: &str, plan: &str, files: &BTreeMap<PathBuf, String>) -> Self {
        let mut digest = Sha256::new();
        for (path, text) in files {
            for part in [path.as_os_str().as_encoded_bytes(), text.as_bytes()] {
                digest.update((part.len() as u64).to_le_bytes());
                digest.update(part);
            }
        }
        let files = hex(digest);
        Self(format!(
            "{HEAD}\ngenerator {generator}\nplan {plan}\nfiles {files}\n"
        ))
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<(), TreeError> {
        let path = folder.join(NAME);
        fs::write(&path, &self.0).map_err(|error| TreeError::io("writing", &path, error))
    }
}

/// The stamp of a folder, if it has one.
pub(crate) fn read(folder: &Path) -> Result<Option<Stamp>, TreeError> {
    let path = folder.join(NAME);
    match fs::read(&path) {
        Ok(bytes) if bytes.len() > LONGEST => Ok(None),
        Ok(bytes) => Ok(String::from_utf8(bytes).ok().map(Stamp)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(TreeError::io("reading", &path, error)),
    }
}

/// A digest of all that printing depends on.
pub(crate) fn digest_of_plan(model: &Model, config: &Config) -> String {
    struct Digested(Sha256);
    impl fmt::Write for Digested {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.update(text);
            Ok(())
        }
    }
    let mut digest = Digested(Sha256::new());
    write!(digest, "{config:?}{model:?}").expect("a digest takes any text");
    hex(digest.0)
}

fn hex(digest: Sha256) -> String {
    let digest = digest.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_generator_has_another_stamp() {
        let files = BTreeMap::from([(PathBuf::from("a.rs"), String::from("text"))]);
        assert_eq!(GENERATOR.len(), 64, "{GENERATOR}");
        assert_eq!(
            Stamp::new("plan", &files),
            Stamp::by(GENERATOR, "plan", &files)
        );
        assert_ne!(
            Stamp::new("plan", &files),
            Stamp::by("another", "plan", &files)
        );
    }

    #[test]
    fn a_text_cannot_pass_for_a_path() {
        let one = BTreeMap::from([(PathBuf::from("a"), String::from("bc"))]);
        let other = BTreeMap::from([(PathBuf::from("ab"), String::from("c"))]);
        assert_ne!(Stamp::new("", &one), Stamp::new("", &other));
    }
}
