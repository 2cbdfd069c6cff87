//! What is asked: every operation of the OpenAPI document in each of its forms, and what else is on the port.

use reqwest::Method;
use schemas::DeviceAddress;
use serde_json::Value;

use crate::past::{ADA, STATION};

/// On the port, and not in the document.
const BESIDES: &[&str] =
    &["/api/openapi.json", "/api/docs", "/config.json", "/health", "/ready", "/", "/nothing.js", "/api/v1/nothing"];

/// What an endpoint needs to have an answer.
const QUERIES: &[(&str, &str)] = &[
    ("/api/v1/track/{address}", "hours=1&level=raw"),
    ("/api/v1/flights", "address=110B90"),
    ("/api/v1/export", "hours=1"),
    ("/api/v1/weather/{address}/history", "hours=2"),
    ("/api/v1/search", "q=ad"),
];

/// Forms that a parameter chooses and no Accept header.
const BY_PARAMETER: &[(&str, &str, &str)] = &[
    ("/api/v1/export", "text/csv", "format=csv"),
    ("/api/v1/export", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "format=xlsx"),
    ("/api/v1/export", "application/vnd.apache.parquet", "format=parquet"),
];

/// Answers that are no 200 here, and why.
fn status_of(path: &str) -> u16 {
    match path {
        // There is none of that name.
        "/nothing.js" | "/api/v1/nothing" => 404,
        // Scores are in Redis, and there is none.
        "/api/v1/validation/{address}" => 503,
        // Nobody may give orders, and nobody has a key.
        "/api/v1/validation/{address}/reset" => 403,
        "/api/v1/position" => 401,
        _ => 200,
    }
}

/// One request that is asked in many ways.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// The Accept header, where one form of several is meant.
    pub(crate) accept: Option<String>,
    pub(crate) status: u16,
}

impl Target {
    /// Whether an answer may be compressed at all: not what probes ask for every second.
    pub(crate) fn is_compressed(&self) -> bool {
        !matches!(self.path.as_str(), "/health" | "/ready")
    }
}

/// All of them.
pub(crate) fn targets(document: &Value) -> Vec<Target> {
    let besides = BESIDES.iter().map(|path| Target {
        method: Method::GET,
        path: (*path).to_owned(),
        accept: None,
        status: status_of(path),
    });
    let mut targets: Vec<Target> = besides.collect();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let plain = Target { method, path: url(path, operation), accept: None, status: status_of(path) };
            let forms = operation["responses"]["200"]["content"].as_object();
            let forms = forms.into_iter().flat_map(|forms| forms.keys());
            let forms: Vec<Target> = forms.map(|form| in_form(&plain, path, form)).collect();
            targets.push(plain);
            targets.extend(forms);
        }
    }
    targets
}

fn in_form(plain: &Target, endpoint: &str, form: &str) -> Target {
    let parameter = BY_PARAMETER.iter().find(|(of, media_type, _)| (*of, *media_type) == (endpoint, form));
    let path = parameter.map_or(plain.path.clone(), |(_, _, parameter)| format!("{}&{parameter}", plain.path));
    Target { path, accept: Some(form.to_owned()), ..plain.clone() }
}

/// The path with values for what it needs. An endpoint that needs more says so here.
fn url(path: &str, operation: &Value) -> String {
    let device = if path.starts_with("/api/v1/weather/") { STATION } else { ADA };
    let url = path.replace("{address}", &DeviceAddress(device).to_string());
    assert!(!url.contains('{'), "{url}: say above what stands in this path");
    let query = QUERIES.iter().find(|(of, _)| *of == path).map(|(_, query)| *query);
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = parameter["name"].as_str().expect("a name");
        let given = parameter["in"] == "path" || query.is_some_and(|query| query.contains(&format!("{name}=")));
        assert!(given || parameter["required"] != true, "{path}: say above what {name} may be");
    }
    query.map_or(url.clone(), |query| format!("{url}?{query}"))
}
