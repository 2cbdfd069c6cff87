//! The keys and functions of the live state in Redis, for writers and readers alike.
//!
//! The braces keep all keys of a kind in one slot of a cluster, so that one function call can write them together.

use crate::object::Kind;

/// The function that writes states of one kind.
pub const PUT_FUNCTION: &str = "updraft_put";
/// The function that removes members whose state has expired.
pub const SWEEP_FUNCTION: &str = "updraft_sweep";

/// Whether Redis holds the states of a kind. Receivers, alerts and landmarks are only in the log.
pub fn holds(kind: Kind) -> bool {
    match kind {
        Kind::Aircraft | Kind::Ground | Kind::Thermal | Kind::Station => true,
        Kind::Receiver | Kind::Alert | Kind::Landmark => false,
    }
}

/// The sets of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// Positions, for GEOSEARCH.
    Geo,
    /// Members by when they were last seen, milliseconds.
    Seen,
    /// Partitions whose states are all there.
    Complete,
}

/// The key of a set of a kind (`aircraft`, `ground`, `station`, `thermal`), such as `fanet:{aircraft}:geo`.
pub fn set_key(kind: &str, set: Set) -> String {
    let name = match set {
        Set::Geo => "geo",
        Set::Seen => "seen",
        Set::Complete => "complete",
    };
    object_key(kind, name)
}

/// The key of the state of one object, such as `fanet:{aircraft}:110B90`.
pub fn object_key(kind: &str, member: &str) -> String {
    format!("fanet:{{{kind}}}:{member}")
}

/// The pattern of all keys of a kind.
pub fn kind_pattern(kind: &str) -> String {
    object_key(kind, "*")
}

/// The key of a device's validation score, such as `fanet:{validation}:110B90`.
pub fn validation_key(device: &str) -> String {
    object_key("validation", device)
}

/// The sorted set of pusher instances by when they last reported, Unix seconds.
pub const INSTANCES_KEY: &str = "fanet:{presence}:instances";

/// The key of one pusher instance's connections.
pub fn instance_key(instance: &str) -> String {
    object_key("presence", instance)
}

/// The key of the list of one pusher instance's WebSockets, a `ConnectionList` as Protobuf.
pub fn instance_connections_key(instance: &str) -> String {
    object_key("presence", &format!("{instance}:connections"))
}

/// The key of what the companies use at one pusher instance: JSON, connections and subscriptions by company.
pub fn instance_companies_key(instance: &str) -> String {
    object_key("presence", &format!("{instance}:companies"))
}

/// The key of the companies of a user with their devices: a hash, the addresses with spaces between them.
pub fn account_user_key(user_id: &str) -> String {
    object_key("account", &format!("user:{user_id}"))
}

/// Is there as long as all users are.
pub const ACCOUNTS_COMPLETE_KEY: &str = "fanet:{account}:complete";

/// The key of a user endpoint's answer for an opaque token, by the SHA-256 of the token in hex. A slot of its own each.
pub fn user_key(token_hash: &str) -> String {
    format!("fanet:{{user:{token_hash}}}")
}

/// The key of a token bucket that all instances share, by a hash of what it is of. All of them are in one slot, so that one
/// call takes of many.
pub fn limit_key(hash: &str) -> String {
    object_key("limit", hash)
}

/// The key of a session of our own. All keys of sessions are in one slot.
pub fn session_key(session: &str) -> String {
    object_key("session", session)
}

/// The key of the sessions that one API key has opened: a sorted set by when they were opened, Unix seconds.
pub fn sessions_of_key(key_id: &str) -> String {
    object_key("session", &format!("of:{key_id}"))
}

/// The key that says that a one-time secret has opened its session.
pub fn spent_secret_key(key_id: &str) -> String {
    object_key("session", &format!("spent:{key_id}"))
}

/// The stream of sessions that have ended before their time.
pub const ENDED_SESSIONS_KEY: &str = "fanet:{session}:ended";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_as_published() {
        assert_eq!(set_key("aircraft", Set::Geo), "fanet:{aircraft}:geo");
        assert_eq!(set_key("ground", Set::Seen), "fanet:{ground}:seen");
        assert_eq!(set_key("station", Set::Complete), "fanet:{station}:complete");
        assert_eq!(object_key("thermal", "17-123456"), "fanet:{thermal}:17-123456");
        assert_eq!(validation_key("110B90"), "fanet:{validation}:110B90");
        assert_eq!(user_key("a1"), "fanet:{user:a1}");
        assert_eq!(limit_key("a1"), "fanet:{limit}:a1");
        assert_eq!(session_key("a1"), "fanet:{session}:a1");
        assert_eq!(sessions_of_key("a1"), "fanet:{session}:of:a1");
        assert_eq!(spent_secret_key("a1"), "fanet:{session}:spent:a1");
        assert_eq!(account_user_key("token/ada"), "fanet:{account}:user:token/ada");
        assert_eq!(instance_connections_key("a1"), "fanet:{presence}:a1:connections");
        assert_eq!(kind_pattern("aircraft"), "fanet:{aircraft}:*");
        assert!(INSTANCES_KEY.starts_with("fanet:{presence}:") && instance_key("a") == "fanet:{presence}:a");
    }
}
