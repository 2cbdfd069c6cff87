//! The cost of a token that was verified before, and of one that is new.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a bench measures and prints")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use access::Algorithm;
use access::testing::{Issuer, key_set};
use access::token::{TokenSettings, verify};
use access::{KeySet, TokenCache};
use serde_json::json;

const NOW_S: u64 = 1_800_000_000;
const TOKENS: usize = 5_000;
const ROUNDS: u32 = 20;

fn main() {
    let issuer = Issuer::new("a", Algorithm::Es256);
    let keys = Arc::new(KeySet::parse(key_set(&[&issuer]).as_bytes()).expect("a key set"));
    let settings = TokenSettings {
        issuer: "https://id.example.org".to_owned(),
        audience: "updraft".to_owned(),
        algorithms: vec![Algorithm::Es256],
    };
    let claims = |number: usize| {
        json!({
            "iss": settings.issuer, "aud": settings.audience, "sub": format!("pilot-{number}"), "exp": NOW_S + 3_600,
            "roles": ["pilot"], "devices": ["110B90"], "name": "Ada Lovelace", "company": "Club Alpin",
        })
    };
    let tokens: Vec<String> = (0..TOKENS).map(|number| issuer.token(&claims(number))).collect();
    let mut cache = TokenCache::new(10_000);
    let started = Instant::now();
    for token in &tokens {
        let caller = verify(token, &settings, &keys, NOW_S).expect("a good token");
        cache.insert(token, &keys, Arc::new(caller));
    }
    print("token_verify_us", started.elapsed(), 1);
    let started = Instant::now();
    for _ in 0..ROUNDS {
        for token in &tokens {
            assert!(black_box(cache.get(black_box(token), &keys, NOW_S)).is_some(), "remembered");
        }
    }
    print("token_check_us", started.elapsed(), ROUNDS);
}

fn print(name: &str, all: Duration, rounds: u32) {
    println!("bench: {name} {:.2} us", all.as_secs_f64() * 1e6 / (TOKENS as f64 * f64::from(rounds)));
}
