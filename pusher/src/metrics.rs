//! Metrics of the pusher.

use std::sync::atomic::AtomicU64;

use fanout::view::{Kind, State, View};
use runtime::Metrics;
use schemas::v1::AircraftKind;
use streams::Lag;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

/// A label with a reason from a closed set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Reason {
    pub(crate) reason: &'static str,
}

/// A label with the program at whose time an interval begins.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Since {
    pub(crate) since: &'static str,
}

/// A label with a kind of object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct KindLabel {
    pub(crate) kind: &'static str,
}

/// A label with a kind of aircraft.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AircraftKindLabel {
    kind: String,
}

/// A label that distinguishes snapshots that were encoded for one client from those that were shared.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct SnapshotLabel {
    pub(crate) made: &'static str,
}

/// A label with an outcome from a closed set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OutcomeLabel {
    pub(crate) outcome: &'static str,
}

/// Labels with an action and its outcome, from closed sets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ActionLabel {
    pub(crate) action: &'static str,
    pub(crate) outcome: &'static str,
}

/// Labels with the endpoint of a request and the status of its response.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Request {
    pub(crate) endpoint: String,
    pub(crate) status: u16,
}

/// Handles; clones count together.
#[derive(Debug, Clone)]
pub(crate) struct PusherMetrics {
    pub(crate) connections: Gauge,
    pub(crate) max_connections: Gauge,
    pub(crate) groups: Gauge,
    pub(crate) subscriptions: Gauge,
    pub(crate) slow_clients: Gauge,
    pub(crate) lag: Gauge,
    pub(crate) lag_seconds: Gauge<f64, AtomicU64>,
    aircraft: Family<AircraftKindLabel, Gauge>,
    pub(crate) hidden: Gauge,
    pub(crate) hidden_alerts: Gauge,
    pub(crate) hidden_pasts: Gauge,
    pub(crate) zones: Gauge,
    pub(crate) objects: Gauge,
    pub(crate) objects_dropped: Counter,
    pub(crate) instances: Gauge,
    pub(crate) all_connections: Gauge,
    pub(crate) closed: Family<Reason, Counter>,
    pub(crate) refused: Family<Reason, Counter>,
    pub(crate) responses_cut: Counter,
    pub(crate) records: Family<KindLabel, Counter>,
    pub(crate) rejected: Family<Reason, Counter>,
    pub(crate) changes: Counter,
    pub(crate) frames_encoded: Counter,
    pub(crate) frames_sent: Counter,
    pub(crate) bytes_sent: Counter,
    pub(crate) frames_missed: Counter,
    pub(crate) updates_sent: Counter,
    pub(crate) sharing_saved_bytes: Counter,
    pub(crate) deflate_saved_bytes: Counter,
    pub(crate) send_calls: Counter,
    pub(crate) snapshots: Family<SnapshotLabel, Counter>,
    pub(crate) flush_seconds: Histogram,
    pub(crate) send_seconds: Histogram,
    pub(crate) tick_seconds: Histogram,
    pub(crate) latency_seconds: Family<Since, Histogram, fn() -> Histogram>,
    pub(crate) http_connections: Gauge,
    pub(crate) http_held_bytes: Gauge,
    pub(crate) http_cut: Family<Reason, Counter>,
    pub(crate) http_refused: Family<Reason, Counter>,
    pub(crate) logins_refused: Family<Reason, Counter>,
    pub(crate) limited: Family<Reason, Counter>,
    pub(crate) limit_checks: Family<Reason, Counter>,
    pub(crate) limits_shared: Gauge,
    #[cfg(feature = "jwks")]
    pub(crate) token_key_fetches: Family<Reason, Counter>,
    #[cfg(feature = "jwks")]
    pub(crate) user_lookups: Family<Reason, Counter>,
    #[cfg(feature = "jwks")]
    pub(crate) user_endpoint_failures: Family<Reason, Counter>,
    pub(crate) sessions: Family<OutcomeLabel, Counter>,
    pub(crate) commands: Family<ActionLabel, Counter>,
    pub(crate) audit_records: Family<OutcomeLabel, Counter>,
    pub(crate) http_seconds: Family<Request, Histogram, fn() -> Histogram>,
}

/// Borders of latencies in seconds; among them the objective (50 ms) and the thresholds of alerts.
const LATENCY_SECONDS: [f64; 15] =
    [0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0];

impl PusherMetrics {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let seconds = || Histogram::new(LATENCY_SECONDS);
        Self {
            connections: metrics.register("websocket_connections_active", "Open WebSockets.", Gauge::default()),
            max_connections: metrics.register(
                "pusher_max_connections",
                "WebSockets that this instance may have open.",
                Gauge::default(),
            ),
            groups: metrics.register("pusher_groups", "Groups with subscribers, over all shards.", Gauge::default()),
            subscriptions: metrics.register(
                "pusher_subscriptions",
                "Memberships of clients in groups, over all shards.",
                Gauge::default(),
            ),
            slow_clients: metrics.register(
                "pusher_slow_clients",
                "Clients whose socket buffers are full.",
                Gauge::default(),
            ),
            lag: metrics.register(
                "pusher_lag_records",
                "Records of the state topics that this instance has not read.",
                Gauge::default(),
            ),
            lag_seconds: metrics.register(
                "pusher_lag_seconds",
                "How long ago the records were written that this instance reads now; 0 where it has read everything.",
                Gauge::default(),
            ),
            aircraft: metrics.register(
                "pusher_aircraft",
                "Aircraft in the public view, by kind of aircraft.",
                Family::default(),
            ),
            hidden: metrics.register("pusher_hidden_devices", "Devices in the private view.", Gauge::default()),
            hidden_alerts: metrics.register(
                "pusher_hidden_alerts",
                "Alerts of hidden devices in the private view.",
                Gauge::default(),
            ),
            hidden_pasts: metrics.register(
                "pusher_hidden_pasts",
                "Devices, live or not, whose past is hidden from the public.",
                Gauge::default(),
            ),
            zones: metrics.register("pusher_zones", "Zones of all sets.", Gauge::default()),
            objects: metrics.register("pusher_objects", "Objects in the public view.", Gauge::default()),
            objects_dropped: metrics.register(
                "pusher_objects_dropped",
                "Objects dropped from the public view because it was full.",
                Counter::default(),
            ),
            instances: metrics.register(
                "pusher_presence_instances",
                "Instances that Redis lists, this one included; 0 while Redis is unreachable.",
                Gauge::default(),
            ),
            all_connections: metrics.register(
                "pusher_presence_connections",
                "Open WebSockets of all instances, by Redis; 0 while Redis is unreachable.",
                Gauge::default(),
            ),
            closed: metrics.register(
                "pusher_connections_closed",
                "WebSockets that this server closed, by reason.",
                Family::default(),
            ),
            refused: metrics.register(
                "pusher_handshakes_refused",
                "WebSocket handshakes that were refused, by reason.",
                Family::default(),
            ),
            responses_cut: metrics.register(
                "pusher_responses_cut",
                "Connections that this server closed because their client read nothing of a response for too long.",
                Counter::default(),
            ),
            records: metrics.register("pusher_records", "Records read, by kind of object.", Family::default()),
            rejected: metrics.register(
                "pusher_records_rejected",
                "Unusable records, by reason.",
                Family::default(),
            ),
            changes: metrics.register("pusher_changes", "Changes of the air picture.", Counter::default()),
            frames_encoded: metrics.register(
                "pusher_frames_encoded",
                "Frames encoded; all members of a group share a frame.",
                Counter::default(),
            ),
            frames_sent: metrics.register("pusher_frames_sent", "Frames written to sockets.", Counter::default()),
            bytes_sent: metrics.register("pusher_bytes_sent", "Bytes of the frames written to sockets.", Counter::default()),
            frames_missed: metrics.register(
                "pusher_frames_missed",
                "Frames that were not sent because the socket buffer of the client was full; it gets the newest state later.",
                Counter::default(),
            ),
            updates_sent: metrics.register(
                "pusher_updates_sent",
                "Changed states written to sockets, each counted once per client.",
                Counter::default(),
            ),
            sharing_saved_bytes: metrics.register(
                "pusher_sharing_saved_bytes",
                "Bytes that were not encoded again because clients shared a frame.",
                Counter::default(),
            ),
            deflate_saved_bytes: metrics.register(
                "pusher_compression_saved_bytes",
                "Bytes that compression saved on the wire.",
                Counter::default(),
            ),
            send_calls: metrics.register(
                "pusher_send_calls",
                "System calls to send, also those without effect.",
                Counter::default(),
            ),
            snapshots: metrics.register(
                "pusher_snapshots",
                "Complete snapshots, by whether they were encoded for one client or shared.",
                Family::default(),
            ),
            send_seconds: metrics.register(
                "pusher_send_seconds",
                "Time of one tick for writing frames to sockets.",
                seconds(),
            ),
            tick_seconds: metrics.register(
                "pusher_tick_seconds",
                "Time between two flushes with frames, where it is at most a second.",
                seconds(),
            ),
            flush_seconds: metrics.register(
                "pusher_flush_seconds",
                "Time to encode and send the frames of one tick.",
                seconds(),
            ),
            latency_seconds: metrics.register(
                "pusher_latency_seconds",
                "Time from an earlier program's timestamp of a frame to the write of its state to sockets, for the oldest state of each flush.",
                Family::new_with_constructor(seconds as fn() -> Histogram),
            ),
            http_connections: metrics.register(
                "pusher_http_connections",
                "Open connections for REST and the map, WebSockets not counted.",
                Gauge::default(),
            ),
            http_held_bytes: metrics.register(
                "pusher_http_held_bytes",
                "Memory of requests and of responses that clients have not read yet.",
                Gauge::default(),
            ),
            http_cut: metrics.register(
                "pusher_http_connections_cut",
                "Connections for REST and the map that were closed because others needed their place or their memory, by reason.",
                Family::default(),
            ),
            http_refused: metrics.register(
                "pusher_http_refused",
                "Connections and requests for REST and the map that were refused because a limit was reached, by reason.",
                Family::default(),
            ),
            logins_refused: metrics.register(
                "pusher_logins_refused",
                "Access tokens, API keys and position keys that were refused, by reason.",
                Family::default(),
            ),
            limited: metrics.register(
                "pusher_limited",
                "Requests, WebSockets and positions beyond the limits of a client, by limit.",
                Family::default(),
            ),
            limit_checks: metrics.register(
                "pusher_limit_checks",
                "Checks of limits that instances share, by where they were made: shared (Redis), local (it does not answer) or full \
                 (too many wait for it: local).",
                Family::default(),
            ),
            limits_shared: metrics.register(
                "pusher_limits_shared",
                "1 while the limits of clients are those of all instances; 0 while Redis does not answer and they are those of this \
                 instance, and without Redis.",
                Gauge::default(),
            ),
            #[cfg(feature = "jwks")]
            user_lookups: metrics.register(
                "pusher_user_lookups",
                "Opaque tokens that were looked up, by where the answer came from: this process, Redis, the user endpoint, \
                 an older answer while the endpoint is down, or none.",
                Family::default(),
            ),
            #[cfg(feature = "jwks")]
            user_endpoint_failures: metrics.register(
                "pusher_user_endpoint_failures",
                "Requests to the user endpoint that failed, or were not made because the ones before did, by reason.",
                Family::default(),
            ),
            sessions: metrics.register(
                "pusher_sessions",
                "Sessions by what became of them: created, refreshed, ended, refused (a secret or refresh token that is not good), \
                 reused (a refresh token that was used before) or unavailable (Redis does not answer).",
                Family::default(),
            ),
            commands: metrics.register(
                "pusher_commands",
                "Commands about devices and alerts, and looks at private data, by action and outcome: accepted, refused, \
                 limited, no_audit (the audit record was not written, so that nothing was done) or no_log.",
                Family::default(),
            ),
            audit_records: metrics.register(
                "pusher_audit_records",
                "Records of the audit trail, by outcome: written or failed.",
                Family::default(),
            ),
            #[cfg(feature = "jwks")]
            token_key_fetches: metrics.register(
                "pusher_token_key_fetches",
                "Fetches of the identity provider's public keys, by outcome.",
                Family::default(),
            ),
            http_seconds: metrics.register(
                "http_request_duration_seconds",
                "Time to answer an HTTP request, by endpoint and status.",
                Family::new_with_constructor(seconds as fn() -> Histogram),
            ),
        }
    }

    /// Sets the lag at `now_us`.
    pub(crate) fn measure_lag(&self, lag: &Lag, now_us: u64) {
        self.lag.set(i64::try_from(lag.records).unwrap_or(i64::MAX));
        self.lag_seconds.set(lag.seconds(now_us));
    }

    /// Counts the aircraft of a view by their kinds.
    pub(crate) fn count_aircraft(&self, view: &View) {
        let mut counts = [0; AIRCRAFT_KINDS.len()];
        for object in view.objects(Kind::Aircraft) {
            let State::Aircraft(state) = &object.state else { continue };
            // An unknown kind, of a newer protocol, counts as one that was not stated.
            let index = AIRCRAFT_KINDS.iter().position(|kind| *kind == state.aircraft_kind()).unwrap_or_default();
            counts[index] += 1;
        }
        for (kind, count) in AIRCRAFT_KINDS.iter().zip(counts) {
            let kind = kind.as_str_name().trim_start_matches("AIRCRAFT_KIND_").to_lowercase();
            self.aircraft.get_or_create(&AircraftKindLabel { kind }).set(count);
        }
    }
}

/// All kinds of aircraft, the one that was not stated first.
const AIRCRAFT_KINDS: [AircraftKind; 9] = [
    AircraftKind::Unspecified,
    AircraftKind::Other,
    AircraftKind::Paraglider,
    AircraftKind::HangGlider,
    AircraftKind::Balloon,
    AircraftKind::Glider,
    AircraftKind::Powered,
    AircraftKind::Helicopter,
    AircraftKind::Uav,
];

#[cfg(test)]
mod tests {
    use fanout::view::{Input, Origin};
    use schemas::v1::AircraftState;

    use super::*;

    #[test]
    fn aircraft_are_counted_by_kind() {
        let metrics = Metrics::new();
        let (ours, mut view) = (PusherMetrics::register(&metrics), View::new(1));
        let kinds = [AircraftKind::Paraglider, AircraftKind::HangGlider, AircraftKind::Paraglider];
        for (device, kind) in (1..).zip(kinds) {
            let state = AircraftState {
                device,
                version: device.into(),
                aircraft_kind: kind.into(),
                ..AircraftState::default()
            };
            let origin = Origin { partition: 0, offset: device.into() };
            view.apply(origin, 0, Input::State(State::Aircraft(state)), &mut Vec::new());
        }
        ours.count_aircraft(&view);
        let text = metrics.to_text();
        for (kind, count) in [("paraglider", 2), ("hang_glider", 1), ("unspecified", 0), ("uav", 0)] {
            let line = format!("fanet_pusher_aircraft{{kind=\"{kind}\"}} {count}\n");
            assert!(text.contains(&line), "{line}{text}");
        }
    }
}
