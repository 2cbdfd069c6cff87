//! Devices as checkpoints keep them.

use schemas::v1::{Audience, DeviceMemory};

use crate::core::aircraft::Aircraft;
use crate::core::alert::{Alert, Raised};
use crate::core::device::{Device, HeardBy};
use crate::core::ground::Ground;
use crate::core::privacy::Consent;
use crate::core::publish::Shown;
use crate::core::score::Score;
use crate::core::station::Station;
use crate::dedupe::LatestFrames;

impl Device {
    /// As the checkpoint keeps it.
    pub fn to_memory(&self) -> DeviceMemory {
        let (score, last_fix, suspect_fix) = self.score.to_memory();
        let heard = |heard: &HeardBy| schemas::v1::HeardBy {
            receiver_id: heard.receiver.as_ref().to_owned(),
            rssi_dbm: heard.rssi_dbm.into(),
            snr_db: heard.snr_db.into(),
            heard_at_us: heard.heard_at_us,
        };
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
            aircraft: self.aircraft.as_ref().map(|aircraft| aircraft.to_memory(self.shown.aircraft)),
            ground: self.ground.as_ref().map(|ground| ground.to_memory(self.shown.ground)),
            station: self.station.as_ref().map(|station| station.to_memory(self.shown.station)),
            alert: self.alert.as_ref().map(|alert| alert.to_memory(self.shown.alert)),
            alerts_raised_at_us: self.raised.0.clone(),
            command_ids: self.command_ids.iter().map(|id| id.as_ref().to_owned()).collect(),
        }
    }

    /// From a checkpoint.
    pub fn from_memory(memory: &DeviceMemory) -> Self {
        let heard = |heard: &schemas::v1::HeardBy| HeardBy {
            receiver: heard.receiver_id.as_str().into(),
            rssi_dbm: heard.rssi_dbm as i16,
            snr_db: heard.snr_db as i16,
            heard_at_us: heard.heard_at_us,
        };
        let score = memory.score.unwrap_or_default();
        Self {
            next_offset: memory.next_offset,
            last_seen_us: memory.last_seen_us,
            shown: Shown {
                aircraft: memory.aircraft.as_ref().map_or(Audience::Unspecified, |memory| memory.audience()),
                ground: memory.ground.as_ref().map_or(Audience::Unspecified, |memory| memory.audience()),
                station: memory.station.as_ref().map_or(Audience::Unspecified, |memory| memory.audience()),
                alert: memory.alert.as_ref().map_or(Audience::Unspecified, |memory| memory.audience()),
            },
            name: memory.name.as_deref().map(Into::into),
            consent: memory.consent.as_ref().map(Consent::from_memory).unwrap_or_default(),
            score: Score::from_memory(&score, memory.last_fix.as_ref(), memory.suspect_fix.as_ref()),
            frames: LatestFrames::from_memory(&memory.heard),
            heard_by: memory.heard_by.iter().map(heard).collect(),
            aircraft: memory.aircraft.as_ref().map(|memory| Box::new(Aircraft::from_memory(memory))),
            ground: memory.ground.as_ref().map(|memory| Box::new(Ground::from_memory(memory))),
            station: memory.station.as_ref().map(|memory| Box::new(Station::from_memory(memory))),
            alert: memory.alert.as_ref().map(|memory| Box::new(Alert::from_memory(memory))),
            raised: Raised(memory.alerts_raised_at_us.clone()),
            command_ids: memory.command_ids.iter().map(|id| id.as_str().into()).collect(),
            ..Self::new(memory.device)
        }
    }
}
