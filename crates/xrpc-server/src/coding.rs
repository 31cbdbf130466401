//! Content codings: gzip, Brotli and Zstandard, on the way in and on the way out.

use std::io;

use async_compression::Level;
use async_compression::tokio::bufread::{
    BrotliDecoder, BrotliEncoder, GzipDecoder, GzipEncoder, ZstdDecoder, ZstdEncoder,
};
use async_compression::zstd::DParameter;
use bytes::Bytes;
use futures_util::StreamExt;
use http::HeaderValue;
use loggia_xrpc::Chunks;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::io::{ReaderStream, StreamReader};

use crate::media;

/// A way to write bytes shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Zstd,
    Brotli,
    Gzip,
}

/// What a client is told to send.
pub(crate) const ACCEPTED: &str = "gzip, br, zstd";

/// Zstandard windows of up to 8 MiB, which RFC 8878 asks every decoder to take; more would let a few
/// bytes of input claim 128 MiB.
const ZSTD_WINDOW_LOG: u32 = 23;

/// Bytes decoded at a time.
const CHUNK: usize = 16 << 10;

impl Coding {
    /// The coding of a `Content-Encoding`; one that is not known is an error, none is `None`.
    pub fn of_content(header: &str) -> Result<Option<Self>, ()> {
        match header.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(None),
            "gzip" | "x-gzip" => Ok(Some(Self::Gzip)),
            "br" => Ok(Some(Self::Brotli)),
            "zstd" => Ok(Some(Self::Zstd)),
            _ => Err(()),
        }
    }

    /// The best coding that an `Accept-Encoding` takes: the highest weight, then the cheapest.
    pub fn of_accept(header: &str) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for element in header.split(',') {
            let coding = match media::essence(element) {
                "zstd" => Self::Zstd,
                "br" => Self::Brotli,
                "gzip" | "*" => Self::Gzip,
                _ => continue,
            };
            let weight = media::quality(element);
            let better = best.is_none_or(|(most, other)| {
                weight > most || (weight == most && (coding as u8) < other as u8)
            });
            if weight > 0.0 && better {
                best = Some((weight, coding));
            }
        }
        best.map(|(_, coding)| coding)
    }

    /// The name on the wire.
    pub fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        })
    }

    /// Decodes a stream as it comes.
    pub fn decode(self, chunks: Chunks) -> Chunks {
        let reader = StreamReader::new(chunks);
        match self {
            Self::Zstd => {
                let window = [DParameter::window_log_max(ZSTD_WINDOW_LOG)];
                read(ZstdDecoder::with_params(reader, &window))
            }
            Self::Brotli => read(BrotliDecoder::new(reader)),
            Self::Gzip => read(GzipDecoder::new(reader)),
        }
    }

    /// Encodes a whole body, fast rather than small.
    pub async fn encode(self, body: &Bytes) -> io::Result<Vec<u8>> {
        let mut coded = Vec::with_capacity(body.len() / 3);
        let body: &[u8] = body;
        match self {
            Self::Zstd => {
                ZstdEncoder::with_quality(body, Level::Fastest)
                    .read_to_end(&mut coded)
                    .await?
            }
            Self::Brotli => {
                BrotliEncoder::with_quality(body, Level::Precise(3))
                    .read_to_end(&mut coded)
                    .await?
            }
            Self::Gzip => {
                GzipEncoder::with_quality(body, Level::Precise(4))
                    .read_to_end(&mut coded)
                    .await?
            }
        };
        Ok(coded)
    }
}

fn read(reader: impl AsyncRead + Send + 'static) -> Chunks {
    ReaderStream::with_capacity(reader, CHUNK).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_accepted_coding() {
        assert_eq!(Coding::of_accept("gzip, br"), Some(Coding::Brotli));
        assert_eq!(
            Coding::of_accept("gzip, deflate, br, zstd"),
            Some(Coding::Zstd)
        );
        assert_eq!(
            Coding::of_accept("gzip;q=1.0, zstd;q=0.5"),
            Some(Coding::Gzip)
        );
        assert_eq!(Coding::of_accept("gzip;q=0"), None);
        assert_eq!(Coding::of_accept("identity"), None);
        assert_eq!(Coding::of_accept("*"), Some(Coding::Gzip));
        assert_eq!(Coding::of_accept(""), None);
    }

    #[test]
    fn a_content_coding_is_known_or_refused() {
        assert_eq!(Coding::of_content("GZIP"), Ok(Some(Coding::Gzip)));
        assert_eq!(Coding::of_content("identity"), Ok(None));
        assert_eq!(Coding::of_content("gzip, gzip"), Err(()));
        assert_eq!(Coding::of_content("deflate"), Err(()));
    }
}
