//! The map page and the operators' page: files that are embedded in the program, or those of a directory.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Json, Response};
use rust_embed::RustEmbed;
use serde_json::json;

use super::byte_range::ByteRange;
use super::go_backend::{self, Renamed};
use super::problem::Problem;
use super::security::Unframed;
use super::tiles;
use super::unread::StaticBody;
use crate::app::App;

#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Embedded;

const INDEX: &str = "index.html";
/// The operators' page is at `/operate`, beside the map: both have the same relative addresses.
const OPERATE_PATH: &str = "operate";
const OPERATE: &str = "operate.html";
/// The names of files in this directory have a hash of their content.
const HASHED: &str = "assets/";

const TILES: &str = ".pmtiles";
/// The content codings of the build, the smallest first, and the suffixes of the compressed files.
const CODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

const NOT_BUILT: &str = "<!doctype html><meta charset=utf-8><title>Updraft</title><h1>The map page is not built</h1>
<p>REST and WebSocket work without it. To build the page: <pre>cd pusher/web && npm ci && npm run build</pre>
<p>and restart the server, or set <code>--web-dir</code> to a directory that has the page.";

/// The view with which the map opens, and the base maps.
pub(super) async fn config(State(app): State<App>) -> Response {
    let map = &app.options.map;
    let start = map.map_start.unwrap_or_default();
    let terrain = tiles::url(map.terrain.as_deref(), tiles::TERRAIN).await;
    Json(json!({
        "center": [start.longitude_deg, start.latitude_deg],
        "zoom": start.zoom,
        "style": map.map_style,
        "basemap": tiles::url(map.basemap.as_deref(), tiles::BASEMAP).await,
        "terrain": terrain.map(|url| json!({"url": url, "encoding": map.terrain_encoding.as_str()})),
    }))
    .into_response()
}

/// The operator's base map.
pub(super) async fn basemap(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Response {
    tiles::respond(app.options.map.basemap.as_deref(), &uri, &headers).await
}

/// The operator's terrain.
pub(super) async fn terrain(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Response {
    tiles::respond(app.options.map.terrain.as_deref(), &uri, &headers).await
}

/// A file of the page; the page itself for `/`.
pub(super) async fn file(State(app): State<App>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if let Some(Renamed { new, about, .. }) = go_backend::path(uri.path()) {
        return Problem::not_found("moved", format!("this path of the Go backend is now {new} {about}"))
            .into_response();
    }
    if path.starts_with("api/") || path.starts_with("ws/") {
        let path: String = uri.path().chars().take(128).collect();
        return Problem::not_found("no_endpoint", format!("there is no endpoint {path}: see /api/docs"))
            .into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        return Problem::method_not_allowed(uri.path()).into_response();
    }
    let path = match path {
        "" => INDEX,
        OPERATE_PATH => OPERATE,
        path => path,
    };
    let directory = app.options.map.web_dir.as_deref();
    if let Some((coding, bytes)) = compressed(directory, path, &headers).await {
        let mut response = file_response(path, bytes, &headers);
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        return mark_static(directory, response);
    }
    match read(directory, path).await {
        Some(bytes) => mark_static(directory, file_response(path, bytes, &headers)),
        None if path == INDEX || path == OPERATE => (StatusCode::NOT_FOUND, Html(NOT_BUILT)).into_response(),
        None => Problem::not_found("no_file", "the map page has no such file".to_owned()).into_response(),
    }
}

/// An embedded file takes no memory for the client that waits for it.
fn mark_static(directory: Option<&Path>, mut response: Response) -> Response {
    if directory.is_none() {
        response.extensions_mut().insert(StaticBody);
    }
    response
}

async fn read(directory: Option<&Path>, path: &str) -> Option<Bytes> {
    let Some(directory) = directory else { return Embedded::get(path).map(|file| without_copy(file.data)) };
    // Refuses paths that lead out of the directory.
    let inside = PathBuf::from(path);
    if !inside.components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    tokio::fs::read(directory.join(inside)).await.ok().map(Bytes::from)
}

/// A file that the build compressed with a coding that the client accepts.
async fn compressed(directory: Option<&Path>, path: &str, headers: &HeaderMap) -> Option<(&'static str, Bytes)> {
    let accepted = headers.get(header::ACCEPT_ENCODING)?.to_str().ok()?;
    for (coding, suffix) in CODINGS {
        if accepts(accepted, coding)
            && let Some(bytes) = read(directory, &format!("{path}{suffix}")).await
        {
            return Some((coding, bytes));
        }
    }
    None
}

/// Whether an `Accept-Encoding` names a coding and does not exclude it.
fn accepts(header: &str, coding: &str) -> bool {
    header.split(',').any(|item| {
        let (name, quality) = item.split_once(';').unwrap_or((item, ""));
        let excluded = quality.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case(coding) && !excluded
    })
}

/// The content of a file; an embedded one is not copied.
fn without_copy(data: Cow<'static, [u8]>) -> Bytes {
    match data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    }
}

fn file_response(path: &str, bytes: Bytes, request: &HeaderMap) -> Response {
    let age = if path.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = if path.ends_with(TILES) { range_response(bytes, request) } else { bytes.into_response() };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(age));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if path == OPERATE {
        response.extensions_mut().insert(Unframed);
    }
    response
}

/// The requested range of a tile archive. The name of the file changes with its content, so that its ETag never does.
fn range_response(bytes: Bytes, request: &HeaderMap) -> Response {
    let total = bytes.len() as u64;
    let range = ByteRange::requested(request, total, &HeaderValue::from_static("\"1\""));
    let (first, count) = range.span(total);
    let slice = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    let bytes = bytes.slice(slice(first)..slice(first + count));
    let mut response = (range.status(), bytes).into_response();
    range.write(total, response.headers_mut());
    response.headers_mut().insert(header::ETAG, HeaderValue::from_static("\"1\""));
    response
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "geojson" | "map" | "topojson" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webmanifest" => "application/manifest+json",
        "woff2" => "font/woff2",
        "pbf" => "application/x-protobuf",
        "pmtiles" => tiles::MEDIA_TYPE,
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_is_used_only_where_it_is_accepted() {
        for (header, coding, accepted) in [
            ("gzip, deflate, br", "br", true),
            ("gzip;q=0.5,BR;q=1.0", "br", true),
            ("gzip, br;q=0", "br", false),
            ("gzip, br; q=0.000", "br", false),
            ("brotli", "br", false),
            ("", "gzip", false),
        ] {
            assert_eq!(accepts(header, coding), accepted, "{header}");
        }
    }

    #[tokio::test]
    async fn no_file_outside_of_the_directory_is_served() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        assert!(read(Some(&directory), "lib.rs").await.is_some());
        for path in ["../Cargo.toml", "/etc/passwd", "rest/../../Cargo.toml", "."] {
            assert!(read(Some(&directory), path).await.is_none(), "{path}");
        }
    }
}
