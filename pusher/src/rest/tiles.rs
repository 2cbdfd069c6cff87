//! `GET /map/basemap.pmtiles`, `/map/terrain.pmtiles`: the operator's tile archives, which the map page reads by range.

use std::io::{Error, ErrorKind, SeekFrom};
use std::path::Path;
use std::time::UNIX_EPOCH;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::byte_range::ByteRange;
use super::problem::Problem;
use super::streamed::{Piece, streamed};

pub(super) const BASEMAP: &str = "/map/basemap.pmtiles";
pub(super) const TERRAIN: &str = "/map/terrain.pmtiles";
pub(super) const MEDIA_TYPE: &str = "application/vnd.pmtiles";
/// Bytes that are read and sent at once.
const CHUNK_BYTES: u64 = 64 * 1024;

/// The URL of a file, relative to the page. It has the version of the file, so that browsers can cache ranges. `None`:
/// no file is set, or it cannot be read.
pub(super) async fn url(file: Option<&Path>, path: &str) -> Option<String> {
    let (_, version, _) = open(file?).await.inspect_err(|error| warn(file, error)).ok()?;
    Some(format!(".{path}?v={version}"))
}

fn warn(file: Option<&Path>, error: &Error) {
    tracing::warn!(?file, %error, "cannot read a tile archive: the map works without it");
}

/// The file, its version and its length.
async fn open(file: &Path) -> Result<(File, String, u64), Error> {
    let file = File::open(file).await?;
    let metadata = file.metadata().await?;
    let changed = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok((file, format!("{:x}-{:x}", metadata.len(), changed.as_micros()), metadata.len()))
}

/// The requested range of a file.
pub(super) async fn respond(file: Option<&Path>, uri: &Uri, headers: &HeaderMap) -> Response {
    let Some(path) = file else {
        return Problem::not_found("no_file", "this server has no such tiles".to_owned()).into_response();
    };
    match open(path).await {
        Ok((file, version, total)) => range_response(file, &version, total, uri, headers).await,
        Err(error) => {
            warn(Some(path), &error);
            Problem::not_found("no_file", "the tile archive cannot be read: try again later".to_owned()).into_response()
        }
    }
}

async fn range_response(mut file: File, version: &str, total: u64, uri: &Uri, headers: &HeaderMap) -> Response {
    let etag = HeaderValue::try_from(format!("\"{version}\"")).expect("hex digits");
    let range = ByteRange::requested(headers, total, &etag);
    let (first, count) = range.span(total);
    if let Err(error) = file.seek(SeekFrom::Start(first)).await {
        warn(None, &error);
        return Problem::not_found("no_file", "the tile archive cannot be read: try again later".to_owned())
            .into_response();
    }
    let mut response = (range.status(), streamed((file, count), chunk)).into_response();
    let response_headers = response.headers_mut();
    range.write(total, response_headers);
    response_headers.insert(header::CONTENT_LENGTH, HeaderValue::from(count));
    response_headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response_headers.insert(header::ETAG, etag);
    let has_version = uri.query() == Some(&format!("v={version}"));
    let age = if has_version { "public, max-age=31536000, immutable" } else { "no-cache" };
    response_headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(age));
    response
}

/// The next bytes of a file, and the number of bytes after them.
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
        return Err(Error::new(ErrorKind::UnexpectedEof, "the file was truncated while it was read"));
    }
    bytes.truncate(read);
    Ok(bytes.into())
}
