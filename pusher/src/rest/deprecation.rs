//! Routes that are to end: their answers say since when they are deprecated (`Deprecation`, RFC 9745), when they end
//! (`Sunset`, RFC 8594), and where the page about it is (`Link`). `docs/api-versions.md` has the rule.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::time::http_date;

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");
/// The shortest time from the announcement to the end.
#[cfg(test)]
const SHORTEST_S: u64 = 180 * 86_400;

/// A route that is to end.
#[derive(Debug)]
pub(super) struct Deprecated {
    pub(super) method: &'static str,
    /// As the router has it.
    pub(super) path: &'static str,
    /// Since when one should use its successor, seconds since the epoch.
    pub(super) since_s: u64,
    /// When it ends, seconds since the epoch.
    pub(super) ends_s: u64,
    /// The page that says what takes its place.
    pub(super) page: &'static str,
}

/// All of them: none now.
pub(super) const DEPRECATED: &[Deprecated] = &[];

/// The entry of a route.
pub(super) fn find(table: &'static [Deprecated], method: &str, path: &str) -> Option<&'static Deprecated> {
    let method = if method == "HEAD" { "GET" } else { method };
    table.iter().find(|one| one.method == method && one.path == path)
}

/// Adds the headers to the answers of routes that are to end.
pub(super) async fn announce(State(table): State<&'static [Deprecated]>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let found = path.and_then(|path| find(table, request.method().as_str(), path));
    let mut response = next.run(request).await;
    if let Some(found) = found {
        for (name, text) in found.headers() {
            if let Ok(value) = HeaderValue::try_from(text) {
                response.headers_mut().append(name, value);
            }
        }
    }
    response
}

impl Deprecated {
    fn headers(&self) -> [(HeaderName, String); 3] {
        let Self { since_s, ends_s, page, .. } = self;
        [
            (DEPRECATION, format!("@{since_s}")),
            (SUNSET, http_date(*ends_s)),
            (header::LINK, format!("<{page}>; rel=\"deprecation\"; type=\"text/html\"")),
        ]
    }
}

#[cfg(test)]
mod tests {
    use access::rules::RULES;
    use axum::Router;
    use axum::body::Body;
    use axum::http::StatusCode;
    use axum::middleware;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    /// The examples of both standards.
    const OLD: &[Deprecated] = &[Deprecated {
        method: "GET",
        path: "/api/v1/old/{id}",
        since_s: 1_688_169_599,
        ends_s: 1_735_689_599,
        page: "https://map.example.org/docs/api-versions",
    }];

    async fn headers(method: &str, path: &str) -> (StatusCode, [Option<String>; 3]) {
        let old = get(async || StatusCode::NO_CONTENT).post(async || StatusCode::NO_CONTENT);
        let router: Router = Router::new()
            .route("/api/v1/old/{id}", old)
            .route("/api/v1/new", get(async || StatusCode::NO_CONTENT))
            .layer(middleware::from_fn_with_state(OLD, announce));
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let response = router.oneshot(request).await.unwrap();
        let text = |name: HeaderName| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        (response.status(), [text(DEPRECATION), text(SUNSET), text(header::LINK)])
    }

    #[tokio::test]
    async fn a_deprecated_route_sends_both_headers() {
        for method in ["GET", "HEAD"] {
            let (status, found) = headers(method, "/api/v1/old/7").await;
            assert_eq!(status, StatusCode::NO_CONTENT, "it is served");
            let [deprecation, sunset, link] = found.map(Option::unwrap);
            assert_eq!((deprecation.as_str(), sunset.as_str()), ("@1688169599", "Tue, 31 Dec 2024 23:59:59 GMT"));
            assert_eq!(link, "<https://map.example.org/docs/api-versions>; rel=\"deprecation\"; type=\"text/html\"");
        }
        for (method, path) in [("GET", "/api/v1/new"), ("POST", "/api/v1/old/7"), ("GET", "/api/v1/none")] {
            assert_eq!(headers(method, path).await.1, [None, None, None], "{method} {path}");
        }
    }

    #[test]
    fn the_table_keeps_the_rule() {
        for one in DEPRECATED {
            let is_route = RULES.iter().any(|rule| (rule.method, rule.path) == (one.method, one.path));
            assert!(is_route, "{one:?}: it is served until it ends");
            assert!(one.ends_s >= one.since_s + SHORTEST_S, "{one:?}: the overlap is too short");
            assert!(one.page.starts_with("https://"), "{one:?}");
        }
    }
}
