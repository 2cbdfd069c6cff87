//! REST, version 1: the lists in one table, one file per other resource; and the map page.

mod alert_commands;
mod audit;
mod body;
mod byte_range;
mod command;
mod companies;
mod connections;
mod dead_letters;
mod decisions;
mod deprecation;
mod device_commands;
mod device_data;
mod devices;
mod docs;
mod endpoint;
mod event_filter;
mod export;
mod fleets;
mod flights;
mod go_backend;
mod guard;
mod hidden_alerts;
mod keys;
mod list;
mod map;
mod me;
mod measure;
mod notification_targets;
mod openapi;
mod ownership;
mod picture;
mod picture_request;
mod position;
mod presence;
mod problem;
mod public_history;
mod push;
mod query;
mod redis_picture;
mod region_history;
mod response_cache;
mod restrictions;
mod search;
mod security;
mod selection;
mod session;
mod sign_in;
mod silent;
mod snapshot;
mod spreadsheet;
mod streamed;
mod suspects;
mod tiles;
mod track;
mod unread;
mod validation;
mod weather_history;
mod webhooks;
mod winds;
mod zone_events;
mod zones;

use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, Method, Uri};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post, put};
use runtime::admin::Admin;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::cors::{AllowHeaders, AllowOrigin, Any, CorsLayer};

use crate::app::App;
use crate::socket;
pub(crate) use export::Exports;
pub(crate) use problem::Problem;
pub(crate) use query::Query;
pub(crate) use redis_picture::RedisPicture;
pub(crate) use response_cache::ResponseCache;
pub(crate) use silent::Recorded as RecordedSilences;
pub(crate) use suspects::Suspects;

/// How long a browser may cache the response to a preflight request.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_secs(3_600);

/// Everything on the pusher's port.
pub(crate) fn router(app: App) -> Router {
    let probes = Admin::new(app.context.clone(), env!("CARGO_PKG_VERSION"), None, false).public_probes();
    let api = routes().into_iter().fold(Router::new(), |router, (_, path, handler)| router.route(path, handler));
    let api = api
        // Before the layers, so that they get the OPTIONS requests of preflights.
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(app.clone(), guard::guard))
        // Outside of the guard: a refused answer says it too.
        .layer(middleware::from_fn_with_state(deprecation::DEPRECATED, deprecation::announce))
        // Outside of the guard: a page of another origin can read why it is refused, and asks before without credentials.
        .layer(cors(&app.options.access.cors_origins));
    let policy = security::page_policy(&app.options.map, app.options.access.sign_in().as_ref());
    let unframed = security::unframed(&policy);
    let secure_page = move |response| {
        let policy = security::policy_of(&response, &policy, &unframed);
        std::future::ready(security::secure_page(response, policy))
    };
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

/// Every route of the API, by method and path: a test compares them with the table of rules.
fn routes() -> Vec<(&'static str, &'static str, MethodRouter<App>)> {
    let lists = list::LISTS.iter().map(|one| ("GET", one.endpoint.path, list::route(one)));
    let others = [
        ("GET", snapshot::ENDPOINT.path, get(snapshot::get)),
        ("GET", devices::ENDPOINT.path, get(devices::get)),
        ("GET", search::ENDPOINT.path, get(search::get)),
        ("GET", track::ENDPOINT.path, get(track::get)),
        ("GET", flights::ENDPOINT.path, get(flights::get)),
        ("GET", region_history::ENDPOINT.path, get(region_history::get)),
        ("GET", silent::ENDPOINT.path, get(silent::get)),
        ("GET", weather_history::ENDPOINT.path, get(weather_history::get)),
        ("GET", winds::ENDPOINT.path, get(winds::get)),
        ("GET", zones::ENDPOINT.path, get(zones::get)),
        ("PUT", zones::SET_PATH, put(zones::put)),
        ("DELETE", zones::SET_PATH, delete(zones::delete)),
        ("GET", zone_events::ENDPOINT.path, get(zone_events::get)),
        ("GET", export::ENDPOINT.path, get(export::get)),
        ("GET", suspects::ENDPOINT.path, get(suspects::get)),
        ("GET", validation::ENDPOINT.path, get(validation::get)),
        ("POST", validation::RESET_PATH, post(validation::reset)),
        ("POST", device_commands::HIDE_PATH, post(device_commands::hide)),
        ("POST", device_commands::SHOW_PATH, post(device_commands::show)),
        ("POST", device_commands::DENY_PATH, post(device_commands::deny)),
        ("POST", device_commands::ALLOW_PATH, post(device_commands::allow)),
        ("POST", device_commands::HIDE_NAME_PATH, post(device_commands::hide_name)),
        ("POST", device_commands::SHOW_NAME_PATH, post(device_commands::show_name)),
        ("GET", decisions::ENDPOINT.path, get(decisions::get)),
        ("POST", decisions::REJECT_PATH, post(decisions::reject)),
        ("POST", decisions::ACCEPT_PATH, post(decisions::accept)),
        ("GET", restrictions::ENDPOINT.path, get(restrictions::get)),
        ("DELETE", device_commands::HISTORY_PATH, delete(device_commands::erase)),
        ("POST", ownership::CLAIM_PATH, post(ownership::claim)),
        ("PUT", ownership::OWNER_PATH, put(ownership::set_owner)),
        ("GET", device_data::ENDPOINT.path, get(device_data::get)),
        ("POST", alert_commands::ACKNOWLEDGE_PATH, post(alert_commands::acknowledge)),
        ("POST", alert_commands::RESOLVE_PATH, post(alert_commands::resolve)),
        ("GET", audit::ENDPOINT.path, get(audit::get)),
        ("GET", hidden_alerts::ENDPOINT.path, get(hidden_alerts::get)),
        ("GET", dead_letters::ENDPOINT.path, get(dead_letters::get)),
        ("GET", fleets::ENDPOINT.path, get(fleets::get)),
        ("PUT", fleets::PATH, put(fleets::put)),
        ("DELETE", fleets::PATH, delete(fleets::delete)),
        ("GET", connections::ENDPOINT.path, get(connections::get)),
        ("GET", companies::ENDPOINT.path, get(companies::get)),
        ("PUT", companies::PATH, put(companies::put)),
        ("DELETE", companies::PATH, delete(companies::delete)),
        ("GET", keys::ENDPOINT.path, get(keys::get)),
        ("POST", position::PATH, post(position::post)),
        ("GET", presence::PATH, get(presence::get)),
        ("GET", me::PATH, get(me::get)),
        ("PUT", me::PATH, put(me::put)),
        ("GET", push::KEY_PATH, get(push::key)),
        ("GET", push::PATH, get(push::list)),
        ("POST", push::PATH, post(push::create)),
        ("DELETE", push::ONE_PATH, delete(push::remove)),
        ("GET", webhooks::PATH, get(webhooks::list)),
        ("POST", webhooks::PATH, post(webhooks::create)),
        ("DELETE", webhooks::ONE_PATH, delete(webhooks::remove)),
        ("POST", webhooks::TEST_PATH, post(webhooks::test)),
        ("DELETE", session::PATH, delete(session::end)),
        ("POST", session::PATH, post(session::create)),
        ("POST", session::REFRESH_PATH, post(session::refresh)),
        ("GET", sign_in::PATH, get(sign_in::get)),
        ("GET", "/api/openapi.json", get(openapi::get)),
        ("GET", "/api/docs", get(docs::get)),
    ];
    lists.chain(others).collect()
}

/// Pages of these origins may use the API, by default those of any origin: the API uses no cookies, so that a page gets
/// nothing that it could not request without the user. The allowed headers are those that the page asks for, because `*`
/// does not include `Authorization`.
fn cors(origins: &[HeaderValue]) -> CorsLayer {
    let is_any = origins.iter().any(|origin| origin == "*");
    let origins = if is_any { AllowOrigin::any() } else { AllowOrigin::list(origins.iter().cloned()) };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE])
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use access::rules::{RULES, WEBSOCKET};
    use schemas::json_schema::Types;

    use super::*;

    #[test]
    fn every_route_has_a_rule_and_every_rule_a_route() {
        let routes: BTreeSet<_> = routes().iter().map(|(method, path, _)| (*method, *path)).collect();
        let rules: BTreeSet<_> = RULES.iter().map(|rule| (rule.method, rule.path)).collect();
        assert_eq!(routes, rules, "left: the router, right: the table in crates/access/src/rules.rs");
    }

    #[test]
    fn every_message_of_a_client_has_a_rule() {
        let message = Types::get().message("ClientMessage").expect("the messages of clients");
        let messages = message.field.iter().map(|field| field.name()).filter(|name| *name != "request_id");
        let messages: BTreeSet<&str> = messages.chain(["connect"]).collect();
        assert_eq!(messages, WEBSOCKET.iter().map(|ability| ability.name).collect());
    }
}
