//! The setting that says where the archive is.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where deliveries go when they leave the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArchivePlace {
    /// Nowhere: they are removed.
    Off,
    /// A folder, made if it does not exist.
    Folder(PathBuf),
    /// A bucket of an S3-compatible store.
    Bucket {
        /// Its name.
        bucket: String,
        /// The folder in it, without slashes at either end; empty for the bucket itself.
        folder: String,
    },
}

/// A text that names no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlace {
    /// A scheme that is not known.
    #[error("must be a folder or `s3://bucket/folder`")]
    Scheme,
    /// `s3://` without a bucket.
    #[error("names no bucket: write `s3://bucket/folder`")]
    NoBucket,
}

impl From<Infallible> for InvalidPlace {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl FromStr for ArchivePlace {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Ok(match text {
                "" => Self::Off,
                folder => Self::Folder(folder.parse()?),
            });
        };
        if scheme != "s3" {
            return Err(InvalidPlace::Scheme);
        }
        let (bucket, folder) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(InvalidPlace::NoBucket);
        }
        Ok(Self::Bucket {
            bucket: bucket.to_owned(),
            folder: folder.trim_matches('/').to_owned(),
        })
    }
}

impl fmt::Display for ArchivePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => Ok(()),
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Bucket { bucket, folder } if folder.is_empty() => write!(f, "s3://{bucket}"),
            Self::Bucket { bucket, folder } => write!(f, "s3://{bucket}/{folder}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_read_back_as_they_are_shown() {
        for text in [
            "",
            "archive",
            "/var/lib/a b",
            "s3://bucket",
            "s3://bucket/a/b",
        ] {
            let place: ArchivePlace = text.parse().expect(text);
            assert_eq!(place.to_string(), text);
        }
        assert_eq!(
            "s3:///a".parse::<ArchivePlace>(),
            Err(InvalidPlace::NoBucket)
        );
        assert_eq!("ftp://a".parse::<ArchivePlace>(), Err(InvalidPlace::Scheme));
    }
}
