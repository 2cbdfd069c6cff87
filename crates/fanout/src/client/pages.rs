//! A snapshot in pages, each composed when the socket can take it.

use schemas::v1::{self, server_message};

use crate::compose;
use crate::fleet::{Fleet, Sight};
use crate::subscription::Subscription;
use crate::view::{ObjectId, View};

/// Objects on a page: about 12 KB.
const PAGE_OBJECTS: usize = 256;

/// How many pages this number of objects has.
pub(super) fn count(objects: usize) -> usize {
    objects.div_ceil(PAGE_OBJECTS).max(1)
}

/// The purpose of the pages.
#[derive(Debug)]
pub(super) enum Form {
    /// They answer a subscription.
    Answer {
        /// The id of the client's request; 0 for the URL.
        request_id: u64,
        /// All cells of the subscription.
        cells: Vec<String>,
        /// After a resume: whether the token was accepted.
        resumed: Option<bool>,
    },
    /// They send a slow client all objects again.
    Again,
}

#[derive(Debug)]
pub(super) struct Pages {
    form: Form,
    ids: Vec<ObjectId>,
    page: u32,
    paged: bool,
    present: bool,
}

impl Pages {
    /// `present`: the last message has the ids of all present objects.
    pub(super) fn new(form: Form, ids: Vec<ObjectId>, present: bool) -> Self {
        Self { form, ids, page: 0, paged: false, present }
    }

    pub(super) fn is_answer(&self) -> bool {
        matches!(self.form, Form::Answer { .. })
    }

    /// Whether the client has received the cells of these pages.
    pub(super) fn is_begun(&self) -> bool {
        self.page > 0 || !self.is_answer()
    }

    pub(super) fn is_done(&self) -> bool {
        self.paged && !self.present
    }

    /// The next message. The ids of present objects are those at the time of sending, so that the client does not drop
    /// newer objects.
    pub(super) fn next(&mut self, view: &View, subscription: &Subscription, at_us: u64) -> server_message::Message {
        if self.paged {
            self.present = false;
            return server_message::Message::Present(compose::present(view, subscription));
        }
        let rest = self.ids.split_off(self.ids.len().min(PAGE_OBJECTS));
        let ids = std::mem::replace(&mut self.ids, rest);
        self.paged = self.ids.is_empty();
        let mut objects = v1::Objects::default();
        for object in ids.iter().filter_map(|id| Sight::of(subscription.fleet()).object(view, *id)) {
            object.add_to(&mut objects, at_us, true);
        }
        let page = self.page;
        self.page += 1;
        match &mut self.form {
            Form::Again => server_message::Message::Updates(v1::UpdateBatch {
                server_at_us: at_us,
                objects: (!ids.is_empty()).then_some(objects),
                ..Default::default()
            }),
            Form::Answer { request_id, cells, resumed } => server_message::Message::Snapshot(v1::Snapshot {
                request_id: *request_id,
                page,
                live: self.paged,
                cells: std::mem::take(cells),
                resumed: *resumed,
                objects: (!ids.is_empty()).then_some(objects),
                server_at_us: at_us,
                fleet: subscription.fleet().filter(|_| page == 0).map(Fleet::message),
            }),
        }
    }
}
