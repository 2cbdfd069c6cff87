//! Errors as RFC 9457 problem documents.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::go_backend::{self, Renamed};

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem(Box<Body>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Body {
    /// A URI for the type of problem.
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    /// From a closed set, for programs.
    code: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    known_parameters: Vec<&'static str>,
    /// The new name for a name of the Go backend.
    #[serde(skip_serializing_if = "Option::is_none")]
    new_name: Option<&'static str>,
}

impl Problem {
    /// 400: an invalid request.
    pub(crate) fn bad_request(code: &'static str, detail: String) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 400: a parameter with an invalid value. `expected` completes "expected ...".
    pub(crate) fn invalid_parameter(name: &str, value: &str, expected: &str) -> Self {
        let value: String = value.chars().take(64).collect();
        Self::bad_request("bad_parameter", format!("invalid {name} {value:?}: expected {expected}"))
    }

    /// 400: a parameter that the endpoint does not have.
    pub(crate) fn unknown_parameter(name: &str, known: &[&'static str]) -> Self {
        Self::unknown("parameter", "unknown_parameter", name, known, go_backend::parameter(name))
    }

    /// 400: a field that the body does not have.
    pub(crate) fn unknown_field(name: &str, known: &[&'static str]) -> Self {
        Self::unknown("field", "unknown_field", name, known, go_backend::field(name))
    }

    fn unknown(
        what: &str,
        code: &'static str,
        name: &str,
        known: &[&'static str],
        renamed: Option<&'static Renamed>,
    ) -> Self {
        let name: String = name.chars().take(64).collect();
        let expected = if known.is_empty() { "none".to_owned() } else { format!("one of: {}", known.join(", ")) };
        let mut detail = format!("unknown {what} {name:?}: expected {expected}");
        if let Some(Renamed { new, about, .. }) = renamed {
            detail = format!("{detail}. {name} of the Go backend is now {new}: {about}");
        }
        let mut problem = Self::bad_request(code, detail);
        problem.0.known_parameters = known.to_vec();
        problem.0.new_name = renamed.map(|renamed| renamed.new);
        problem
    }

    /// 401: no valid credentials.
    pub(crate) fn unauthorized(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail.to_owned())
    }

    /// 403: not permitted.
    pub(crate) fn forbidden(code: &'static str, detail: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail.to_owned())
    }

    /// 413.
    pub(crate) fn too_large(detail: String) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }

    /// 415.
    pub(crate) fn unsupported_media_type(detail: &str) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail.to_owned())
    }

    /// 429, with Retry-After.
    pub(crate) fn too_many_requests(detail: String) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_often", detail)
    }

    /// 404.
    pub(crate) fn not_found(code: &'static str, detail: String) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// 405.
    pub(crate) fn method_not_allowed(path: &str) -> Self {
        let path: String = path.chars().take(128).collect();
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            format!("{path} does not support this method: see /api/docs"),
        )
    }

    /// 409: not in this state.
    pub(crate) fn conflict(code: &'static str, detail: String) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// 501: not in this build.
    pub(crate) fn not_implemented(detail: String) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, "not_built", detail)
    }

    /// 503, with Retry-After.
    pub(crate) fn unavailable(code: &'static str, detail: String) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
    }

    fn new(status: StatusCode, code: &'static str, detail: String) -> Self {
        Self(Box::new(Body {
            r#type: format!("urn:updraft:problem:{code}"),
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail,
            code,
            known_parameters: Vec::new(),
            new_name: None,
        }))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self.0).expect("plain strings and numbers");
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match status {
            StatusCode::SERVICE_UNAVAILABLE => drop(headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"))),
            StatusCode::TOO_MANY_REQUESTS => drop(headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"))),
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}
