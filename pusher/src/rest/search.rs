//! `GET /api/v1/search`: devices by the beginning of their name or address. Hidden devices are not known here.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use schemas::{DeviceAddress, v1};

use super::answer::{Ages, Asked};
use super::endpoint::{Endpoint, Parameter};
use super::picture::add;
use super::problem::Problem;
use super::time::rfc3339;
use crate::app::App;
use fanout::view::{Kind, Object};

const MAX_FOUND: usize = 50;
const MIN_CHARACTERS: usize = 2;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/search",
    summary: "Aircraft, ground objects and weather stations whose name or address begins like this, at most 50.",
    path_parameters: &[],
    parameters: &[&Parameter { name: "q", kind: "string", about: "Two characters or more of a name or an address." }],
    message: "AirPicture",
};

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = ENDPOINT.query(query.as_deref())?;
    let wanted = query.get("q").unwrap_or_default().trim().to_lowercase();
    if wanted.chars().count() < MIN_CHARACTERS {
        return Err(Problem::bad_request("bad_parameter", format!("q has {MIN_CHARACTERS} characters or more")));
    }
    let asked = Asked::new(app, &headers, &uri, Ages::Never, true).await?;
    if let Some(answer) = asked.ready_made() {
        return Ok(answer);
    }
    let at_us = asked.at_us();
    let mut found: Vec<Arc<Object>> = asked.view(|view| {
        let searched = [Kind::Aircraft, Kind::Ground, Kind::Station].into_iter().flat_map(|kind| view.objects(kind));
        searched.filter(|object| begins(object, &wanted)).take(MAX_FOUND + 1).cloned().collect()
    });
    found.sort_unstable_by_key(|object| object.id);
    let mut picture = v1::AirPicture {
        server_time: rfc3339(at_us),
        truncated: found.len() > MAX_FOUND,
        epoch: asked.epoch().unwrap_or_default().to_owned(),
        ..Default::default()
    };
    found.iter().take(MAX_FOUND).for_each(|object| add(&mut picture, object, at_us));
    Ok(asked.answer(&picture))
}

/// `wanted` is in lower case.
fn begins(object: &Object, wanted: &str) -> bool {
    let name = object.state.name().is_some_and(|name| starts_with(name, wanted));
    name || object.state.device().is_some_and(|device| starts_with(&DeviceAddress(device).to_string(), wanted))
}

/// True where the text, or a later word of it, begins like that, whatever the case.
fn starts_with(text: &str, wanted: &str) -> bool {
    let mut beginnings = std::iter::once(text).chain(text.match_indices(' ').map(|(at, _)| &text[at + 1..]));
    beginnings.any(|rest| {
        let mut letters = rest.chars().flat_map(char::to_lowercase);
        wanted.chars().all(|wanted| letters.next() == Some(wanted))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_begin_whatever_their_case() {
        assert!(starts_with("Ada Lovelace", "ada") && starts_with("Ada Lovelace", "love"));
        assert!(starts_with("Ürs", "ür") && starts_with("110B90", "110b"));
        assert!(!starts_with("Ada", "da") && !starts_with("Ad", "ada") && !starts_with("", "ad"));
    }
}
