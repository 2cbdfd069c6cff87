//! The map page over HTTP: files as the build made them, tile archives by range, and what browsers are told.

#[path = "live/stage.rs"]
mod stage;

use std::fs;
use std::path::Path;

use serde_json::Value;
use stage::Stage;

const ARCHIVE_BYTES: usize = 200_000;

/// A PMTiles header with tiles of a type, and bytes behind it that tell their place.
fn archive(tile_type: u8) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..ARCHIVE_BYTES).map(|at| (at % 251) as u8).collect();
    bytes[..8].copy_from_slice(b"PMTiles\x03");
    bytes[99] = tile_type;
    bytes
}

fn path(file: &Path) -> &str {
    file.to_str().expect("UTF-8")
}

fn header<'a>(answer: &'a reqwest::Response, name: &str) -> &'a str {
    answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn tile_archives_are_read_by_range() {
    let folder = tempfile::tempdir().unwrap();
    let (basemap, terrain) = (folder.path().join("base.pmtiles"), folder.path().join("dem.pmtiles"));
    fs::write(&basemap, archive(1)).unwrap();
    fs::write(&terrain, archive(2)).unwrap();
    let settings = ["--basemap", path(&basemap), "--terrain", path(&terrain), "--terrain-encoding", "mapbox"];
    let stage = Stage::open_with(&settings).await;
    let config: Value = stage.get("/config.json").await.json().await.unwrap();
    assert_eq!(config["terrain"]["encoding"], "mapbox");
    let url = config["basemap"].as_str().unwrap().trim_start_matches('.').to_owned();
    assert!(url.starts_with("/map/basemap.pmtiles?v="), "{url}");

    // As the page's reader asks, with a browser's headers.
    let answer = stage.get_with(&url, "range", "bytes=100000-149999").await;
    assert_eq!((answer.status().as_u16(), header(&answer, "content-range")), (206, "bytes 100000-149999/200000"));
    assert_eq!(header(&answer, "content-encoding"), "");
    assert!(header(&answer, "cache-control").contains("immutable"), "{:?}", answer.headers());
    let etag = header(&answer, "etag").to_owned();
    assert_eq!(answer.bytes().await.unwrap(), archive(1)[100_000..150_000]);
    let full = stage.get_with("/map/terrain.pmtiles", "accept-encoding", "gzip, br").await;
    assert_eq!((full.status().as_u16(), header(&full, "cache-control")), (200, "no-cache"));
    assert_eq!(full.bytes().await.unwrap(), archive(2));
    assert_eq!(stage.get_with(&url, "range", "bytes=200000-").await.status(), 416);

    // A new file is another version: a reader sees that by its ETag, and a page by its address.
    fs::write(&basemap, &archive(1)[..150_000]).unwrap();
    let answer = stage.get_with(&url, "range", "bytes=0-9").await;
    assert_ne!(header(&answer, "etag"), etag);
    assert_eq!(header(&answer, "cache-control"), "no-cache");
    fs::remove_file(&basemap).unwrap();
    assert_eq!(stage.get(&url).await.status(), 404);
    let config: Value = stage.get("/config.json").await.json().await.unwrap();
    assert_eq!(config["basemap"], Value::Null);
    stage.close().await;
}

#[tokio::test]
async fn what_the_build_compressed_is_sent_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    fs::create_dir(folder.path().join("assets")).unwrap();
    write("index.html", "<!doctype html>");
    write("assets/page-1.js", "plain");
    write("assets/page-1.js.br", "brotli");
    write("assets/page-1.js.gz", "gzip");
    write("assets/world-1.pmtiles", "0123456789");
    let stage = Stage::open_with(&["--web-dir", path(folder.path())]).await;
    for (accepted, coding, body) in
        [("gzip, deflate, br", "br", "brotli"), ("gzip", "gzip", "gzip"), ("identity", "", "plain")]
    {
        let answer = stage.get_with("/assets/page-1.js", "accept-encoding", accepted).await;
        assert_eq!((header(&answer, "content-encoding"), header(&answer, "vary")), (coding, "accept-encoding"));
        assert_eq!(header(&answer, "content-type"), "text/javascript; charset=utf-8");
        assert_eq!(answer.bytes().await.unwrap(), body);
    }
    let part = stage.get_with("/assets/world-1.pmtiles", "range", "bytes=2-4").await;
    assert_eq!((part.status().as_u16(), header(&part, "content-range")), (206, "bytes 2-4/10"));
    assert_eq!(part.bytes().await.unwrap(), "234");
    stage.close().await;
}

#[tokio::test]
async fn browsers_are_told_what_the_page_may_do() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("index.html"), "<!doctype html>").unwrap();
    let stage =
        Stage::open_with(&["--web-dir", path(folder.path()), "--map-style", "https://tiles.example/s.json"]).await;
    for page in ["/", "/api/docs"] {
        let answer = stage.get(page).await;
        let policy = header(&answer, "content-security-policy");
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe-eval"), "{page}: {policy}");
        assert!(page != "/" || policy.contains("connect-src 'self' https://tiles.example;"), "{policy}");
    }
    for any in ["/", "/config.json", "/api/v1/pilots", "/nowhere"] {
        let answer = stage.get(any).await;
        let told = (header(&answer, "x-content-type-options"), header(&answer, "referrer-policy"));
        assert_eq!(told, ("nosniff", "same-origin"), "{any}");
    }
    stage.close().await;
}
