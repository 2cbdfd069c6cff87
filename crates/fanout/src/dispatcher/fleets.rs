//! The fleets of clients: asked for, granted, changed, ended.
//!
//! Whether a client may see a fleet is not known here: the caller finds out, and writes down that hidden devices are looked
//! at, before the first of them is sent. What the client asks for meanwhile waits, so that requests keep their order.

use std::collections::VecDeque;

use schemas::v1::{self, client_message, server_message};

use super::fleet_request::FleetRequest;
use super::{Dispatcher, Now};
use crate::client::{Asking, Client};
use crate::compose::message;
use crate::fleet::{Fleet, FleetKey};
use crate::hub::ClientId;
use crate::session::Refusal;
use crate::view::View;
use crate::wire::Frames;
use rustc_hash::FxHashMap;

/// Requests of one client that wait behind one for a fleet; with more, the client is closed.
const MAX_QUEUED: usize = 32;

impl Client {
    /// Queues a request where one for a fleet is before it. Returns the message where it can be handled now.
    pub(super) fn queue_behind_fleet(&mut self, received: v1::ClientMessage) -> Option<v1::ClientMessage> {
        let changes = matches!(
            received.message,
            Some(client_message::Message::Subscribe(_) | client_message::Message::Unsubscribe(_))
        );
        match &mut self.asking {
            Some(asking) if changes => {
                asking.queued.push_back(received);
                if asking.queued.len() > MAX_QUEUED {
                    self.close(crate::close::CloseCode::TooMany);
                }
                None
            }
            _ => Some(received),
        }
    }
}

impl Dispatcher {
    /// The fleets that clients have asked for since the last call. Each gets a [`Dispatcher::grant_fleet`].
    pub fn take_fleet_requests(&mut self) -> Vec<FleetRequest> {
        std::mem::take(&mut self.fleet_requests)
    }

    pub(super) fn ask_fleet(&mut self, id: ClientId, request_id: u64, subscribe: v1::Subscribe) {
        let Some(client) = self.clients.get_mut(id.0 as usize) else { return };
        self.last_ticket += 1;
        let ticket = self.last_ticket;
        let fleet = subscribe.fleet.clone().unwrap_or_default();
        client.asking = Some(Asking { ticket, request_id, subscribe, queued: VecDeque::new() });
        self.fleet_requests.push(FleetRequest { client: id, ticket, fleet });
    }

    /// Answers a request for a fleet. One of a client that has gone is ignored.
    pub fn grant_fleet(
        &mut self,
        id: ClientId,
        ticket: u64,
        fleet: Result<Fleet, Refusal>,
        view: &View,
        now: Now,
    ) -> bool {
        let Some(client) = self.clients.get_mut(id.0 as usize) else { return false };
        let Some(Asking { request_id, subscribe, mut queued, .. }) =
            client.asking.take_if(|asking| asking.ticket == ticket)
        else {
            return false;
        };
        let action = client.session.granted(&self.settings, request_id, &subscribe, fleet, &mut self.covers);
        self.act(id, action, view);
        while let Some(received) = queued.pop_front() {
            // Where one of them asks for a fleet again, those after it wait again.
            self.received(id, received, view, now);
        }
        true
    }

    /// The fleet of a client's subscription.
    pub fn fleet_of(&self, id: ClientId) -> Option<&Fleet> {
        self.clients.get(id.0 as usize)?.session.subscription().fleet()
    }

    /// The clients that have a fleet.
    pub fn clients_of_fleet(&self, fleet: &str) -> Vec<ClientId> {
        let has = |client: &Client| client.session.subscription().fleet().is_some_and(|known| known.id() == fleet);
        self.clients.iter().filter(|(_, client)| has(client)).map(|(_, client)| client.id).collect()
    }

    /// A fleet has changed: what each of its clients sees of it now, or that it has ended for the client. Returns the clients
    /// with something to send.
    pub fn renew_fleet(&mut self, renewed: Vec<(ClientId, Option<Fleet>)>, view: &View, now: Now) -> Vec<ClientId> {
        let mut frames: FxHashMap<FleetKey, Frames> = FxHashMap::default();
        let mut touched = Vec::new();
        for (id, fleet) in renewed {
            let Some(client) = self.clients.get_mut(id.0 as usize) else { continue };
            let list = match &fleet {
                Some(fleet) => {
                    self.hub.renew(fleet, view);
                    frames.entry(fleet.key()).or_insert_with(|| self.encoder.frames(&list(fleet, now.us), |_| true))
                }
                None => frames
                    .entry(FleetKey { number: u32::MAX, sees_hidden: false })
                    .or_insert_with(|| self.encoder.frames(&ended(), |_| true)),
            };
            client.push(list.of(client.wire).clone());
            client.session.renew_fleet(fleet.clone());
            client.renew_fleet(fleet, &mut self.hub, view);
            touched.push(id);
        }
        touched
    }
}

fn list(fleet: &Fleet, at_us: u64) -> v1::ServerMessage {
    message(server_message::Message::Updates(v1::UpdateBatch {
        server_at_us: at_us,
        fleet: Some(fleet.message()),
        ..Default::default()
    }))
}

fn ended() -> v1::ServerMessage {
    message(server_message::Message::Error(v1::Error {
        request_id: None,
        code: "fleet_ended".to_owned(),
        message: "the fleet was removed, or you are no longer one of its members: the rest of the subscription stays"
            .to_owned(),
    }))
}
