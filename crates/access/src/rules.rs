//! What each route and each ability of a WebSocket needs: the only table of it. A route that is not in it is refused.
//!
//! The pusher asks [`find`] before a handler runs, and its tests compare the table with the router.

use crate::scope::Scope;

/// What a caller needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Needs {
    /// Nothing: open to all, without credentials. Credentials are not looked at.
    Nothing,
    /// Credentials, independent of what they allow.
    Credentials,
    /// Credentials with this scope.
    Scope(Scope),
    /// An API key or a one-time secret that opens a session. The handler verifies it.
    Login,
    /// The refresh token of a session. The handler verifies it.
    RefreshToken,
}

impl Needs {
    /// The text for documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Credentials => "any credentials",
            Self::Scope(scope) => scope.as_str(),
            Self::Login => "an API key or a one-time secret",
            Self::RefreshToken => "a refresh token",
        }
    }
}

/// One route.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rule {
    /// `GET` stands for `HEAD` too.
    pub method: &'static str,
    /// As the router has it, with the names of its parameters.
    pub path: &'static str,
    /// What it needs.
    pub needs: Needs,
}

/// One ability of an open WebSocket, or the opening of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ability {
    /// `connect`, or the message of the client.
    pub name: &'static str,
    /// What it needs.
    pub needs: Needs,
}

/// Every route of the API.
pub const RULES: &[Rule] = &[
    public("/api/docs"),
    public("/api/openapi.json"),
    public("/api/v1/alerts"),
    needs("POST", "/api/v1/alerts/{id}/acknowledge", Scope::AlertHandle),
    needs("POST", "/api/v1/alerts/{id}/resolve", Scope::AlertHandle),
    needs("GET", "/api/v1/audit", Scope::AuditRead),
    needs("GET", "/api/v1/companies", Scope::FleetManage),
    needs("DELETE", "/api/v1/companies/{id}", Scope::FleetManageAny),
    needs("PUT", "/api/v1/companies/{id}", Scope::FleetManageAny),
    needs("GET", "/api/v1/connections", Scope::ConnectionRead),
    needs("GET", "/api/v1/dead-letters", Scope::DeadLetterRead),
    public("/api/v1/devices/{address}"),
    needs("POST", "/api/v1/devices/{address}/allow", Scope::DeviceManageAny),
    needs("POST", "/api/v1/devices/{address}/claim", Scope::DeviceManage),
    needs("GET", "/api/v1/devices/{address}/data", Scope::DeviceManage),
    needs("POST", "/api/v1/devices/{address}/deny", Scope::DeviceManageAny),
    needs("POST", "/api/v1/devices/{address}/hide", Scope::DeviceManage),
    needs("POST", "/api/v1/devices/{address}/hide-name", Scope::DeviceManageAny),
    needs("DELETE", "/api/v1/devices/{address}/history", Scope::DeviceManage),
    needs("PUT", "/api/v1/devices/{address}/owner", Scope::DeviceManageAny),
    needs("GET", "/api/v1/devices/{address}/positions", Scope::DeviceManageAny),
    needs("POST", "/api/v1/devices/{address}/positions/{id}/accept", Scope::DeviceManageAny),
    needs("POST", "/api/v1/devices/{address}/positions/{id}/reject", Scope::DeviceManageAny),
    needs("POST", "/api/v1/devices/{address}/show", Scope::DeviceManage),
    needs("POST", "/api/v1/devices/{address}/show-name", Scope::DeviceManageAny),
    public("/api/v1/export"),
    Rule { method: "GET", path: "/api/v1/fleets", needs: Needs::Credentials },
    needs("DELETE", "/api/v1/fleets/{id}", Scope::FleetManage),
    needs("PUT", "/api/v1/fleets/{id}", Scope::FleetManage),
    public("/api/v1/flights"),
    public("/api/v1/ground"),
    needs("GET", "/api/v1/hidden-alerts", Scope::AlertHandle),
    public("/api/v1/history"),
    needs("GET", "/api/v1/keys", Scope::KeyRead),
    public("/api/v1/landmarks"),
    Rule { method: "GET", path: "/api/v1/me", needs: Needs::Credentials },
    Rule { method: "PUT", path: "/api/v1/me", needs: Needs::Credentials },
    public("/api/v1/pilots"),
    needs("POST", "/api/v1/position", Scope::PositionWrite),
    public("/api/v1/presence"),
    needs("GET", "/api/v1/push-key", Scope::NotificationWrite),
    needs("GET", "/api/v1/push-subscriptions", Scope::NotificationWrite),
    needs("POST", "/api/v1/push-subscriptions", Scope::NotificationWrite),
    needs("DELETE", "/api/v1/push-subscriptions/{id}", Scope::NotificationWrite),
    public("/api/v1/receivers"),
    needs("GET", "/api/v1/restrictions", Scope::DeviceManageAny),
    public("/api/v1/search"),
    Rule { method: "DELETE", path: "/api/v1/session", needs: Needs::Credentials },
    Rule { method: "POST", path: "/api/v1/session", needs: Needs::Login },
    Rule { method: "POST", path: "/api/v1/session/refresh", needs: Needs::RefreshToken },
    public("/api/v1/sign-in"),
    public("/api/v1/silent"),
    public("/api/v1/snapshot"),
    public("/api/v1/stations"),
    public("/api/v1/thermals"),
    public("/api/v1/track/{address}"),
    needs("GET", "/api/v1/validation", Scope::ValidationRead),
    needs("GET", "/api/v1/validation/{address}", Scope::ValidationRead),
    needs("POST", "/api/v1/validation/{address}/reset", Scope::ValidationReset),
    public("/api/v1/weather/{address}/history"),
    needs("GET", "/api/v1/webhooks", Scope::NotificationWrite),
    needs("POST", "/api/v1/webhooks", Scope::NotificationWrite),
    needs("DELETE", "/api/v1/webhooks/{id}", Scope::NotificationWrite),
    needs("POST", "/api/v1/webhooks/{id}/test", Scope::NotificationWrite),
    public("/api/v1/winds"),
    public("/api/v1/zone-events"),
    public("/api/v1/zones"),
    needs("DELETE", "/api/v1/zones/{set}", Scope::ZoneWrite),
    needs("PUT", "/api/v1/zones/{set}", Scope::ZoneWrite),
];

/// Everything that a WebSocket can do: the names are those of `ClientMessage`.
pub const WEBSOCKET: &[Ability] = &[
    Ability { name: "connect", needs: Needs::Nothing },
    Ability { name: "subscribe", needs: Needs::Nothing },
    Ability { name: "unsubscribe", needs: Needs::Nothing },
    Ability { name: "ping", needs: Needs::Nothing },
];

const fn public(path: &'static str) -> Rule {
    Rule { method: "GET", path, needs: Needs::Nothing }
}

const fn needs(method: &'static str, path: &'static str, scope: Scope) -> Rule {
    Rule { method, path, needs: Needs::Scope(scope) }
}

/// What the table says of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// What it needs.
    Needs(Needs),
    /// The path has other methods: the router answers that.
    OtherMethod,
    /// The path is not in the table: the request is refused.
    Unknown,
}

/// Looks up a request by method and by path as the router has it.
pub fn find(method: &str, path: &str) -> Found {
    let method = if method == "HEAD" { "GET" } else { method };
    let mut of_path = RULES.iter().filter(|rule| rule.path == path).peekable();
    if of_path.peek().is_none() {
        return Found::Unknown;
    }
    of_path.find(|rule| rule.method == method).map_or(Found::OtherMethod, |rule| Found::Needs(rule.needs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_found_by_method_and_path() {
        let reset = "/api/v1/validation/{address}/reset";
        assert_eq!(find("POST", reset), Found::Needs(Needs::Scope(Scope::ValidationReset)));
        assert_eq!(find("GET", reset), Found::OtherMethod);
        assert_eq!(find("HEAD", "/api/v1/pilots"), Found::Needs(Needs::Nothing));
        assert_eq!(find("GET", "/api/v1/pilots/"), Found::Unknown);
    }

    #[test]
    fn each_route_stands_once_and_in_order() {
        let keys: Vec<_> = RULES.iter().map(|rule| (rule.path, rule.method)).collect();
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(keys, sorted);
    }

    #[test]
    fn what_changes_something_needs_a_scope() {
        for rule in RULES.iter().filter(|rule| rule.method != "GET") {
            // Each session may be ended by its own token.
            let is_of_own_session = rule.path.starts_with("/api/v1/session") && rule.needs != Needs::Nothing;
            // Each caller has settings of its own.
            let is_own = is_of_own_session || (rule.path == "/api/v1/me" && rule.needs == Needs::Credentials);
            assert!(is_own || matches!(rule.needs, Needs::Scope(_)), "{rule:?}");
        }
    }
}
