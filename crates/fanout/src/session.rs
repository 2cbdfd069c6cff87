//! The protocol of one connection: messages in, actions out. Pure: it knows no socket, no view, and is told the time.

mod limits;
mod request;

use std::time::Duration;

use schemas::v1::{self, client_message, server_message};

use crate::close::CloseCode;
use crate::compose::message;
use crate::covers::Covers;
use crate::subscription::Subscription;
use crate::work::further_changes;
pub use limits::{Budget, SessionLimits};
pub use request::{Refusal, within_limits};

/// What every session of a process is told.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// Of the program.
    pub version: &'static str,
    /// Names the data.
    pub epoch: String,
    /// Silence after which the server asks for a sign of life; twice of it closes.
    pub heartbeat: Duration,
    /// What a client may ask for.
    pub limits: SessionLimits,
}

/// What the shell has to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Send this.
    Send(Box<v1::ServerMessage>),
    /// Look at something else from now on, and tell the client what it does not know of it.
    Switch {
        /// Of the message that asked for it; 0 for the URL.
        request_id: u64,
        /// What to look at.
        to: Box<Subscription>,
    },
    /// Send a control frame that the client must answer.
    AskForLife,
    /// Send the close frame, and close.
    Close(CloseCode),
}

/// One connection's state.
#[derive(Debug)]
pub struct Session {
    subscription: Subscription,
    opened_at: Duration,
    heard_at: Duration,
    asked_at: Option<Duration>,
    /// Asked for something, in its URL or by a message.
    has_asked: bool,
    subscribes: Budget,
    messages: Budget,
}

impl Session {
    /// Opens with the subscription of the URL, which the shell switches to by itself. The welcome is the first action.
    pub fn open(settings: &SessionSettings, subscription: Subscription, now: Duration, at_us: u64) -> (Self, Action) {
        let session = Self {
            subscription,
            opened_at: now,
            heard_at: now,
            asked_at: None,
            has_asked: false,
            subscribes: Budget::per_minute(settings.limits.max_subscribes_per_minute),
            messages: Budget::per_minute(settings.limits.max_messages_per_minute),
        };
        let welcome = v1::Welcome {
            server_at_us: at_us,
            version: settings.version.to_owned(),
            epoch: settings.epoch.clone(),
            heartbeat_interval_s: u32::try_from(settings.heartbeat.as_secs()).unwrap_or(u32::MAX),
            limits: Some(settings.limits.wire()),
        };
        (session, send(server_message::Message::Welcome(welcome)))
    }

    /// What it looks at.
    pub fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    /// The URL asked for something: no first message is waited for.
    pub fn asked(&mut self) {
        self.has_asked = true;
    }

    /// A change that was made was this much work: it takes more of the changes per minute than one where it was much.
    pub fn charge(&mut self, work: u32) {
        self.subscribes.charge(further_changes(work));
    }

    /// Something came from the client.
    fn heard(&mut self, now: Duration) {
        self.heard_at = now;
        self.asked_at = None;
    }

    /// Something came from the client that is no message: a ping, a pong, a fragment. False where there were too many.
    pub fn frame(&mut self, now: Duration) -> bool {
        self.heard(now);
        self.messages.take(now)
    }

    /// A message came from the client.
    pub fn received(
        &mut self,
        settings: &SessionSettings,
        received: v1::ClientMessage,
        covers: &mut Covers,
        now: Duration,
        at_us: u64,
    ) -> Action {
        self.heard(now);
        self.has_asked = true;
        if !self.messages.take(now) {
            return Action::Close(CloseCode::TooMany);
        }
        let request_id = received.request_id;
        match received.message {
            Some(client_message::Message::Ping(_)) => {
                send(server_message::Message::Pong(v1::Pong { request_id, server_at_us: at_us }))
            }
            Some(client_message::Message::Subscribe(subscribe)) => {
                self.subscribe(settings, request_id, &subscribe, covers, now)
            }
            Some(client_message::Message::Unsubscribe(_)) => {
                self.subscription = Subscription::empty();
                Action::Switch { request_id, to: Box::new(self.subscription.clone()) }
            }
            None => refuse(request_id, &Refusal::UNKNOWN_MESSAGE),
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, settings: &SessionSettings, now: Duration) -> Option<Action> {
        if !self.has_asked && now.saturating_sub(self.opened_at) >= settings.limits.first_message_within {
            return Some(Action::Close(CloseCode::Idle));
        }
        let silent = now.saturating_sub(self.heard_at);
        if silent >= settings.heartbeat * 2 {
            return Some(Action::Close(CloseCode::Silent));
        }
        if silent >= settings.heartbeat && self.asked_at.is_none() {
            self.asked_at = Some(now);
            return Some(Action::AskForLife);
        }
        None
    }

    fn subscribe(
        &mut self,
        settings: &SessionSettings,
        request_id: u64,
        subscribe: &v1::Subscribe,
        covers: &mut Covers,
        now: Duration,
    ) -> Action {
        if !self.subscribes.take(now) {
            return refuse(request_id, &Refusal::TOO_MANY_SUBSCRIBES);
        }
        match request::apply(&self.subscription, subscribe, &settings.limits, covers) {
            Ok(to) => {
                self.subscription = to;
                Action::Switch { request_id, to: Box::new(self.subscription.clone()) }
            }
            Err(refusal) => refuse(request_id, &refusal),
        }
    }
}

fn refuse(request_id: u64, refusal: &Refusal) -> Action {
    send(server_message::Message::Error(v1::Error {
        request_id: Some(request_id),
        code: refusal.code.to_owned(),
        message: refusal.message.clone().into_owned(),
    }))
}

fn send(body: server_message::Message) -> Action {
    Action::Send(Box::new(message(body)))
}

#[cfg(test)]
mod tests;
