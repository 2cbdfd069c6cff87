//! Requests with the headers of browsers, curl and Python's libraries, and the responses as they arrive.

use std::io::Read as _;

use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, Version};

use crate::encodings::targets::Target;
use crate::stage::Stage;

/// Headers of a request.
pub(crate) type Headers = &'static [(&'static str, &'static str)];

/// The names of clients, and their headers for content negotiation.
pub(crate) const CLIENTS: &[(&str, Headers)] = &[
    ("no headers", &[]),
    ("curl --compressed", &[("accept", "*/*"), ("accept-encoding", "deflate, gzip, br, zstd")]),
    ("requests", &[("accept", "*/*"), ("accept-encoding", "gzip, deflate"), ("connection", "keep-alive")]),
    ("httpx", &[("accept", "*/*"), ("accept-encoding", "gzip, deflate, br, zstd")]),
    (
        "a page in Chromium",
        &[
            ("accept", "*/*"),
            ("accept-encoding", "gzip, deflate, br, zstd"),
            ("accept-language", "de-CH,de;q=0.9,en;q=0.8"),
            ("sec-fetch-dest", "empty"),
            ("sec-fetch-mode", "cors"),
            ("sec-fetch-site", "same-origin"),
        ],
    ),
    (
        "a download in Firefox",
        &[
            ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            ("accept-encoding", "gzip, deflate, br, zstd"),
            ("accept-language", "en-US,en;q=0.5"),
            ("upgrade-insecure-requests", "1"),
            ("sec-fetch-mode", "navigate"),
            ("priority", "u=0, i"),
        ],
    ),
    ("Safari", &[("accept", "*/*"), ("accept-encoding", "gzip, deflate, br"), ("accept-language", "de-de")]),
    ("gzip only", &[("accept-encoding", "gzip")]),
    ("brotli only", &[("accept-encoding", "br")]),
    ("deflate only", &[("accept-encoding", "deflate")]),
    ("zstd only", &[("accept-encoding", "zstd")]),
    ("no encoding", &[("accept-encoding", "identity")]),
    ("preferences", &[("accept-encoding", "br;q=0.2, gzip;q=0.8, identity;q=0.1")]),
    ("all but gzip", &[("accept-encoding", "gzip;q=0, identity")]),
    ("an unknown encoding", &[("accept-encoding", "x-new")]),
];

/// The encodings that a client accepts besides `identity`.
pub(crate) fn accepted(client: Headers) -> Vec<&'static str> {
    let value = client.iter().find(|(name, _)| *name == "accept-encoding").map_or("", |(_, value)| value);
    let items = value.split(',').map(str::trim).filter(|item| !item.ends_with(";q=0"));
    let names = items.map(|item| item.split(';').next().unwrap_or_default());
    names.filter(|name| ["gzip", "br", "deflate", "zstd"].contains(name)).collect()
}

/// A response with its body.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// With its encoding.
    pub(crate) body: Vec<u8>,
}

impl Received {
    /// A header; empty where it is missing.
    pub(crate) fn header(&self, name: HeaderName) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("text")).unwrap_or_default()
    }

    /// Whether a list header has a value.
    pub(crate) fn lists(&self, name: HeaderName, expected: &str) -> bool {
        let values = self.headers.get_all(name);
        let mut items = values.iter().flat_map(|value| value.to_str().expect("text").split(','));
        items.any(|item| item.trim().eq_ignore_ascii_case(expected))
    }

    /// Whether the server should compress the body: not a very short one, nor a file that is compressed in itself.
    pub(crate) fn is_compressible(&self) -> bool {
        let media_type = self.header(CONTENT_TYPE);
        self.body.len() > 32 && !media_type.contains("spreadsheet") && !media_type.contains("parquet")
    }

    /// The body without its encoding, decoded to its end by libraries that the server does not use.
    pub(crate) fn decoded(&self) -> Vec<u8> {
        let (mut out, body) = (Vec::new(), &self.body[..]);
        let read = match self.header(CONTENT_ENCODING) {
            "" => return self.body.clone(),
            "gzip" => flate2::read::MultiGzDecoder::new(body).read_to_end(&mut out),
            "deflate" => flate2::read::ZlibDecoder::new(body).read_to_end(&mut out),
            "br" => brotli_decompressor::Decompressor::new(body, 4_096).read_to_end(&mut out),
            "zstd" => zstd::Decoder::new(body).expect("a frame").read_to_end(&mut out),
            other => panic!("unknown encoding {other}"),
        };
        read.expect("a complete body");
        out
    }
}

/// Sends requests over one version of HTTP.
pub(crate) struct Requester {
    http: Client,
    base: String,
    pub(crate) version: Version,
}

/// Requesters for HTTP/1.1, and for HTTP/2 by prior knowledge.
pub(crate) fn requesters(stage: &Stage) -> [Requester; 2] {
    let base = format!("http://{}", stage.address);
    let http2 = Client::builder().http2_prior_knowledge().build().expect("a client");
    [
        Requester { http: Client::new(), base: base.clone(), version: Version::HTTP_11 },
        Requester { http: http2, base, version: Version::HTTP_2 },
    ]
}

impl Requester {
    /// Sends a request and waits for the headers of the response.
    pub(crate) async fn send(
        &self,
        target: &Target,
        method: Method,
        headers: &[(&'static str, &str)],
    ) -> reqwest::Result<Response> {
        let mut all = HeaderMap::new();
        // HTTP/2 has no `connection` header.
        for (name, value) in headers.iter().filter(|(name, _)| self.version < Version::HTTP_2 || *name != "connection")
        {
            all.insert(HeaderName::from_static(name), HeaderValue::from_str(value).expect("text"));
        }
        if let Some(accept) = &target.accept {
            all.insert(ACCEPT, HeaderValue::from_str(accept).expect("text"));
        }
        self.http.request(method, format!("{}{}", self.base, target.path)).headers(all).send().await
    }

    /// The same, with the complete body.
    pub(crate) async fn request(&self, target: &Target, method: Method, headers: &[(&'static str, &str)]) -> Received {
        let response = self.send(target, method, headers).await;
        let response = response.unwrap_or_else(|error| panic!("{target:?} {headers:?}: {error:?}"));
        assert_eq!(response.version(), self.version);
        let (status, head) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.unwrap_or_else(|error| panic!("{target:?} {headers:?}: {error:?}"));
        Received { status, headers: head, body: body.to_vec() }
    }
}
