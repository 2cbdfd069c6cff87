//! The requests: every operation of the OpenAPI document in each of its media types, and everything else on the port.

use reqwest::Method;
use schemas::DeviceAddress;
use serde_json::Value;

use crate::recorded::{ADA, STATION};

/// Paths that are not in the document.
const FURTHER_PATHS: &[&str] =
    &["/api/openapi.json", "/api/docs", "/config.json", "/health", "/ready", "/", "/nothing.js", "/api/v1/nothing"];

/// The query that an endpoint needs.
const QUERIES: &[(&str, &str)] = &[
    ("/api/v1/track/{address}", "hours=1&level=raw"),
    ("/api/v1/flights", "address=110B90"),
    ("/api/v1/history", "step=5"),
    ("/api/v1/export", "hours=1"),
    ("/api/v1/weather/{address}/history", "hours=2"),
    ("/api/v1/search", "q=ad"),
];

/// Media types that a parameter selects instead of the Accept header.
const BY_PARAMETER: &[(&str, &str, &str)] = &[
    ("/api/v1/export", "text/csv", "format=csv"),
    ("/api/v1/export", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "format=xlsx"),
    ("/api/v1/export", "application/vnd.apache.parquet", "format=parquet"),
];

/// The expected status.
fn status_of(path: &str) -> u16 {
    match path {
        // There is no such file or endpoint.
        "/nothing.js" | "/api/v1/nothing" => 404,
        // Neither operators nor keys are configured.
        "/api/v1/validation/{address}" | "/api/v1/validation/{address}/reset" | "/api/v1/audit" => 403,
        "/api/v1/validation" | "/api/v1/restrictions" | "/api/v1/dead-letters" | "/api/v1/keys" => 403,
        "/api/v1/connections" => 403,
        "/api/v1/devices/{address}/positions" => 403,
        path if path.starts_with("/api/v1/devices/{address}/positions/") => 403,
        "/api/v1/devices/{address}/hide-name" | "/api/v1/devices/{address}/show-name" => 403,
        "/api/v1/devices/{address}/deny" | "/api/v1/devices/{address}/allow" | "/api/v1/devices/{address}/owner" => 403,
        "/api/v1/position" | "/api/v1/me" | "/api/v1/hidden-alerts" | "/api/v1/session" => 401,
        "/api/v1/fleets" | "/api/v1/fleets/{id}" | "/api/v1/companies" => 401,
        "/api/v1/companies/{id}" => 403,
        "/api/v1/push-key" | "/api/v1/push-subscriptions" | "/api/v1/push-subscriptions/{id}" => 401,
        "/api/v1/zones/{set}" | "/api/v1/webhooks" | "/api/v1/webhooks/{id}" | "/api/v1/webhooks/{id}/test" => 401,
        // Without a body.
        "/api/v1/session/refresh" => 400,
        path if path.starts_with("/api/v1/alerts/") => 401,
        "/api/v1/devices/{address}/hide" | "/api/v1/devices/{address}/show" => 401,
        "/api/v1/devices/{address}/claim" => 401,
        "/api/v1/devices/{address}/history" | "/api/v1/devices/{address}/data" => 401,
        _ => 200,
    }
}

/// One request, which is sent with the headers of many clients.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// The Accept header, where it selects one of several media types.
    pub(crate) accept: Option<String>,
    pub(crate) status: u16,
}

impl Target {
    /// Whether the response may be compressed: those to probes are not.
    pub(crate) fn is_compressed(&self) -> bool {
        !matches!(self.path.as_str(), "/health" | "/ready")
    }
}

/// All requests.
pub(crate) fn targets(document: &Value) -> Vec<Target> {
    let further = FURTHER_PATHS.iter().map(|path| Target {
        method: Method::GET,
        path: (*path).to_owned(),
        accept: None,
        status: status_of(path),
    });
    let mut targets: Vec<Target> = further.collect();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let plain = Target { method, path: url(path, operation), accept: None, status: status_of(path) };
            let contents = operation["responses"]["200"]["content"].as_object();
            let media_types = contents.into_iter().flat_map(|contents| contents.keys());
            let others: Vec<Target> = media_types.map(|media_type| with_type(&plain, path, media_type)).collect();
            targets.push(plain);
            targets.extend(others);
        }
    }
    targets
}

fn with_type(plain: &Target, endpoint: &str, media_type: &str) -> Target {
    let parameter = BY_PARAMETER.iter().find(|(path, selected, _)| (*path, *selected) == (endpoint, media_type));
    let path = parameter.map_or(plain.path.clone(), |(_, _, parameter)| format!("{}&{parameter}", plain.path));
    Target { path, accept: Some(media_type.to_owned()), ..plain.clone() }
}

/// The path with values for its parameters.
fn url(path: &str, operation: &Value) -> String {
    let device = if path.starts_with("/api/v1/weather/") { STATION } else { ADA };
    let url =
        path.replace("{address}", &DeviceAddress(device).to_string()).replace("{id}", "3-77").replace("{set}", "alps");
    assert!(!url.contains('{'), "{url}: add a value for the path parameter above");
    let query = QUERIES.iter().find(|(endpoint, _)| *endpoint == path).map(|(_, query)| *query);
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().expect("a name");
        let given = parameter["in"] == "path" || query.is_some_and(|query| query.contains(&format!("{name}=")));
        assert!(given || parameter["required"] != true, "{path}: add a value of {name} to QUERIES");
    }
    query.map_or(url.clone(), |query| format!("{url}?{query}"))
}
