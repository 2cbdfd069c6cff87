//! REST, version 1: the lists in one table, one file per other resource; and the map page.

mod byte_range;
mod devices;
mod docs;
mod endpoint;
mod export;
mod flights;
mod go_backend;
mod list;
mod map;
mod measure;
mod openapi;
mod picture;
mod picture_request;
mod position;
mod presence;
mod problem;
mod public_history;
mod query;
mod redis_picture;
mod region_history;
mod response_cache;
mod search;
mod security;
mod selection;
mod silent;
mod snapshot;
mod spreadsheet;
mod streamed;
mod tiles;
mod time;
mod track;
mod unread;
mod validation;
mod weather_history;
mod winds;

use std::time::Duration;

use axum::Router;
use axum::http::{Method, Uri};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use runtime::admin::Admin;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

use crate::app::App;
use crate::socket;
pub(crate) use export::Exports;
pub(crate) use problem::Problem;
pub(crate) use query::Query;
pub(crate) use redis_picture::RedisPicture;
pub(crate) use response_cache::ResponseCache;
pub(crate) use silent::Recorded as RecordedSilences;

/// How long a browser may cache the response to a preflight request.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(3_600);

/// Everything on the pusher's port.
pub(crate) fn router(app: App) -> Router {
    let probes = Admin::new(app.context.clone(), env!("CARGO_PKG_VERSION"), None, false).public_probes();
    let lists = list::LISTS.iter().fold(Router::new(), |router, one| router.route(one.endpoint.path, list::route(one)));
    let api = lists
        .route(snapshot::ENDPOINT.path, get(snapshot::get))
        .route(devices::ENDPOINT.path, get(devices::get))
        .route(search::ENDPOINT.path, get(search::get))
        .route(track::ENDPOINT.path, get(track::get))
        .route(flights::ENDPOINT.path, get(flights::get))
        .route(region_history::ENDPOINT.path, get(region_history::get))
        .route(silent::ENDPOINT.path, get(silent::get))
        .route(weather_history::ENDPOINT.path, get(weather_history::get))
        .route(winds::ENDPOINT.path, get(winds::get))
        .route(export::ENDPOINT.path, get(export::get))
        .route(validation::ENDPOINT.path, get(validation::get))
        .route(validation::RESET_PATH, post(validation::reset))
        .route(position::PATH, post(position::post))
        .route(presence::PATH, get(presence::get))
        .route("/api/openapi.json", get(openapi::get))
        .route("/api/docs", get(docs::get))
        // Before the layer, so that the layer gets the OPTIONS requests of preflights.
        .method_not_allowed_fallback(method_not_allowed)
        .layer(cors());
    let policy = security::page_policy(&app.options.map);
    let secure_page = move |response| std::future::ready(security::secure_page(response, policy.clone()));
    let pages = Router::new().route("/config.json", get(map::config)).fallback(map::file);
    let pages = pages.layer(middleware::map_response(secure_page));
    let compressed = api
        .merge(pages)
        .layer(middleware::from_fn(unread::mark_complete))
        .layer(CompressionLayer::new().compress_when(compressible()));
    let tiles = Router::new().route(tiles::BASEMAP, get(map::basemap)).route(tiles::TERRAIN, get(map::terrain));
    let limited = compressed.merge(tiles).layer(middleware::from_fn(unread::limit));
    Router::new()
        .route("/ws/v1/updates", get(socket::upgrade))
        .merge(limited)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(app.clone(), measure::measure))
        .layer(middleware::map_response(security::secure))
        .with_state(app)
        .merge(probes)
}

/// Pages of any origin may use the API: it uses no cookies, so that a page gets nothing that it could not request
/// without the user. The allowed headers are those that the page asks for, because `*` does not include
/// `Authorization`.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(Any)
        .max_age(PREFLIGHT_MAX_AGE)
}

/// All media types except those that are compressed in themselves: a spreadsheet keeps its length, from which clients
/// show the progress.
fn compressible() -> impl Predicate {
    let archives = history::export::TableFormat::ALL.map(|format| format.media_type());
    DefaultPredicate::new()
        .and(NotForContentType::const_new(archives[1]))
        .and(NotForContentType::const_new(archives[2]))
        .and(NotForContentType::const_new(tiles::MEDIA_TYPE))
}

async fn method_not_allowed(uri: Uri) -> Response {
    Problem::method_not_allowed(uri.path()).into_response()
}
