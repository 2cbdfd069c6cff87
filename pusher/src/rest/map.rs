//! The map page: files that were built into the program, or those of a folder.

use std::path::{Component, Path, PathBuf};

use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Json, Response};
use rust_embed::RustEmbed;
use serde_json::json;

use super::predecessor::{self, Renamed};
use super::problem::Problem;
use crate::app::App;

#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Built;

const INDEX: &str = "index.html";
/// Files under it carry a hash of their content in their name.
const HASHED: &str = "assets/";

const NOT_BUILT: &str = "<!doctype html><meta charset=utf-8><title>Updraft</title><h1>The map page is not built</h1>
<p>REST and WebSocket are here all the same. To build the page: <pre>cd pusher/web && npm ci && npm run build</pre>
<p>and start again, or point <code>--web-dir</code> at a folder that has it.";

/// Where the map begins, and with which base map.
pub(super) async fn config(State(app): State<App>) -> Response {
    let start = app.options.map_start;
    Json(json!({
        "center": [start.longitude_deg, start.latitude_deg],
        "zoom": start.zoom,
        "style": app.options.map_style,
    }))
    .into_response()
}

/// A file of the page; the page itself for `/`.
pub(super) async fn file(State(app): State<App>, method: Method, uri: Uri) -> Response {
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
    match read(app.options.web_dir.as_deref(), path).await {
        Some(bytes) => found(path, bytes),
        None if path == INDEX => (StatusCode::NOT_FOUND, Html(NOT_BUILT)).into_response(),
        None => Problem::not_found("no_file", "the map page has no such file".to_owned()).into_response(),
    }
}

async fn read(folder: Option<&Path>, path: &str) -> Option<Vec<u8>> {
    let Some(folder) = folder else { return Built::get(path).map(|file| file.data.into_owned()) };
    // Nothing above the folder can be named.
    let inside = PathBuf::from(path);
    if !inside.components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    tokio::fs::read(folder.join(inside)).await.ok()
}

fn found(path: &str, bytes: Vec<u8>) -> Response {
    let age = if path.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(age));
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
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_outside_of_the_folder_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        assert!(read(Some(&folder), "lib.rs").await.is_some());
        for path in ["../Cargo.toml", "/etc/passwd", "rest/../../Cargo.toml", "."] {
            assert!(read(Some(&folder), path).await.is_none(), "{path}");
        }
    }
}
