//! REST, version 1: one file per resource, all answered from the view.

mod alerts;
mod answer;
mod devices;
mod endpoint;
mod ground;
mod map;
mod openapi;
mod pilots;
mod problem;
mod query;
mod receivers;
mod search;
mod selection;
mod snapshot;
mod stations;
mod thermals;
mod time;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Uri;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use runtime::admin::Admin;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;

use crate::app::App;
use crate::metrics;
use crate::socket;
pub(crate) use problem::Problem;
pub(crate) use query::Query;

/// Everything on the pusher's port.
pub(crate) fn router(app: App) -> Router {
    let probes = Admin::new(app.context.clone(), env!("CARGO_PKG_VERSION"), None, false).probes();
    let api = Router::new()
        .route(snapshot::ENDPOINT.path, get(snapshot::get))
        .route(pilots::ENDPOINT.path, get(pilots::get))
        .route(ground::ENDPOINT.path, get(ground::get))
        .route(thermals::ENDPOINT.path, get(thermals::get))
        .route(stations::ENDPOINT.path, get(stations::get))
        .route(receivers::ENDPOINT.path, get(receivers::get))
        .route(alerts::ENDPOINT.path, get(alerts::get))
        .route(devices::ENDPOINT.path, get(devices::get))
        .route(search::ENDPOINT.path, get(search::get))
        .route("/api/openapi.json", get(openapi::get))
        .layer(CorsLayer::permissive());
    let pages = Router::new().route("/config.json", get(map::config)).fallback(map::file);
    let compressed = api.merge(pages).layer(CompressionLayer::new());
    Router::new()
        .route("/ws/v1/updates", get(socket::upgrade))
        .merge(compressed)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(app.clone(), measure))
        .with_state(app)
        .merge(probes)
}

/// The endpoints that the OpenAPI document describes.
const ENDPOINTS: [&endpoint::Endpoint; 9] = [
    &snapshot::ENDPOINT,
    &pilots::ENDPOINT,
    &ground::ENDPOINT,
    &thermals::ENDPOINT,
    &stations::ENDPOINT,
    &receivers::ENDPOINT,
    &alerts::ENDPOINT,
    &devices::ENDPOINT,
    &search::ENDPOINT,
];

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
