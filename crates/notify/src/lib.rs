//! Notifications of alerts and zone events.
//!
//! - [`Event`]: what happened, and its name, which is the same after a restart or a replay
//! - [`filter`]: who gets it
//! - [`Language`]: its text
//! - [`signature`]: the secrets of webhooks, and the signature of a request (Standard Webhooks)
//! - [`web_push`]: the encryption for browsers, and the token for push services
//! - [`Outbox`]: what is to be delivered, what was, and when it is tried again
//!
//! All of it is pure: the caller passes the time and the randomness.

mod body;
mod event;
pub mod filter;
mod outbox;
pub mod signature;
mod text;
pub mod web_push;

pub use body::{body, test_body};
pub use event::Event;
pub use outbox::{Attempt, Finished, Message, Offer, Origin, Outbox, OutboxSettings, Outcome};
pub use text::Language;
