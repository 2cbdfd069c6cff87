//! The member of the group of notifications, with the live air picture.

use std::sync::{Arc, OnceLock};

use schemas::DeviceAddress;
use streams::Cluster;

use crate::app::{App, Live};
use crate::notify::{NotifyMember, PublicPicture};
use fanout::view::{Kind, ObjectId};

/// The member. `None`: no keys are set.
pub(crate) fn member(app: &App, cluster: Cluster) -> Option<NotifyMember> {
    let deliverer = app.notifications.deliverer.clone()?;
    let picture = Arc::new(LivePicture(app.live.clone()));
    Some(NotifyMember { deliverer, picture, cluster, context: app.context.clone() })
}

/// The air picture, as soon as it is complete. Until then nothing is shown.
struct LivePicture(Arc<OnceLock<Arc<Live>>>);

impl PublicPicture for LivePicture {
    fn is_complete(&self) -> bool {
        self.0.get().is_some()
    }

    fn shows(&self, device: u32, at_us: u64) -> bool {
        self.0.get().is_some_and(|live| live.privacy.read().public_past(device).shows(at_us))
    }

    fn hides_alert(&self, device: u32) -> bool {
        self.0.get().is_none_or(|live| live.view.read().private().alert(device).is_some())
    }

    fn name(&self, device: u32) -> Option<String> {
        let live = self.0.get()?;
        let id = ObjectId { kind: Kind::Aircraft, key: DeviceAddress(device).0.into() };
        let view = live.view.read();
        view.object(id).and_then(|object| object.state.name().map(str::to_owned))
    }
}
