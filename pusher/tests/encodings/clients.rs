//! Who asks: the headers of browsers, curl and Python's libraries, and the answers as they come over the wire.

use std::io::Read as _;

use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, Version};

use crate::stage::Stage;
use crate::targets::Target;

/// Headers of a request.
pub(crate) type Headers = &'static [(&'static str, &'static str)];

/// A name, and the headers about what is accepted, as these clients send them.
pub(crate) const CLIENTS: &[(&str, Headers)] = &[
    ("a bare client", &[]),
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
    ("gzip alone", &[("accept-encoding", "gzip")]),
    ("brotli alone", &[("accept-encoding", "br")]),
    ("deflate alone", &[("accept-encoding", "deflate")]),
    ("zstd alone", &[("accept-encoding", "zstd")]),
    ("no encoding", &[("accept-encoding", "identity")]),
    ("preferences", &[("accept-encoding", "br;q=0.2, gzip;q=0.8, identity;q=0.1")]),
    ("all but gzip", &[("accept-encoding", "gzip;q=0, identity")]),
    ("an encoding of the future", &[("accept-encoding", "x-new")]),
];

/// The encodings that a client takes besides none.
pub(crate) fn accepted(client: Headers) -> Vec<&'static str> {
    let value = client.iter().find(|(name, _)| *name == "accept-encoding").map_or("", |(_, value)| value);
    let items = value.split(',').map(str::trim).filter(|item| !item.ends_with(";q=0"));
    let names = items.map(|item| item.split(';').next().unwrap_or_default());
    names.filter(|name| ["gzip", "br", "deflate", "zstd"].contains(name)).collect()
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// As it came over the wire.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header; empty where there is none.
    pub(crate) fn header(&self, name: HeaderName) -> &str {
        self.headers.get(name).map(|value| value.to_str().expect("text")).unwrap_or_default()
    }

    /// All values of a header that is a list.
    pub(crate) fn lists(&self, name: HeaderName, wanted: &str) -> bool {
        let values = self.headers.get_all(name);
        let mut words = values.iter().flat_map(|value| value.to_str().expect("text").split(','));
        words.any(|word| word.trim().eq_ignore_ascii_case(wanted))
    }

    /// Whether it is worth compressing: not the shortest, nor files that are compressed in themselves.
    pub(crate) fn is_compressible(&self) -> bool {
        let kind = self.header(CONTENT_TYPE);
        self.body.len() > 32 && !kind.contains("spreadsheet") && !kind.contains("parquet")
    }

    /// The body without its encoding, read to its end by libraries that the server does not use.
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
        read.expect("is decoded to its end");
        out
    }
}

/// Asks over one version of HTTP.
pub(crate) struct Asker {
    http: Client,
    base: String,
    pub(crate) version: Version,
}

/// Over HTTP/1.1, and over HTTP/2 by prior knowledge.
pub(crate) fn askers(stage: &Stage) -> [Asker; 2] {
    let base = format!("http://{}", stage.address);
    let http2 = Client::builder().http2_prior_knowledge().build().expect("a client");
    [
        Asker { http: Client::new(), base: base.clone(), version: Version::HTTP_11 },
        Asker { http: http2, base, version: Version::HTTP_2 },
    ]
}

impl Asker {
    /// Sends a request and waits for the headers of its answer.
    pub(crate) async fn send(
        &self,
        target: &Target,
        method: Method,
        headers: &[(&'static str, &str)],
    ) -> reqwest::Result<Response> {
        let mut all = HeaderMap::new();
        // In HTTP/2 nothing is said about the connection.
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
    pub(crate) async fn ask(&self, target: &Target, method: Method, headers: &[(&'static str, &str)]) -> Answer {
        let response = self.send(target, method, headers).await;
        let response = response.unwrap_or_else(|error| panic!("{target:?} {headers:?}: {error:?}"));
        assert_eq!(response.version(), self.version);
        let (status, head) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.unwrap_or_else(|error| panic!("{target:?} {headers:?}: {error:?}"));
        Answer { status, headers: head, body: body.to_vec() }
    }
}
