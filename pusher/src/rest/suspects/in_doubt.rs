//! The devices in doubt as they are answered, and a cache of them.

use std::cmp::Reverse;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use runtime::Clock;
use schemas::v1::ValidationView;

use crate::rest::Problem;

/// Devices of one answer.
const MAX_DEVICES: usize = 1_000;
/// For how long what was read is shared.
const FRESH: Duration = Duration::from_secs(5);

/// Devices in doubt.
#[derive(Debug, Default, PartialEq)]
pub(super) struct InDoubt {
    pub(super) devices: Vec<ValidationView>,
    /// There are more.
    pub(super) is_cut: bool,
}

impl InDoubt {
    /// Address conflicts first, then by score, the lowest first.
    pub(super) fn new(mut devices: Vec<ValidationView>, is_cut: bool) -> Self {
        devices.sort_unstable_by_key(|view| (Reverse(view.address_conflict.is_some()), view.score, view.device));
        let is_cut = is_cut || devices.len() > MAX_DEVICES;
        devices.truncate(MAX_DEVICES);
        Self { devices, is_cut }
    }
}

/// A cache of the devices in doubt, shared by all requests for a while. One request reads, the others wait for it. Clones
/// share it.
#[derive(Clone)]
pub(crate) struct Suspects(Arc<Inner>);

struct Inner {
    clock: Clock,
    /// Until when it is shared.
    last: tokio::sync::Mutex<Option<(Duration, Arc<InDoubt>)>>,
}

impl Suspects {
    /// Nothing is read yet.
    pub(crate) fn new(clock: Clock) -> Self {
        Self(Arc::new(Inner { clock, last: tokio::sync::Mutex::default() }))
    }

    /// What was read lately, else what `read` gives.
    ///
    /// # Errors
    /// Those of `read`.
    pub(super) async fn get<F>(&self, read: impl FnOnce() -> F) -> Result<Arc<InDoubt>, Problem>
    where
        F: Future<Output = Result<InDoubt, Problem>>,
    {
        let mut last = self.0.last.lock().await;
        if let Some((until, known)) = last.as_ref()
            && self.0.clock.monotonic() < *until
        {
            return Ok(known.clone());
        }
        let found = Arc::new(read().await?);
        *last = Some((self.0.clock.monotonic() + FRESH, found.clone()));
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use schemas::v1::AddressConflict;

    use super::*;

    #[test]
    fn conflicts_come_first_then_the_lowest_scores() {
        let view = |device, score, is_shared: bool| ValidationView {
            device,
            score,
            address_conflict: is_shared.then(AddressConflict::default),
            ..ValidationView::default()
        };
        let some = vec![view(1, 40, false), view(2, 5, false), view(3, 100, true), view(4, 40, false)];
        let listed = InDoubt::new(some, false);
        assert_eq!(listed.devices.iter().map(|view| view.device).collect::<Vec<_>>(), [3, 2, 1, 4]);
        assert!(!listed.is_cut);
        let many = InDoubt::new((0..1_001).map(|device| view(device, 0, false)).collect(), false);
        assert_eq!((many.devices.len(), many.is_cut), (MAX_DEVICES, true));
    }
}
