//! REST, version 1: the lists in one table, one file per other resource, all answered from the view; and the map page.

mod answer;
mod devices;
mod docs;
mod endpoint;
mod export;
mod flights;
mod list;
mod map;
mod openapi;
mod past;
mod picture;
mod position;
mod predecessor;
mod presence;
mod problem;
mod query;
mod redis_picture;
mod search;
mod selection;
mod snapshot;
mod time;
mod track;
mod validation;
mod weather_history;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Uri;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use runtime::admin::Admin;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::cors::CorsLayer;

use crate::app::App;
use crate::metrics;
use crate::socket;
pub(crate) use export::Exports;
pub(crate) use problem::Problem;
pub(crate) use query::Query;
pub(crate) use redis_picture::RedisPicture;

/// Everything on the pusher's port.
pub(crate) fn router(app: App) -> Router {
    let probes = Admin::new(app.context.clone(), env!("CARGO_PKG_VERSION"), None, false).probes();
    let lists = list::LISTS.iter().fold(Router::new(), |router, one| router.route(one.endpoint.path, list::route(one)));
    let api = lists
        .route(snapshot::ENDPOINT.path, get(snapshot::get))
        .route(devices::ENDPOINT.path, get(devices::get))
        .route(search::ENDPOINT.path, get(search::get))
        .route(track::ENDPOINT.path, get(track::get))
        .route(flights::ENDPOINT.path, get(flights::get))
        .route(weather_history::ENDPOINT.path, get(weather_history::get))
        .route(export::ENDPOINT.path, get(export::get))
        .route(validation::ENDPOINT.path, get(validation::get))
        .route(validation::RESET_PATH, post(validation::reset))
        .route(position::PATH, post(position::post))
        .route(presence::PATH, get(presence::get))
        .route("/api/openapi.json", get(openapi::get))
        .route("/api/docs", get(docs::get))
        .layer(CorsLayer::permissive());
    let pages = Router::new().route("/config.json", get(map::config)).fallback(map::file);
    let compressed = api.merge(pages).layer(CompressionLayer::new().compress_when(compressible()));
    Router::new()
        .route("/ws/v1/updates", get(socket::upgrade))
        .merge(compressed)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(app.clone(), measure))
        .with_state(app)
        .merge(probes)
}

/// The endpoints that are no lists.
const ENDPOINTS: [&endpoint::Endpoint; 8] = [
    &snapshot::ENDPOINT,
    &devices::ENDPOINT,
    &search::ENDPOINT,
    &track::ENDPOINT,
    &flights::ENDPOINT,
    &weather_history::ENDPOINT,
    &export::ENDPOINT,
    &validation::ENDPOINT,
];

/// The media types of an answer besides those of its message; for a table, all of them.
fn media_types(endpoint: &endpoint::Endpoint) -> Vec<&'static str> {
    match endpoint.path {
        path if path == track::ENDPOINT.path => track::media_types().collect(),
        path if path == export::ENDPOINT.path => export::media_types().collect(),
        _ => Vec::new(),
    }
}

/// Everything but what is compressed already: a spreadsheet keeps its length, from which clients show progress.
fn compressible() -> impl Predicate {
    let archives = history::export::TableFormat::ALL.map(|format| format.media_type());
    DefaultPredicate::new()
        .and(NotForContentType::const_new(archives[1]))
        .and(NotForContentType::const_new(archives[2]))
}

/// All that answer to GET, as the OpenAPI document describes them.
fn endpoints() -> impl Iterator<Item = &'static endpoint::Endpoint> {
    let lists = list::LISTS.iter().map(|list| &list.endpoint);
    ENDPOINTS.into_iter().chain(lists)
}

async fn method_not_allowed(uri: Uri) -> Response {
    Problem::method_not_allowed(uri.path()).into_response()
}

async fn measure(State(app): State<App>, request: Request, next: Next) -> Response {
    // The pattern, not the path: a label must not grow with what clients ask for.
    let endpoint = request.extensions().get::<MatchedPath>().map_or("page", MatchedPath::as_str).to_owned();
    let started = app.context.clock.monotonic();
    let response = next.run(request).await;
    let took = app.context.clock.monotonic().saturating_sub(started);
    let label = metrics::Request { endpoint, status: response.status().as_u16() };
    app.metrics.http_seconds.get_or_create(&label).observe(took.as_secs_f64());
    response
}
