//! The map page over HTTP: files of the build, tile archives by range, and security headers.

use std::fs;
use std::path::Path;

use crate::stage::Stage;
use serde_json::Value;

const ARCHIVE_BYTES: usize = 200_000;

/// A PMTiles header for tiles of a type, and bytes after it that differ by their offset.
fn archive(tile_type: u8) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..ARCHIVE_BYTES).map(|at| (at % 251) as u8).collect();
    bytes[..8].copy_from_slice(b"PMTiles\x03");
    bytes[99] = tile_type;
    bytes
}

fn path(file: &Path) -> &str {
    file.to_str().expect("UTF-8")
}

fn header<'a>(response: &'a reqwest::Response, name: &str) -> &'a str {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn tile_archives_are_read_by_range() {
    let dir = tempfile::tempdir().unwrap();
    let (basemap, terrain) = (dir.path().join("base.pmtiles"), dir.path().join("dem.pmtiles"));
    fs::write(&basemap, archive(1)).unwrap();
    fs::write(&terrain, archive(2)).unwrap();
    let settings = ["--basemap", path(&basemap), "--terrain", path(&terrain), "--terrain-encoding", "mapbox"];
    let stage = Stage::open_with(&settings).await;
    let config: Value = stage.get("/config.json").await.json().await.unwrap();
    assert_eq!(config["terrain"]["encoding"], "mapbox");
    let url = config["basemap"].as_str().unwrap().trim_start_matches('.').to_owned();
    assert!(url.starts_with("/map/basemap.pmtiles?v="), "{url}");

    // As the reader of the map page.
    let response = stage.get_with(&url, "range", "bytes=100000-149999").await;
    assert_eq!((response.status().as_u16(), header(&response, "content-range")), (206, "bytes 100000-149999/200000"));
    assert_eq!(header(&response, "content-encoding"), "");
    assert!(header(&response, "cache-control").contains("immutable"), "{:?}", response.headers());
    let etag = header(&response, "etag").to_owned();
    assert_eq!(response.bytes().await.unwrap(), archive(1)[100_000..150_000]);
    let full = stage.get_with("/map/terrain.pmtiles", "accept-encoding", "gzip, br").await;
    assert_eq!((full.status().as_u16(), header(&full, "cache-control")), (200, "no-cache"));
    assert_eq!(full.bytes().await.unwrap(), archive(2));
    assert_eq!(stage.get_with(&url, "range", "bytes=200000-").await.status(), 416);

    // A new file is another version: a reader detects it by the ETag, and a page by the URL.
    fs::write(&basemap, &archive(1)[..150_000]).unwrap();
    let response = stage.get_with(&url, "range", "bytes=0-9").await;
    assert_ne!(header(&response, "etag"), etag);
    assert_eq!(header(&response, "cache-control"), "no-cache");
    fs::remove_file(&basemap).unwrap();
    assert_eq!(stage.get(&url).await.status(), 404);
    let config: Value = stage.get("/config.json").await.json().await.unwrap();
    assert_eq!(config["basemap"], Value::Null);
    stage.close().await;
}

#[tokio::test]
async fn files_are_sent_as_the_build_compressed_them() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    fs::create_dir(dir.path().join("assets")).unwrap();
    write("index.html", "<!doctype html>");
    write("assets/page-1.js", "plain");
    write("assets/page-1.js.br", "brotli");
    write("assets/page-1.js.gz", "gzip");
    write("assets/world-1.pmtiles", "0123456789");
    let stage = Stage::open_with(&["--web-dir", path(dir.path())]).await;
    for (accepted, coding, body) in
        [("gzip, deflate, br", "br", "brotli"), ("gzip", "gzip", "gzip"), ("identity", "", "plain")]
    {
        let response = stage.get_with("/assets/page-1.js", "accept-encoding", accepted).await;
        assert_eq!((header(&response, "content-encoding"), header(&response, "vary")), (coding, "accept-encoding"));
        assert_eq!(header(&response, "content-type"), "text/javascript; charset=utf-8");
        assert_eq!(response.bytes().await.unwrap(), body);
    }
    let part = stage.get_with("/assets/world-1.pmtiles", "range", "bytes=2-4").await;
    assert_eq!((part.status().as_u16(), header(&part, "content-range")), (206, "bytes 2-4/10"));
    assert_eq!(part.bytes().await.unwrap(), "234");
    stage.close().await;
}

#[tokio::test]
async fn the_operators_page_is_beside_the_map() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write("index.html", "map");
    let stage = Stage::open_with(&["--web-dir", path(dir.path())]).await;
    let missing = stage.get("/operate").await;
    assert_eq!(missing.status(), 404);
    assert!(missing.text().await.unwrap().contains("not built"));
    write("operate.html", "operate");
    write("operate.html.br", "compressed");
    for (accepted, body) in [("br", "compressed"), ("identity", "operate")] {
        let page = stage.get_with("/operate", "accept-encoding", accepted).await;
        assert_eq!((page.status().as_u16(), header(&page, "content-type")), (200, "text/html; charset=utf-8"));
        let policy = header(&page, "content-security-policy").to_owned();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(policy.ends_with("; frame-ancestors 'none'"), "a click on it changes something: {policy}");
        assert_eq!(page.text().await.unwrap(), body);
    }
    let map = stage.get("/").await;
    assert!(!header(&map, "content-security-policy").contains("frame-ancestors"), "any page may frame the map");
    stage.close().await;
}

#[tokio::test]
async fn every_response_has_security_headers() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("index.html"), "<!doctype html>").unwrap();
    let stage = Stage::open_with(&["--web-dir", path(dir.path()), "--map-style", "https://tiles.example/s.json"]).await;
    for page in ["/", "/api/docs"] {
        let response = stage.get(page).await;
        let policy = header(&response, "content-security-policy");
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe-eval"), "{page}: {policy}");
        assert!(page != "/" || policy.contains("connect-src 'self' https://tiles.example;"), "{policy}");
    }
    for any in ["/", "/config.json", "/api/v1/pilots", "/nowhere"] {
        let response = stage.get(any).await;
        let found = (header(&response, "x-content-type-options"), header(&response, "referrer-policy"));
        assert_eq!(found, ("nosniff", "same-origin"), "{any}");
    }
    stage.close().await;
}
