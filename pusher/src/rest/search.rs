//! `GET /api/v1/search`: devices by the beginning of their name or address. Hidden devices are not found.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use schemas::{DeviceAddress, v1};

use super::endpoint::{Endpoint, Parameter};
use super::picture::add;
use super::picture_request::{Aging, PictureRequest};
use super::problem::Problem;
use crate::app::App;
use crate::time::rfc3339;
use fanout::view::{Kind, Object};

const MAX_FOUND: usize = 50;
const MIN_CHARACTERS: usize = 2;

pub(super) const ENDPOINT: Endpoint = Endpoint {
    path: "/api/v1/search",
    summary: "Aircraft, ground objects and weather stations whose name or address begins with a text, at most 50.",
    path_parameters: &[],
    parameters: &[&Parameter {
        name: "q",
        kind: "string",
        about: "The beginning of a name, of a later word of it, or of an address: two characters or more.",
    }],
    message: "AirPicture",
};

pub(super) async fn get(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = ENDPOINT.query(query.as_deref())?;
    let text = query.get("q").unwrap_or_default().trim().to_lowercase();
    if text.chars().count() < MIN_CHARACTERS {
        return Err(Problem::invalid_parameter("q", &text, &format!("{MIN_CHARACTERS} characters or more")));
    }
    let request = PictureRequest::new(app, &headers, &uri, Aging::Never, true).await?;
    if let Some(response) = request.cached_response() {
        return Ok(response);
    }
    let now_us = request.now_us();
    let mut found: Vec<Arc<Object>> = request.view(|view| {
        let searched = [Kind::Aircraft, Kind::Ground, Kind::Station].into_iter().flat_map(|kind| view.objects(kind));
        searched.filter(|object| matches(object, &text)).take(MAX_FOUND + 1).cloned().collect()
    });
    found.sort_unstable_by_key(|object| object.id);
    let mut picture = v1::AirPicture {
        server_time: rfc3339(now_us),
        truncated: found.len() > MAX_FOUND,
        epoch: request.epoch().unwrap_or_default().to_owned(),
        ..Default::default()
    };
    found.iter().take(MAX_FOUND).for_each(|object| add(&mut picture, object, now_us));
    Ok(request.respond(&picture))
}

/// Whether the name or the address of an object begins with `prefix`, which is in lower case.
fn matches(object: &Object, prefix: &str) -> bool {
    let name = object.state.name().is_some_and(|name| has_word(name, prefix));
    name || object.state.device().is_some_and(|device| has_word(&DeviceAddress(device).to_string(), prefix))
}

/// Whether a word of the text begins with `prefix`, which is in lower case. The case of the text is ignored.
fn has_word(text: &str, prefix: &str) -> bool {
    let mut words = std::iter::once(text).chain(text.match_indices(' ').map(|(at, _)| &text[at + 1..]));
    words.any(|word| {
        let mut letters = word.chars().flat_map(char::to_lowercase);
        prefix.chars().all(|expected| letters.next() == Some(expected))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_matches_any_word_and_case() {
        assert!(has_word("Ada Lovelace", "ada") && has_word("Ada Lovelace", "love"));
        assert!(has_word("Ürs", "ür") && has_word("110B90", "110b"));
        assert!(!has_word("Ada", "da") && !has_word("Ad", "ada") && !has_word("", "ad"));
    }
}
