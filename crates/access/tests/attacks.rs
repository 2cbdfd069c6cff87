//! Tokens that attackers make, and why each is refused; and tokens of OpenSSL, which are not made by our own code.

use access::Algorithm;
use access::testing::{Issuer, hmac_token, key_set, message};
use access::token::{LEEWAY_S, MAX_BYTES, TokenSettings, verify};
use access::{Caller, KeySet, Refusal, Scope, Scopes};
use serde_json::{Value, json};

const NOW_S: u64 = 1_800_000_000;

fn settings(algorithms: &[Algorithm]) -> TokenSettings {
    TokenSettings {
        issuer: "https://id.example.org".to_owned(),
        audience: "updraft".to_owned(),
        algorithms: algorithms.to_vec(),
    }
}

fn claims() -> Value {
    json!({ "iss": "https://id.example.org", "aud": "updraft", "sub": "ada", "exp": NOW_S + 600, "scope": "position:write" })
}

/// The claims with others in their place; null takes one away.
fn with(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => _ = claims.as_object_mut().expect("an object").remove(name),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

fn keys(issuers: &[&Issuer]) -> KeySet {
    KeySet::parse(key_set(issuers).as_bytes()).expect("a key set")
}

fn at(token: &str, keys: &KeySet, now_s: u64) -> Result<Caller, Refusal> {
    verify(token, &settings(&Algorithm::ALL), keys, now_s)
}

#[test]
fn tokens_of_openssl_are_verified() {
    let jwks = KeySet::parse(include_bytes!("fixtures/jwks.json")).expect("a key set");
    for (name, token, pem) in [
        ("RS256", include_str!("fixtures/rs256.jwt"), include_str!("fixtures/rs256.pem")),
        ("ES256", include_str!("fixtures/es256.jwt"), include_str!("fixtures/es256.pem")),
        ("EdDSA", include_str!("fixtures/eddsa.jwt"), include_str!("fixtures/eddsa.pem")),
    ] {
        let token = token.trim_end();
        let pem = KeySet::parse(pem.as_bytes()).expect("a key");
        for keys in [&jwks, &pem] {
            let caller = at(token, keys, NOW_S).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
            assert_eq!((caller.subject.as_str(), caller.company.as_deref()), ("ada", Some("Club Alpin")));
            assert_eq!(caller.scopes, Scopes::PUBLIC.with(Scope::PositionWrite), "`openid` is for other programs");
            assert_eq!(caller.devices, [schemas::DeviceAddress(0x11_0B90)]);
            assert_eq!(caller.expires_at_s, Some(1_900_000_000));
        }
        // One character of each part, and each other algorithm's set alone.
        for at_byte in [30, 120, token.len() - 20] {
            let other = if &token[at_byte..=at_byte] == "A" { "B" } else { "A" };
            let changed = format!("{}{other}{}", &token[..at_byte], &token[at_byte + 1..]);
            assert!(at(&changed, &jwks, NOW_S).is_err(), "{name}: byte {at_byte}");
        }
        let others: Vec<Algorithm> = Algorithm::ALL.into_iter().filter(|one| one.as_str() != name).collect();
        assert_eq!(verify(token, &settings(&others), &jwks, NOW_S), Err(Refusal::Algorithm), "{name}");
    }
}

#[test]
fn claims_decide() {
    let issuer = Issuer::new("a", Algorithm::EdDsa);
    let keys = keys(&[&issuer]);
    let cases = [
        ("good", json!({}), None),
        ("no expiry", json!({ "exp": null }), Some(Refusal::Claims)),
        ("expiry as text", json!({ "exp": (NOW_S + 600).to_string() }), Some(Refusal::Claims)),
        ("expiry before 1970", json!({ "exp": -1 }), Some(Refusal::Claims)),
        ("expired, within the leeway", json!({ "exp": NOW_S - LEEWAY_S + 1 }), None),
        ("expired", json!({ "exp": NOW_S - LEEWAY_S }), Some(Refusal::Expired)),
        ("expired in 1970", json!({ "exp": 0 }), Some(Refusal::Expired)),
        ("expiry with a fraction", json!({ "exp": NOW_S as f64 + 0.5 }), None),
        ("expiry beyond all times", json!({ "exp": 1e300 }), None),
        ("soon valid, within the leeway", json!({ "nbf": NOW_S + LEEWAY_S }), None),
        ("not valid yet", json!({ "nbf": NOW_S + LEEWAY_S + 1 }), Some(Refusal::NotYet)),
        ("of another issuer", json!({ "iss": "https://id.example.org/" }), Some(Refusal::Issuer)),
        ("of several issuers", json!({ "iss": ["https://id.example.org"] }), Some(Refusal::Claims)),
        ("of no issuer", json!({ "iss": null }), Some(Refusal::Issuer)),
        ("for another program", json!({ "aud": "mail" }), Some(Refusal::Audience)),
        ("for several programs", json!({ "aud": ["mail", "updraft"] }), None),
        ("for no program", json!({ "aud": null }), Some(Refusal::Audience)),
        ("for a program whose name begins so", json!({ "aud": "updraft2" }), Some(Refusal::Audience)),
        ("of nobody", json!({ "sub": null }), Some(Refusal::Claims)),
        ("of an empty name", json!({ "sub": "" }), Some(Refusal::Claims)),
        ("of a name that breaks a log line", json!({ "sub": "ada\nroot" }), Some(Refusal::Claims)),
        ("of a very long name", json!({ "sub": "a".repeat(257) }), Some(Refusal::Claims)),
        ("a device that is none", json!({ "devices": ["110B9"] }), Some(Refusal::Claims)),
        ("an aircraft that is none", json!({ "aircraft_kind": "zeppelin" }), Some(Refusal::Claims)),
    ];
    for (what, changes, expected) in cases {
        let found = at(&issuer.token(&with(changes)), &keys, NOW_S);
        assert_eq!(found.err(), expected, "{what}");
    }
    // Two claims of one name: which of them another program reads is open.
    let twice = claims().to_string().replacen('{', "{\"sub\":\"root\",", 1);
    assert_eq!(at(&issuer.token_of_text(&twice), &keys, NOW_S).err(), Some(Refusal::Claims));
    assert_eq!(at(&issuer.token_of_text("{"), &keys, NOW_S).err(), Some(Refusal::Claims));
}

#[test]
fn scopes_and_roles_are_read() {
    let issuer = Issuer::new("a", Algorithm::EdDsa);
    let keys = keys(&[&issuer]);
    let scopes = |changes| at(&issuer.token(&with(changes)), &keys, NOW_S).expect("accepted").scopes;
    assert_eq!(scopes(json!({ "scope": null })), Scopes::PUBLIC);
    assert_eq!(scopes(json!({ "scope": "openid  validation:read" })), Scopes::PUBLIC.with(Scope::ValidationRead));
    assert_eq!(scopes(json!({ "scope": null, "roles": ["operator"] })), Scopes::ALL);
    assert_eq!(scopes(json!({ "scope": "validation:read", "roles": "pilot" })).iter().count(), 6, "both count");
    assert_eq!(scopes(json!({ "scope": "OPERATOR", "roles": ["Operator"] })), Scopes::PUBLIC, "names are exact");
}

#[test]
fn forged_tokens_are_refused() {
    for algorithm in Algorithm::ALL {
        let (issuer, stranger) = (Issuer::new("a", algorithm), Issuer::new("a", algorithm));
        let keys = keys(&[&issuer]);
        let name = algorithm.as_str();
        let claims = claims();
        let header = |alg: &str| json!({ "alg": alg, "kid": "a" });
        let good = issuer.token(&claims);
        assert!(at(&good, &keys, NOW_S).is_ok(), "{name}");
        let (body, signature) = good.rsplit_once('.').expect("three parts");
        let embedded = json!({ "alg": name, "kid": "a", "jwk": stranger.jwk() });
        let linked =
            json!({ "alg": name, "kid": "a", "jku": "https://evil.example/jwks.json", "x5u": "https://evil.example" });
        let critical = json!({ "alg": name, "kid": "a", "crit": ["exp"] });
        let secret = issuer.public_bytes();
        let jwks_text = key_set(&[&issuer]);
        let other = Algorithm::ALL.into_iter().find(|one| *one != algorithm).expect("another one");
        let cases = [
            ("no algorithm", format!("{}.", message(&header("none"), &claims)), Refusal::Algorithm),
            ("no algorithm, in capitals", format!("{}.", message(&header("NONE"), &claims)), Refusal::Algorithm),
            (
                "no algorithm, with a signature",
                format!("{}.{signature}", message(&header("none"), &claims)),
                Refusal::Algorithm,
            ),
            ("the public key as a secret", hmac_token(&header("HS256"), &claims, &secret), Refusal::Algorithm),
            (
                "the key set as a secret",
                hmac_token(&header("HS256"), &claims, jwks_text.as_bytes()),
                Refusal::Algorithm,
            ),
            ("an HMAC that calls itself a signature", hmac_token(&header(name), &claims, &secret), Refusal::Signature),
            ("an empty secret", hmac_token(&header(name), &claims, b""), Refusal::Signature),
            (
                "another algorithm of the provider",
                issuer.token_with_header(&header(other.as_str()), &claims),
                Refusal::UnknownKey,
            ),
            ("an algorithm of the same kind", issuer.token_with_header(&header("RS512"), &claims), Refusal::Algorithm),
            ("a stranger's key of the same name", stranger.token(&claims), Refusal::Signature),
            ("a key in the token", stranger.token_with_header(&embedded, &claims), Refusal::Signature),
            ("a key elsewhere", stranger.token_with_header(&linked, &claims), Refusal::Signature),
            (
                "another key's name",
                stranger.token_with_header(&json!({ "alg": name, "kid": "b" }), &claims),
                Refusal::UnknownKey,
            ),
            (
                "a path as a key's name",
                issuer.token_with_header(&json!({ "alg": name, "kid": "../../a" }), &claims),
                Refusal::UnknownKey,
            ),
            ("an extension that we do not know", issuer.token_with_header(&critical, &claims), Refusal::Malformed),
            ("no signature", format!("{body}."), Refusal::Signature),
            (
                "other claims under the signature",
                format!("{}.{signature}", message(&header(name), &with(json!({ "sub": "root" })))),
                Refusal::Signature,
            ),
            ("a signature of the wrong length", format!("{good}AAAA"), Refusal::Signature),
            ("four parts", format!("{good}.{signature}"), Refusal::Malformed),
            ("two parts", body.to_owned(), Refusal::Malformed),
            ("a space before", format!(" {good}"), Refusal::Malformed),
            ("padding", format!("{good}="), Refusal::Malformed),
            ("nothing", String::new(), Refusal::Malformed),
            ("dots", "..".to_owned(), Refusal::Malformed),
            ("no text", "\u{0}.\u{0}.\u{0}".to_owned(), Refusal::Malformed),
            ("oversized", format!("{good}{}", "A".repeat(MAX_BYTES)), Refusal::Oversized),
            ("claims that are no object", issuer.token(&json!([1, 2])), Refusal::Claims),
            ("claims that are null", issuer.token(&Value::Null), Refusal::Claims),
        ];
        for (what, token, expected) in cases {
            assert_eq!(at(&token, &keys, NOW_S).err(), Some(expected), "{name}: {what}");
        }
    }
}

#[test]
fn a_token_names_its_key_where_there_are_several() {
    let (one, two) = (Issuer::new("one", Algorithm::Es256), Issuer::new("two", Algorithm::Es256));
    let both = keys(&[&one, &two]);
    let unnamed = two.token_with_header(&json!({ "alg": "ES256" }), &claims());
    assert_eq!(at(&unnamed, &both, NOW_S).err(), Some(Refusal::NoKeyId));
    assert!(at(&unnamed, &keys(&[&two]), NOW_S).is_ok());
    assert!(at(&one.token(&claims()), &both, NOW_S).is_ok() && at(&two.token(&claims()), &both, NOW_S).is_ok());
    assert_eq!(at(&one.token(&claims()), &keys(&[&two]), NOW_S).err(), Some(Refusal::UnknownKey), "withdrawn");
    assert_eq!(at(&one.token(&claims()), &KeySet::default(), NOW_S).err(), Some(Refusal::NoKeys));
}
