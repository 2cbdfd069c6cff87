//! The fleets of a shard's clients.

use std::sync::Arc;

use super::Shard;
use crate::fleets::FleetPermit;
use crate::socket::fleet_requests::{QueuedFleetRequest, UNAVAILABLE};
use crate::socket::message::FleetAnswer;
use fanout::fleet::Fleet;
use fanout::hub::ClientId;
use fanout::session::Refusal;

impl Shard {
    /// Queues the clients' requests for fleets: [`fleet_requests`](crate::socket::fleet_requests) answers them.
    pub(super) fn ask_fleets(&mut self) {
        for request in self.dispatcher.take_fleet_requests() {
            let (client, ticket) = (request.client, request.ticket);
            let requester = self.with(client, |connection| connection.requester.clone()).flatten();
            let refused = match requester {
                None => Refusal::FLEET_NOT_ALLOWED,
                Some(requester) => {
                    let (inbox, waker) = (self.parts.own_inbox.clone(), self.waker.clone());
                    match self.parts.fleet_requests.try_send(QueuedFleetRequest { request, requester, inbox, waker }) {
                        Ok(()) => continue,
                        Err(_) => UNAVAILABLE,
                    }
                }
            };
            self.answer_fleet(FleetAnswer { client, ticket, permit: Err(refused) });
        }
    }

    /// Gives a client the fleet that it has requested, or its refusal.
    pub(super) fn answer_fleet(&mut self, FleetAnswer { client, ticket, permit }: FleetAnswer) {
        let now = self.now();
        let (fleet, permit) = match permit {
            Ok(permit) => {
                let fleet = self.sight(client, &permit.fleet).ok_or(Refusal::FLEET_NOT_ALLOWED);
                (fleet, Some(permit))
            }
            Err(refusal) => (Err(refusal), None),
        };
        if self.dispatcher.grant_fleet(client, ticket, fleet, &self.parts.view.read(), now) {
            self.keep_permit(client, permit);
            self.turn.spend(self.dispatcher.take_work());
            self.ask_fleets();
            self.send_pending(client);
        }
    }

    /// The devices of a fleet that a client may see now. `None`: it may not see the fleet any more.
    pub(super) fn sight(&mut self, client: ClientId, fleet: &str) -> Option<Fleet> {
        let requester = self.with(client, |connection| connection.requester.clone()).flatten()?;
        self.parts.fleets.sight(&requester, fleet)
    }

    /// Sends the clients of changed fleets the devices that they may see now.
    pub(super) fn change_fleets(&mut self, changed: &[Arc<str>]) {
        let now = self.now();
        for fleet in changed {
            let clients = self.dispatcher.clients_of_fleet(fleet);
            let renewed: Vec<_> = clients.into_iter().map(|client| (client, self.sight(client, fleet))).collect();
            let touched = self.dispatcher.renew_fleet(renewed, &self.parts.view.read(), now);
            for client in touched {
                self.keep_permit(client, None);
                self.send_pending(client);
            }
        }
    }

    /// Holds a client's permit, which counts among the subscriptions of its company, as long as the client has the
    /// fleet.
    pub(super) fn keep_permit(&mut self, client: ClientId, permit: Option<FleetPermit>) {
        let present = self.dispatcher.fleet_of(client).map(|fleet| fleet.id().to_owned());
        self.with(client, |connection| {
            let is_present = |permit: &FleetPermit| present.as_deref() == Some(&*permit.fleet);
            if let Some(permit) = permit.filter(is_present) {
                connection.fleet = Some(permit);
            }
            connection.fleet = connection.fleet.take().filter(is_present);
        });
    }
}
