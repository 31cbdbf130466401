//! Where deliveries go when they leave the database: a folder, or a bucket of any S3-compatible store.
//!
//! Each file is NDJSON compressed with Zstandard, one line for each delivery, named by the time at
//! which it was written. A delivery whose file was written is removed afterwards; if the server dies
//! in between, a later file has the delivery again, so that readers go by its `notification` and
//! `endpoint`.

mod line;
mod place;

use std::io;
use std::sync::Arc;

use async_compression::tokio::write::ZstdEncoder;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use rustls::crypto::ring::default_provider;
use tokio::io::AsyncWriteExt as _;

pub use line::{line, unreadable};
pub use place::{ArchivePlace, InvalidPlace};

/// The folder of deliveries.
const DELIVERIES: &str = "deliveries";

/// An archive that is open for writing. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Archive {
    store: Arc<dyn ObjectStore>,
    folder: Path,
}

/// Why something could not be archived.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The archive's folder cannot be made.
    #[error("the archive folder {folder} cannot be made")]
    Folder {
        /// Which one.
        folder: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The store refused, or cannot be reached.
    #[error("the archive cannot be used")]
    Store(#[from] object_store::Error),
    /// A line cannot be written as JSON, or not compressed.
    #[error("a delivery cannot be written for the archive")]
    Line(#[from] io::Error),
}

impl Archive {
    /// Opens the archive; none if the place says so. For a bucket, region, endpoint and credentials
    /// come from those `AWS_…` variables of the environment that every S3 client reads.
    ///
    /// # Errors
    /// The folder cannot be made, or what is given of the bucket does not suffice.
    pub fn open(
        place: &ArchivePlace,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Option<Self>, ArchiveError> {
        let (store, folder): (Arc<dyn ObjectStore>, _) = match place {
            ArchivePlace::Off => return Ok(None),
            ArchivePlace::Folder(folder) => {
                let cannot = |source| ArchiveError::Folder {
                    folder: folder.display().to_string(),
                    source,
                };
                std::fs::create_dir_all(folder).map_err(cannot)?;
                let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
                (Arc::new(store), Path::default())
            }
            ArchivePlace::Bucket { bucket, folder } => {
                // An error means that a provider is installed already.
                default_provider().install_default().unwrap_or_default();
                let store = bucket_of(environment).with_bucket_name(bucket);
                (
                    Arc::new(store.build()?),
                    Path::parse(folder).map_err(object_store::Error::from)?,
                )
            }
        };
        Ok(Some(Self { store, folder }))
    }

    /// Writes one file of lines, compressed. When this returns, it is stored durably. `number` is a
    /// random one, so that no file is written over another.
    ///
    /// # Errors
    /// The store refused; then there is no such file, or a whole one.
    pub async fn write(
        &self,
        lines: &[u8],
        now: Timestamp,
        number: u64,
    ) -> Result<Path, ArchiveError> {
        self.write_of(DELIVERIES, lines, now, number).await
    }

    /// The same for another kind of lines, in a folder of its own.
    ///
    /// # Errors
    /// The store refused; then there is no such file, or a whole one.
    pub async fn write_of(
        &self,
        kind: &str,
        lines: &[u8],
        now: Timestamp,
        number: u64,
    ) -> Result<Path, ArchiveError> {
        let name = name(kind, now, number);
        let path = name
            .split('/')
            .fold(self.folder.clone(), |path, part| path.join(part));
        let file = compress(lines).await?;
        self.store.put(&path, file.into()).await?;
        Ok(path)
    }
}

/// The variables of the environment that are text.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// What the environment says of a bucket. Variables that are of no meaning for one are left alone.
fn bucket_of(environment: impl IntoIterator<Item = (String, String)>) -> AmazonS3Builder {
    let settings = environment.into_iter().filter_map(|(name, value)| {
        let name = name.strip_prefix("AWS_").map(|_| name.to_lowercase())?;
        Some((name.parse::<AmazonS3ConfigKey>().ok()?, value))
    });
    settings.fold(AmazonS3Builder::new(), |builder, (key, value)| {
        builder.with_config(key, value)
    })
}

/// `deliveries/2026/01/31/030000.000-0123456789abcdef.ndjson.zst`
fn name(kind: &str, now: Timestamp, number: u64) -> String {
    let at = now.to_zoned(TimeZone::UTC);
    let day = at.strftime("%Y/%m/%d/%H%M%S.%3f");
    format!("{kind}/{day}-{number:016x}.ndjson.zst")
}

async fn compress(lines: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = ZstdEncoder::new(Vec::new());
    encoder.write_all(lines).await?;
    encoder.shutdown().await?;
    Ok(encoder.into_inner())
}

#[cfg(test)]
mod tests {
    use async_compression::tokio::bufread::ZstdDecoder;
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn what_is_archived_can_be_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = ArchivePlace::Folder(folder.path().join("new"));
        let archive = Archive::open(&place, []).expect("opens").expect("is on");
        let now: Timestamp = "2026-01-31T03:00:00Z".parse().expect("a time");
        let path = archive
            .write(b"{}\n{}\n", now, 7)
            .await
            .expect("is written");
        assert_eq!(
            path.as_ref(),
            "deliveries/2026/01/31/030000.000-0000000000000007.ndjson.zst"
        );
        let file = std::fs::read(folder.path().join("new").join(path.as_ref())).expect("is there");
        let mut lines = Vec::new();
        let mut decoder = ZstdDecoder::new(&file[..]);
        decoder.read_to_end(&mut lines).await.expect("is whole");
        assert_eq!(lines, b"{}\n{}\n");
    }
}
