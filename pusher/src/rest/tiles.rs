//! `GET /map/basemap.pmtiles`, `/map/terrain.pmtiles`: the operator's tile archives, of which the map page reads ranges.

use std::io::{Error, ErrorKind, SeekFrom};
use std::path::Path;
use std::time::UNIX_EPOCH;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::problem::Problem;
use super::range::Part;
use super::streamed::{Piece, streamed};

pub(super) const BASEMAP: &str = "/map/basemap.pmtiles";
pub(super) const TERRAIN: &str = "/map/terrain.pmtiles";
pub(super) const MEDIA_TYPE: &str = "application/vnd.pmtiles";
/// Read and sent at once, bytes.
const CHUNK_BYTES: u64 = 64 * 1024;

/// Where the page finds a file, relative to itself; the version in the address lets browsers keep what they have read.
/// `None`: there is no such file, or it cannot be read now.
pub(super) async fn url(file: Option<&Path>, path: &str) -> Option<String> {
    let (_, version, _) = open(file?).await.inspect_err(|error| warn(file, error)).ok()?;
    Some(format!(".{path}?v={version}"))
}

fn warn(file: Option<&Path>, error: &Error) {
    tracing::warn!(?file, %error, "a tile archive cannot be read; the map goes on without it");
}

/// The file, its version and its length.
async fn open(file: &Path) -> Result<(File, String, u64), Error> {
    let file = File::open(file).await?;
    let metadata = file.metadata().await?;
    let changed = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok((file, format!("{:x}-{:x}", metadata.len(), changed.as_micros()), metadata.len()))
}

/// The part of a file that a request asks for.
pub(super) async fn answer(file: Option<&Path>, uri: &Uri, headers: &HeaderMap) -> Response {
    let Some(path) = file else {
        return Problem::not_found("no_file", "this installation has no such tiles".to_owned()).into_response();
    };
    match open(path).await {
        Ok((file, version, total)) => part_of(file, &version, total, uri, headers).await,
        Err(error) => {
            warn(Some(path), &error);
            Problem::not_found("no_file", "the tile archive cannot be read now".to_owned()).into_response()
        }
    }
}

async fn part_of(mut file: File, version: &str, total: u64, uri: &Uri, headers: &HeaderMap) -> Response {
    let etag = HeaderValue::try_from(format!("\"{version}\"")).expect("hex digits");
    let part = Part::asked(headers, total, &etag);
    let (first, count) = part.span(total);
    if let Err(error) = file.seek(SeekFrom::Start(first)).await {
        warn(None, &error);
        return Problem::not_found("no_file", "the tile archive cannot be read now".to_owned()).into_response();
    }
    let mut response = (part.status(), streamed((file, count), chunk)).into_response();
    let answer = response.headers_mut();
    part.write(total, answer);
    answer.insert(header::CONTENT_LENGTH, HeaderValue::from(count));
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    answer.insert(header::ETAG, etag);
    let named = uri.query() == Some(&format!("v={version}"));
    let age = if named { "public, max-age=31536000, immutable" } else { "no-cache" };
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(age));
    response
}

/// The next bytes of a file, and what is left of it.
async fn chunk((mut file, left): (File, u64)) -> Option<Piece<(File, u64), Error>> {
    if left == 0 {
        return None;
    }
    Some(match read(&mut file, left).await {
        Ok(bytes) => {
            let left = left - bytes.len() as u64;
            (Ok(bytes), (left > 0).then_some((file, left)))
        }
        Err(error) => (Err(error), None),
    })
}

/// Some of the next `left` bytes.
async fn read(file: &mut File, left: u64) -> Result<Bytes, Error> {
    let mut bytes = vec![0; usize::try_from(left.min(CHUNK_BYTES)).unwrap_or_default()];
    let read = file.read(&mut bytes).await?;
    if read == 0 {
        return Err(Error::new(ErrorKind::UnexpectedEof, "the file has become shorter"));
    }
    bytes.truncate(read);
    Ok(bytes.into())
}
