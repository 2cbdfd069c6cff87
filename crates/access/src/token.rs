//! Access tokens: signed JWT (RFC 7519) of the installation's identity provider.
//!
//! A token is accepted when all of this holds: at most 8 KiB; `alg` is one of the [configured](TokenSettings)
//! algorithms, which are asymmetric ones alone; the key is one of the provider's, of the kind that the algorithm needs;
//! the signature is of that key; `iss` and `aud` are the configured ones; `exp` has not passed and `nbf` has, with a
//! leeway; `sub` names someone. Keys that a token brings along (`jwk`, `jku`, `x5c`) are never used.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Validation;
use jsonwebtoken::errors::ErrorKind;
use schemas::DeviceAddress;
use schemas::v1::AircraftKind;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::algorithm::Algorithm;
use crate::caller::{Caller, Credential, Pilot};
use crate::key_set::KeySet;
use crate::refusal::Refusal;
use crate::scope::{Role, Scopes};

/// The longest token.
pub const MAX_BYTES: usize = 8 << 10;
/// By how much the clocks of the identity provider and of this machine may differ, seconds.
pub const LEEWAY_S: u64 = 30;
/// Subjects and companies are written into logs and records.
const MAX_NAME_BYTES: usize = 256;
const MAX_DEVICES: usize = 256;

/// Which tokens an installation accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSettings {
    /// `iss` of every token.
    pub issuer: String,
    /// `aud` of every token, or one of it.
    pub audience: String,
    /// The algorithms, one at least.
    pub algorithms: Vec<Algorithm>,
}

#[derive(Deserialize)]
struct Header {
    typ: Option<String>,
    alg: String,
    kid: Option<String>,
}

#[derive(Deserialize)]
struct Claims {
    /// Of token introspection (RFC 7662), which some user endpoints are.
    active: Option<bool>,
    sub: Option<String>,
    exp: Option<Seconds>,
    nbf: Option<Seconds>,
    iss: Option<String>,
    aud: Option<OneOrMany>,
    /// Scopes, separated by spaces (RFC 8693, section 4.2); some providers make a list of them.
    scope: Option<OneOrMany>,
    roles: Option<OneOrMany>,
    name: Option<String>,
    preferred_username: Option<String>,
    company: Option<String>,
    devices: Option<OneOrMany>,
    public: Option<bool>,
    aircraft_kind: Option<String>,
}

/// A `NumericDate`: seconds since the epoch, which may have a fraction.
struct Seconds(u64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        // A greater one is as good as never; the conversion saturates.
        if seconds >= 0.0 { Ok(Self(seconds as u64)) } else { Err(serde::de::Error::custom("a time before 1970")) }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
        .iter()
        .map(String::as_str)
    }
}

/// Verifies a token.
///
/// # Errors
/// [`Refusal`] says why it is not accepted. [`Refusal::UnknownKey`]: the provider may have new keys.
pub fn verify(token: &str, settings: &TokenSettings, keys: &KeySet, now_s: u64) -> Result<Caller, Refusal> {
    caller(signed(token, &settings.algorithms, keys)?, settings, now_s)
}

/// The claims of a token whose signature is good. Nothing else of it is verified.
pub(crate) fn signed<C: DeserializeOwned>(token: &str, algorithms: &[Algorithm], keys: &KeySet) -> Result<C, Refusal> {
    if token.len() > MAX_BYTES {
        return Err(Refusal::Oversized);
    }
    let header = header(token)?;
    let algorithm = Algorithm::named(&header.alg).filter(|algorithm| algorithms.contains(algorithm));
    let algorithm = algorithm.ok_or(Refusal::Algorithm)?;
    let key = keys.find(header.kid.as_deref(), algorithm)?;
    // The library checks the signature alone: it would read the system's clock, and answers with less detail.
    let mut validation = Validation::new(algorithm.to_jsonwebtoken());
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    let decoded = jsonwebtoken::decode::<C>(token, key, &validation).map_err(|error| match error.kind() {
        ErrorKind::InvalidSignature | ErrorKind::InvalidEcdsaKey | ErrorKind::InvalidEddsaKey => Refusal::Signature,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidKeyFormat => Refusal::Algorithm,
        ErrorKind::Json(_) | ErrorKind::Utf8(_) => Refusal::Claims,
        _ => Refusal::Malformed,
    })?;
    Ok(decoded.claims)
}

fn header(token: &str) -> Result<Header, Refusal> {
    let mut parts = token.split('.');
    let (Some(header), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(Refusal::Malformed);
    };
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| Refusal::Malformed)?;
    serde_json::from_slice(&header).map_err(|_| Refusal::Malformed)
}

fn caller(claims: Claims, settings: &TokenSettings, now_s: u64) -> Result<Caller, Refusal> {
    if claims.iss.as_deref() != Some(settings.issuer.as_str()) {
        return Err(Refusal::Issuer);
    }
    if !claims.aud.as_ref().is_some_and(|audiences| audiences.iter().any(|one| one == settings.audience)) {
        return Err(Refusal::Audience);
    }
    if claims.exp.is_none() {
        return Err(Refusal::Claims);
    }
    claims.caller(now_s)
}

/// The caller of an opaque token, as the user endpoint describes it: the claims of a JWT in a JSON object. Issuer and audience
/// are not looked at: the endpoint is the one of the setting. It may say when the token expires.
///
/// # Errors
/// The answer does not name anyone, or the token is not valid now.
pub fn of_user_endpoint(answer: &[u8], now_s: u64) -> Result<Caller, Refusal> {
    let claims: Claims = serde_json::from_slice(answer).map_err(|_| Refusal::Claims)?;
    if claims.active == Some(false) { Err(Refusal::UnknownUser) } else { claims.caller(now_s) }
}

/// Whether it has the characters of a bearer token (RFC 6750, section 2.1).
pub fn is_bearer(token: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    !token.is_empty() && token.bytes().all(is_part)
}

/// Whether its header names this type.
pub(crate) fn is_of_type(token: &str, name: &str) -> bool {
    header(token).is_ok_and(|header| header.typ.as_deref() == Some(name))
}

/// Whether it has the form of a signed JWT; all other tokens are opaque.
pub fn is_jwt(token: &str) -> bool {
    header(token).is_ok()
}

impl Claims {
    fn caller(self, now_s: u64) -> Result<Caller, Refusal> {
        let expires_at_s = self.exp.map(|Seconds(at_s)| at_s);
        let accepted_until_s = expires_at_s.map(|at_s| at_s.saturating_add(LEEWAY_S));
        if accepted_until_s.is_some_and(|until_s| now_s >= until_s) {
            return Err(Refusal::Expired);
        }
        if self.nbf.as_ref().is_some_and(|Seconds(from_s)| now_s.saturating_add(LEEWAY_S) < *from_s) {
            return Err(Refusal::NotYet);
        }
        let names = || {
            let scopes = self.scope.iter().flat_map(OneOrMany::iter).flat_map(|names| names.split(' '));
            scopes.chain(self.roles.iter().flat_map(OneOrMany::iter))
        };
        let (scopes, roles) = (Scopes::of_names(names()), Role::among(names()));
        Ok(Caller {
            subject: self.sub.filter(|subject| is_name(subject)).ok_or(Refusal::Claims)?,
            name: self.name.or(self.preferred_username).filter(|name| is_name(name)),
            roles,
            credential: Credential::Token,
            scopes,
            company: self.company.filter(|company| is_name(company)),
            devices: devices(self.devices.as_ref())?,
            pilot: Pilot {
                public: self.public.unwrap_or_default(),
                name: None,
                aircraft_kind: aircraft_kind(self.aircraft_kind.as_deref()).ok_or(Refusal::Claims)?,
            },
            session: None,
            expires_at_s,
            accepted_until_s,
        })
    }
}

/// Something to call a caller by.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NAME_BYTES && !text.chars().any(char::is_control)
}

/// A kind of aircraft by its name in lower case; a paraglider where none is given.
pub(crate) fn aircraft_kind(name: Option<&str>) -> Option<AircraftKind> {
    let name = name.unwrap_or("paraglider");
    AircraftKind::from_str_name(&format!("AIRCRAFT_KIND_{}", name.to_ascii_uppercase()))
}

fn devices(names: Option<&OneOrMany>) -> Result<Vec<DeviceAddress>, Refusal> {
    let devices = names.iter().flat_map(|names| names.iter()).map(str::parse);
    let devices: Vec<DeviceAddress> = devices.collect::<Result<_, _>>().map_err(|_| Refusal::Claims)?;
    if devices.len() > MAX_DEVICES { Err(Refusal::Claims) } else { Ok(devices) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Scope;

    const NOW_S: u64 = 1_800_000_000;

    #[test]
    fn a_user_endpoint_names_the_caller_as_a_token_does() {
        let answer = br#"{"sub":"ada","name":"Ada","roles":["pilot"],"devices":["110B90"],"more":[1]}"#;
        let caller = of_user_endpoint(answer, NOW_S).unwrap();
        assert_eq!((caller.subject.as_str(), caller.name.as_deref(), caller.expires_at_s), ("ada", Some("Ada"), None));
        assert!(caller.scopes.has(Scope::PositionWrite) && !caller.scopes.has(Scope::ValidationRead));
        let expiring = format!(r#"{{"sub":"ada","active":true,"exp":{}}}"#, NOW_S + 60);
        assert_eq!(of_user_endpoint(expiring.as_bytes(), NOW_S).unwrap().accepted_until_s, Some(NOW_S + 60 + LEEWAY_S));
        for (answer, refusal) in [
            (r#"{"active":false}"#, Refusal::UnknownUser),
            (r#"{"name":"Ada"}"#, Refusal::Claims),
            (r#"{"sub":""}"#, Refusal::Claims),
            (r#"{"sub":"ada","exp":1}"#, Refusal::Expired),
            (r#"{"sub":"ada","devices":["no"]}"#, Refusal::Claims),
            ("[]", Refusal::Claims),
            ("<html>", Refusal::Claims),
        ] {
            assert_eq!(of_user_endpoint(answer.as_bytes(), NOW_S), Err(refusal), "{answer}");
        }
    }

    #[test]
    fn only_a_jwt_has_the_form_of_one() {
        assert!(is_jwt(include_str!("../tests/fixtures/es256.jwt").trim()));
        for opaque in ["", "2YotnFZFEjr1zCsicMWpAA", "a.b.c", "gho_16C7e42F292c6912E7710c838347Ae178B4a", "e30.e30.a"] {
            assert!(!is_jwt(opaque), "{opaque}");
        }
        assert!(is_bearer("a.b-c_d~+/9=="));
        for bad in ["", "a b", "a\nb", "a\u{e9}", "\"", "a,b"] {
            assert!(!is_bearer(bad), "{bad:?}");
        }
    }
}
