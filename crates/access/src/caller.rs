//! Who calls.

use schemas::DeviceAddress;
use schemas::v1::AircraftKind;

use crate::scope::{Role, Scopes};

/// What a caller has shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Credential {
    /// An access token of the identity provider.
    Token,
    /// A key of the file of API keys.
    ApiKey,
    /// A key of the file of position keys.
    PositionKey,
    /// None: the installation lets anyone be an operator.
    OpenOperator,
}

impl Credential {
    /// The name in answers and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::ApiKey => "api_key",
            Self::PositionKey => "position_key",
            Self::OpenOperator => "open_operator",
        }
    }
}

/// How the positions of a credential's devices are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pilot {
    /// The pilot's consent to be shown to all.
    pub public: bool,
    /// The name to show.
    pub name: Option<String>,
    /// What flies.
    pub aircraft_kind: AircraftKind,
}

impl Default for Pilot {
    fn default() -> Self {
        Self { public: false, name: None, aircraft_kind: AircraftKind::Paraglider }
    }
}

/// Whose credentials were accepted, and what they allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who it is: the subject of a token, the id of a key.
    pub subject: String,
    /// The name of the person, as the identity provider has it. It is for the caller alone, and is in no position.
    pub name: Option<String>,
    /// The roles that the credential names; their scopes are among `scopes`.
    pub roles: Vec<Role>,
    /// What was shown.
    pub credential: Credential,
    /// What it may do.
    pub scopes: Scopes,
    /// The company, club or school that it belongs to.
    pub company: Option<String>,
    /// Whose positions it may send.
    pub devices: Vec<DeviceAddress>,
    /// How those positions are published.
    pub pilot: Pilot,
    /// When the credential expires, seconds since the epoch; `None`: never.
    pub expires_at_s: Option<u64>,
    /// Until when it is accepted: a token is, for the leeway between clocks, a little longer.
    pub accepted_until_s: Option<u64>,
}

impl Caller {
    /// Whether the credential is still accepted.
    pub fn is_accepted(&self, now_s: u64) -> bool {
        self.accepted_until_s.is_none_or(|until| now_s < until)
    }
}
