//! Devices as checkpoints keep them.

use schemas::object::Kind;
use schemas::v1::{Audience, DeviceMemory};

use crate::core::aircraft::Aircraft;
use crate::core::alert::{Alert, Raised};
use crate::core::conflict::Conflict;
use crate::core::device::{Device, HeardBy, Rare};
use crate::core::ground::Ground;
use crate::core::landmark::Landmark;
use crate::core::privacy::Consent;
use crate::core::receiver_clock::ReceiverClock;
use crate::core::receiver_name::ReceiverNames;
use crate::core::score::Score;
use crate::core::shown::Shown;
use crate::core::station::Station;
use crate::core::text::Text;
use crate::dedupe::LatestFrames;

impl Device {
    /// As the checkpoint keeps it.
    pub fn to_checkpoint(&self) -> DeviceMemory {
        let (score, last_fix, candidate_fixes) = self.score.to_checkpoint();
        let heard = |heard: &HeardBy| schemas::v1::HeardBy {
            receiver_id: heard.receiver.to_string(),
            rssi_dbm: heard.rssi_dbm.into(),
            snr_db: heard.snr_db.into(),
            heard_at_us: heard.heard_at_us(self.last_seen_us),
        };
        let rare = self.rare.as_deref();
        let text = rare.and_then(|rare| rare.text.as_ref());
        DeviceMemory {
            device: self.address,
            next_offset: self.next_offset,
            last_seen_us: self.last_seen_us,
            name: self.name.as_deref().map(str::to_owned),
            consent: Some(self.consent.to_checkpoint()),
            score: Some(score),
            heard: self.frames.to_checkpoint(),
            heard_by: self.heard_by.iter().map(heard).collect(),
            last_fix,
            suspect_fix: None,
            aircraft: self
                .aircraft
                .as_ref()
                .map(|aircraft| aircraft.to_checkpoint(self.address, self.shown.of(Kind::Aircraft))),
            ground: self.ground.as_ref().map(|ground| ground.to_checkpoint(self.shown.of(Kind::Ground))),
            station: self.station.as_ref().map(|station| station.to_checkpoint(self.shown.of(Kind::Station))),
            alert: self.alert.as_ref().map(|alert| alert.to_checkpoint(self.shown.of(Kind::Alert))),
            alerts_raised_at_us: rare.map(|rare| rare.raised.0.clone()).unwrap_or_default(),
            command_ids: rare
                .map(|rare| rare.command_ids.iter().map(|id| id.to_string()).collect())
                .unwrap_or_default(),
            candidate_fixes,
            address_conflict: self.conflict_checkpoint(),
            called_id: rare.map_or(0, |rare| rare.called_id),
            sender_clock: rare
                .and_then(|rare| rare.sender_clock.as_ref())
                .map(|clock| clock.to_checkpoint("", self.last_seen_us)),
            zone_keys: rare.map(|rare| rare.zone_keys.clone()).unwrap_or_default(),
            text: text.map(|text| text.text.to_string()),
            text_at_us: text.map_or(0, |text| text.at_us),
            landmarks: rare
                .map(|rare| rare.landmarks.iter().map(Landmark::to_checkpoint).collect())
                .unwrap_or_default(),
        }
    }

    /// From a checkpoint; receivers' names are shared with those of `names`.
    pub fn from_checkpoint(checkpoint: &DeviceMemory, names: &mut ReceiverNames) -> Self {
        let mut heard = |heard: &schemas::v1::HeardBy| {
            let (rssi_dbm, snr_db) = (heard.rssi_dbm as i16, heard.snr_db as i16);
            HeardBy::new(&names.shared(&heard.receiver_id), rssi_dbm, snr_db, heard.heard_at_us)
        };
        let rare = Rare {
            raised: Raised(checkpoint.alerts_raised_at_us.clone()),
            command_ids: checkpoint.command_ids.iter().map(|id| id.as_str().into()).collect(),
            conflict: checkpoint
                .address_conflict
                .as_ref()
                .map(|checkpoint| Box::new(Conflict::from_checkpoint(checkpoint))),
            called_id: checkpoint.called_id,
            sender_clock: checkpoint.sender_clock.as_ref().map(ReceiverClock::from_checkpoint),
            zone_keys: checkpoint.zone_keys.clone(),
            text: checkpoint
                .text
                .as_ref()
                .map(|text| Text { text: text.as_str().into(), at_us: checkpoint.text_at_us }),
            landmarks: checkpoint.landmarks.iter().map(Landmark::from_checkpoint).collect(),
        };
        let score = checkpoint.score.unwrap_or_default();
        let suspect = checkpoint.suspect_fix.as_slice();
        let candidates = if checkpoint.candidate_fixes.is_empty() { suspect } else { &checkpoint.candidate_fixes };
        Self {
            next_offset: checkpoint.next_offset,
            last_seen_us: checkpoint.last_seen_us,
            shown: Shown::new(
                checkpoint.aircraft.as_ref().map_or(Audience::Unspecified, |checkpoint| checkpoint.audience()),
                checkpoint.ground.as_ref().map_or(Audience::Unspecified, |checkpoint| checkpoint.audience()),
                checkpoint.station.as_ref().map_or(Audience::Unspecified, |checkpoint| checkpoint.audience()),
                checkpoint.alert.as_ref().map_or(Audience::Unspecified, |checkpoint| checkpoint.audience()),
            ),
            name: checkpoint.name.as_deref().map(Into::into),
            consent: checkpoint.consent.as_ref().map(Consent::from_checkpoint).unwrap_or_default(),
            score: Score::from_checkpoint(&score, checkpoint.last_fix.as_ref(), candidates),
            frames: LatestFrames::from_checkpoint(&checkpoint.heard),
            heard_by: checkpoint.heard_by.iter().map(&mut heard).collect(),
            aircraft: checkpoint.aircraft.as_ref().map(|checkpoint| Box::new(Aircraft::from_checkpoint(checkpoint))),
            ground: checkpoint.ground.as_ref().map(|checkpoint| Box::new(Ground::from_checkpoint(checkpoint))),
            station: checkpoint.station.as_ref().map(|checkpoint| Box::new(Station::from_checkpoint(checkpoint))),
            alert: checkpoint.alert.as_ref().map(|checkpoint| Box::new(Alert::from_checkpoint(checkpoint))),
            rare: (rare != Rare::default()).then(|| Box::new(rare)),
            ..Self::new(checkpoint.device)
        }
    }
}
