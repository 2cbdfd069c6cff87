//! Devices as checkpoints keep them.

use schemas::v1::{Audience, DeviceMemory, ObjectKind};

use crate::core::aircraft::Aircraft;
use crate::core::alert::{Alert, Raised};
use crate::core::device::{Device, HeardBy, Rare};
use crate::core::ground::Ground;
use crate::core::privacy::Consent;
use crate::core::publish::Shown;
use crate::core::score::Score;
use crate::core::station::Station;
use crate::core::time::ReceiverNames;
use crate::dedupe::LatestFrames;

impl Device {
    /// As the checkpoint keeps it.
    pub fn to_memory(&self) -> DeviceMemory {
        let (score, last_fix, suspect_fix) = self.score.to_memory();
        let heard = |heard: &HeardBy| schemas::v1::HeardBy {
            receiver_id: heard.receiver.to_string(),
            rssi_dbm: heard.rssi_dbm.into(),
            snr_db: heard.snr_db.into(),
            heard_at_us: heard.heard_at_us(self.last_seen_us),
        };
        let rare = self.rare.as_deref();
        DeviceMemory {
            device: self.address,
            next_offset: self.next_offset,
            last_seen_us: self.last_seen_us,
            name: self.name.as_deref().map(str::to_owned),
            consent: Some(self.consent.to_memory()),
            score: Some(score),
            heard: self.frames.to_memory(),
            heard_by: self.heard_by.iter().map(heard).collect(),
            last_fix,
            suspect_fix,
            aircraft: self
                .aircraft
                .as_ref()
                .map(|aircraft| aircraft.to_memory(self.address, self.shown.of(ObjectKind::Aircraft))),
            ground: self.ground.as_ref().map(|ground| ground.to_memory(self.shown.of(ObjectKind::Ground))),
            station: self.station.as_ref().map(|station| station.to_memory(self.shown.of(ObjectKind::Station))),
            alert: self.alert.as_ref().map(|alert| alert.to_memory(self.shown.of(ObjectKind::Alert))),
            alerts_raised_at_us: rare.map(|rare| rare.raised.0.clone()).unwrap_or_default(),
            command_ids: rare
                .map(|rare| rare.command_ids.iter().map(|id| id.to_string()).collect())
                .unwrap_or_default(),
        }
    }

    /// From a checkpoint; receivers' names are shared with those of `names`.
    pub fn from_memory(memory: &DeviceMemory, names: &mut ReceiverNames) -> Self {
        let mut heard = |heard: &schemas::v1::HeardBy| {
            let (rssi_dbm, snr_db) = (heard.rssi_dbm as i16, heard.snr_db as i16);
            HeardBy::new(&names.shared(&heard.receiver_id), rssi_dbm, snr_db, heard.heard_at_us)
        };
        let rare = Rare {
            raised: Raised(memory.alerts_raised_at_us.clone()),
            command_ids: memory.command_ids.iter().map(|id| id.as_str().into()).collect(),
        };
        let score = memory.score.unwrap_or_default();
        Self {
            next_offset: memory.next_offset,
            last_seen_us: memory.last_seen_us,
            shown: Shown::new(
                memory.aircraft.as_ref().map_or(Audience::Unspecified, |memory| memory.audience()),
                memory.ground.as_ref().map_or(Audience::Unspecified, |memory| memory.audience()),
                memory.station.as_ref().map_or(Audience::Unspecified, |memory| memory.audience()),
                memory.alert.as_ref().map_or(Audience::Unspecified, |memory| memory.audience()),
            ),
            name: memory.name.as_deref().map(Into::into),
            consent: memory.consent.as_ref().map(Consent::from_memory).unwrap_or_default(),
            score: Score::from_memory(&score, memory.last_fix.as_ref(), memory.suspect_fix.as_ref()),
            frames: LatestFrames::from_memory(&memory.heard),
            heard_by: memory.heard_by.iter().map(&mut heard).collect(),
            aircraft: memory.aircraft.as_ref().map(|memory| Box::new(Aircraft::from_memory(memory))),
            ground: memory.ground.as_ref().map(|memory| Box::new(Ground::from_memory(memory))),
            station: memory.station.as_ref().map(|memory| Box::new(Station::from_memory(memory))),
            alert: memory.alert.as_ref().map(|memory| Box::new(Alert::from_memory(memory))),
            rare: (rare != Rare::default()).then(|| Box::new(rare)),
            ..Self::new(memory.device)
        }
    }
}
