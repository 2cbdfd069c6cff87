//! The map page: files that were built into the program, or those of a folder.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Json, Response};
use rust_embed::RustEmbed;
use serde_json::json;

use super::held::Shared;
use super::predecessor::{self, Renamed};
use super::problem::Problem;
use super::range::Part;
use super::tiles;
use crate::app::App;

#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Built;

const INDEX: &str = "index.html";
/// Files under it carry a hash of their content in their name.
const HASHED: &str = "assets/";

const TILES: &str = ".pmtiles";
/// What the build compresses files with, the smallest first, and what it adds to their names.
const CODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

const NOT_BUILT: &str = "<!doctype html><meta charset=utf-8><title>Updraft</title><h1>The map page is not built</h1>
<p>REST and WebSocket are here all the same. To build the page: <pre>cd pusher/web && npm ci && npm run build</pre>
<p>and start again, or point <code>--web-dir</code> at a folder that has it.";

/// Where the map begins, and which base maps there are.
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
    tiles::answer(app.options.map.basemap.as_deref(), &uri, &headers).await
}

/// The operator's terrain.
pub(super) async fn terrain(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Response {
    tiles::answer(app.options.map.terrain.as_deref(), &uri, &headers).await
}

/// A file of the page; the page itself for `/`.
pub(super) async fn file(State(app): State<App>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if let Some(Renamed { new, about, .. }) = predecessor::path(uri.path()) {
        return Problem::not_found("moved", format!("the Go backend's path is now {new} {about}")).into_response();
    }
    if path.starts_with("api/") || path.starts_with("ws/") {
        let path: String = uri.path().chars().take(128).collect();
        return Problem::not_found("no_endpoint", format!("there is no {path}; see /api/docs")).into_response();
    }
    if method != Method::GET && method != Method::HEAD {
        return Problem::method_not_allowed(uri.path()).into_response();
    }
    let path = if path.is_empty() { INDEX } else { path };
    let folder = app.options.map.web_dir.as_deref();
    if let Some((coding, bytes)) = compressed(folder, path, &headers).await {
        let mut response = found(path, bytes, &headers);
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        return shared(folder, response);
    }
    match read(folder, path).await {
        Some(bytes) => shared(folder, found(path, bytes, &headers)),
        None if path == INDEX => (StatusCode::NOT_FOUND, Html(NOT_BUILT)).into_response(),
        None => Problem::not_found("no_file", "the map page has no such file".to_owned()).into_response(),
    }
}

/// A file of the program itself is no memory of the client that waits for it.
fn shared(folder: Option<&Path>, mut response: Response) -> Response {
    if folder.is_none() {
        response.extensions_mut().insert(Shared);
    }
    response
}

async fn read(folder: Option<&Path>, path: &str) -> Option<Bytes> {
    let Some(folder) = folder else { return Built::get(path).map(|file| built(file.data)) };
    // Nothing above the folder can be named.
    let inside = PathBuf::from(path);
    if !inside.components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    tokio::fs::read(folder.join(inside)).await.ok().map(Bytes::from)
}

/// A file as the build compressed it, where the client takes that.
async fn compressed(folder: Option<&Path>, path: &str, headers: &HeaderMap) -> Option<(&'static str, Bytes)> {
    let accepted = headers.get(header::ACCEPT_ENCODING)?.to_str().ok()?;
    for (coding, suffix) in CODINGS {
        if accepts(accepted, coding)
            && let Some(bytes) = read(folder, &format!("{path}{suffix}")).await
        {
            return Some((coding, bytes));
        }
    }
    None
}

/// Whether an `Accept-Encoding` names a coding and does not exclude it.
fn accepts(header: &str, coding: &str) -> bool {
    header.split(',').any(|one| {
        let (name, quality) = one.split_once(';').unwrap_or((one, ""));
        let excluded = quality.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case(coding) && !excluded
    })
}

/// A file of the program itself is not copied.
fn built(data: Cow<'static, [u8]>) -> Bytes {
    match data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    }
}

fn found(path: &str, bytes: Bytes, asked: &HeaderMap) -> Response {
    let age = if path.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = if path.ends_with(TILES) { part_of(bytes, asked) } else { bytes.into_response() };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(age));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

/// The part of a tile archive that was asked for. Its name changes with its content, so that the name is its version.
fn part_of(bytes: Bytes, asked: &HeaderMap) -> Response {
    let total = bytes.len() as u64;
    let part = Part::asked(asked, total, &HeaderValue::from_static("\"1\""));
    let (first, count) = part.span(total);
    let slice = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    let bytes = bytes.slice(slice(first)..slice(first + count));
    let mut response = (part.status(), bytes).into_response();
    part.write(total, response.headers_mut());
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
    async fn nothing_outside_of_the_folder_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        assert!(read(Some(&folder), "lib.rs").await.is_some());
        for path in ["../Cargo.toml", "/etc/passwd", "rest/../../Cargo.toml", "."] {
            assert!(read(Some(&folder), path).await.is_none(), "{path}");
        }
    }
}
