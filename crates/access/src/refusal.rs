//! Why credentials are refused.

/// A reason for the log and the metric. A client is not sent it: it would help an attacker to guess. The client needs other
/// credentials, unless the refusal is transient.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Longer than any token or API key.
    #[error("the credentials have more than 8 KiB")]
    Oversized,
    /// Neither a token nor an API key.
    #[error("neither a token nor an API key")]
    Malformed,
    /// Signed with an algorithm that this installation does not accept, or not at all.
    #[error("an algorithm that is not accepted here")]
    Algorithm,
    /// Signed with a key that the identity provider does not publish.
    #[error("signed with an unknown signing key")]
    UnknownKey,
    /// It does not name its signing key, and the identity provider has several.
    #[error("the token does not name its signing key, and there are several")]
    NoKeyId,
    /// The signature is not of that key.
    #[error("a wrong signature")]
    Signature,
    /// Claims that are missing or of a wrong form.
    #[error("claims that are missing or of a wrong form")]
    Claims,
    /// Its time is over.
    #[error("the credentials have expired")]
    Expired,
    /// Its time has not come.
    #[error("the credentials are not valid yet")]
    NotYet,
    /// Of another identity provider.
    #[error("the token is of another issuer")]
    Issuer,
    /// For another program.
    #[error("the token is for another audience")]
    Audience,
    /// An API key or a one-time secret with an unknown id or a wrong secret.
    #[error("an unknown API key, or a wrong secret")]
    UnknownApiKey,
    /// A one-time secret, presented for anything but a session.
    #[error("a one-time secret, which opens a session and nothing else")]
    OneTime,
    /// A one-time secret that has opened its session.
    #[error("a one-time secret that was used before")]
    Spent,
    /// An access token whose session has ended, or a refresh token without a session.
    #[error("the session of the token has ended, or there is none")]
    NoSession,
    /// A refresh token that was used before: its session ends.
    #[error("a refresh token that was used before: its session has ended")]
    Reused,
    /// A kind of credential that this installation does not accept.
    #[error("a kind of credential that is not accepted here")]
    NotAccepted,
    /// An opaque token that the user endpoint does not know.
    #[error("unknown to the user endpoint")]
    UnknownUser,
    /// The user endpoint does not answer, and the answer for this token is not cached.
    #[error("the user endpoint does not answer")]
    NoUserEndpoint,
    /// The identity provider's signing keys are not loaded yet: nothing can be verified.
    #[error("the signing keys of the identity provider are not loaded yet")]
    NoKeys,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::Oversized,
        Self::Malformed,
        Self::Algorithm,
        Self::UnknownKey,
        Self::NoKeyId,
        Self::Signature,
        Self::Claims,
        Self::Expired,
        Self::NotYet,
        Self::Issuer,
        Self::Audience,
        Self::UnknownApiKey,
        Self::OneTime,
        Self::Spent,
        Self::NoSession,
        Self::Reused,
        Self::NotAccepted,
        Self::UnknownUser,
        Self::NoUserEndpoint,
        Self::NoKeys,
    ];

    /// The label of the metric.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Oversized => "oversized",
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::UnknownKey => "unknown_key",
            Self::NoKeyId => "no_key_id",
            Self::Signature => "signature",
            Self::Claims => "claims",
            Self::Expired => "expired",
            Self::NotYet => "not_yet_valid",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::UnknownApiKey => "unknown_api_key",
            Self::OneTime => "one_time",
            Self::Spent => "spent",
            Self::NoSession => "no_session",
            Self::Reused => "reused",
            Self::NotAccepted => "not_accepted",
            Self::UnknownUser => "unknown_user",
            Self::NoUserEndpoint => "no_user_endpoint",
            Self::NoKeys => "no_keys",
        }
    }

    /// Whether the same credentials may be accepted later, without a change of them.
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::NoKeys | Self::NoUserEndpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_one_of_its_own() {
        let reasons: std::collections::BTreeSet<_> = Refusal::ALL.iter().map(|refusal| refusal.reason()).collect();
        assert_eq!(reasons.len(), Refusal::ALL.len());
    }
}
