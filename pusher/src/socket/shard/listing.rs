//! Lists the connections of a shard.

use schemas::v1::ConnectionView;

use super::Shard;
use crate::socket::connection::Connection;
use fanout::hub::ClientId;

impl Shard {
    /// The connections, those with credentials first, at most `most`.
    pub(super) fn list(&self, most: usize) -> Vec<ConnectionView> {
        let open = || (0..).zip(&self.connections).filter_map(|(index, slot)| Some((ClientId(index), slot.as_ref()?)));
        let known = open().filter(|(_, connection)| connection.requester.is_some());
        let unknown = open().filter(|(_, connection)| connection.requester.is_none());
        known.chain(unknown).take(most).map(|(id, connection)| self.view(id, connection)).collect()
    }

    fn view(&self, id: ClientId, connection: &Connection) -> ConnectionView {
        let requester = connection.requester.as_deref();
        let caller = requester.map(|requester| &requester.caller);
        let mut view = ConnectionView {
            instance: String::new(),
            opened_at_us: connection.opened_at_us,
            client_class: requester.map(|requester| requester.client_class.to_owned()),
            subject: caller.map(|caller| caller.subject.clone()),
            credential: caller.map(|caller| caller.credential.as_str().to_owned()),
            company: caller.and_then(|caller| caller.company.clone()),
            ..ConnectionView::default()
        };
        if let Some(subscription) = self.dispatcher.subscription_of(id) {
            let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
            view.fleet = subscription.fleet().map(|fleet| fleet.id().to_owned());
            view.cells = number(subscription.cells().len());
            view.followed_devices = number(subscription.followed());
            view.kinds = subscription.kinds().iter().map(|kind| kind.wire().into()).collect();
            view.rate = subscription.rate().as_str().to_owned();
        }
        view
    }
}
