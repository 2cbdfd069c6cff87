//! The protocol of one connection: messages in, actions out. Pure: without socket and view; the caller passes the time.

mod limits;
mod request;

use std::time::Duration;

use schemas::v1::{self, client_message, server_message};

use crate::close::CloseCode;
use crate::compose::message;
use crate::covers::Covers;
use crate::fleet::Fleet;
use crate::subscription::Subscription;
use crate::work::further_changes;
pub use limits::{Budget, SessionLimits};
pub use request::{Refusal, within_limits};

/// The settings of every session of a process.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// The program's version.
    pub version: &'static str,
    /// The name of the log's data.
    pub epoch: String,
    /// The server sends a ping after this time without a frame of the client, and closes after twice this time.
    pub heartbeat: Duration,
    /// The limits of a client.
    pub limits: SessionLimits,
}

/// What the caller must do.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Send this message.
    Send(Box<v1::ServerMessage>),
    /// Change the subscription, and send the client the objects that it does not have.
    Switch {
        /// The id of the client's message; 0 for the URL.
        request_id: u64,
        /// The new subscription.
        to: Box<Subscription>,
    },
    /// Find out whether the client may see a fleet, and then call [`Session::granted`]: the request is sound beside that.
    AskFleet {
        /// The id of the client's message.
        request_id: u64,
        /// The client's request.
        subscribe: Box<v1::Subscribe>,
    },
    /// Send a ping frame.
    Ping,
    /// Send the close frame, and close.
    Close(CloseCode),
}

/// One connection's state.
#[derive(Debug)]
pub struct Session {
    subscription: Subscription,
    opened_at: Duration,
    last_received_at: Duration,
    pinged_at: Option<Duration>,
    /// The client has sent a message, or its URL has a subscription.
    has_subscribed: bool,
    subscribes: Budget,
    messages: Budget,
}

impl Session {
    /// Opens with the subscription of the URL, to which the caller switches by itself. The first action sends the
    /// welcome.
    pub fn open(settings: &SessionSettings, subscription: Subscription, now: Duration, at_us: u64) -> (Self, Action) {
        let session = Self {
            subscription,
            opened_at: now,
            last_received_at: now,
            pinged_at: None,
            has_subscribed: false,
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

    /// The present subscription.
    pub fn subscription(&self) -> &Subscription {
        &self.subscription
    }

    /// The URL has a subscription, so that the client need not send a message in time.
    pub fn set_subscribed(&mut self) {
        self.has_subscribed = true;
    }

    /// Charges the work of a change: an expensive one counts as several changes per minute.
    pub fn charge(&mut self, work: u32) {
        self.subscribes.charge(further_changes(work));
    }

    /// A frame of the client has arrived.
    fn set_alive(&mut self, now: Duration) {
        self.last_received_at = now;
        self.pinged_at = None;
    }

    /// A frame without a message has arrived: a ping, a pong or a fragment. Returns false when there were too many.
    pub fn frame(&mut self, now: Duration) -> bool {
        self.set_alive(now);
        self.messages.take(now)
    }

    /// A message has arrived.
    pub fn received(
        &mut self,
        settings: &SessionSettings,
        received: v1::ClientMessage,
        covers: &mut Covers,
        now: Duration,
        at_us: u64,
    ) -> Action {
        self.set_alive(now);
        self.has_subscribed = true;
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

    /// Checks the time limits.
    pub fn tick(&mut self, settings: &SessionSettings, now: Duration) -> Option<Action> {
        if !self.has_subscribed && now.saturating_sub(self.opened_at) >= settings.limits.first_message_within {
            return Some(Action::Close(CloseCode::Idle));
        }
        let silent = now.saturating_sub(self.last_received_at);
        if silent >= settings.heartbeat * 2 {
            return Some(Action::Close(CloseCode::Silent));
        }
        if silent >= settings.heartbeat && self.pinged_at.is_none() {
            self.pinged_at = Some(now);
            return Some(Action::Ping);
        }
        None
    }

    /// A fleet was asked for, and the client may see it or not.
    pub fn granted(
        &mut self,
        settings: &SessionSettings,
        request_id: u64,
        subscribe: &v1::Subscribe,
        fleet: Result<Fleet, Refusal>,
        covers: &mut Covers,
    ) -> Action {
        let next = fleet.and_then(|fleet| {
            let next = request::apply(&self.subscription, subscribe, &settings.limits, covers)?;
            Ok(next.with_fleet(Some(fleet)))
        });
        self.switch(request_id, next)
    }

    /// The fleet of its subscription has changed, or has ended.
    pub fn renew_fleet(&mut self, fleet: Option<Fleet>) {
        self.subscription = self.subscription.clone().with_fleet(fleet);
    }

    fn switch(&mut self, request_id: u64, next: Result<Subscription, Refusal>) -> Action {
        match next {
            Ok(to) => {
                self.subscription = to;
                Action::Switch { request_id, to: Box::new(self.subscription.clone()) }
            }
            Err(refusal) => refuse(request_id, &refusal),
        }
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
        let next = request::apply(&self.subscription, subscribe, &settings.limits, covers);
        if next.is_ok() && request::wanted_fleet(&self.subscription, subscribe).is_some() {
            return Action::AskFleet { request_id, subscribe: Box::new(subscribe.clone()) };
        }
        self.switch(request_id, next)
    }
}

/// The error that refuses a request.
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
