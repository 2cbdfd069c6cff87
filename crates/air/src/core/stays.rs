//! The zones that an aircraft is in: it enters and leaves them with its positions.
//!
//! Only what is public has stays. A stay ends without an event where the aircraft was not seen to leave: when it expires, is
//! hidden, or becomes a ground object, and when the zone is removed or is valid no more. So neither an import nor a hidden device
//! causes events without a flight.

use geo::Position;
use schemas::RecordId;
use schemas::object::Kind;
use schemas::v1::observation::Body;
use schemas::v1::{self, Audience, Observation, ZoneEvent, ZoneEventKind};
use zones::{Fix, Judgement, Zone};

use crate::core::device::{ApplyContext, Device};
use crate::core::outputs::Outputs;
use crate::core::settings::Settings;

/// Stays of one device at a time; a further zone that it enters is ignored until it leaves another.
const MAX_STAYS: usize = 16;

/// The part of an observation that zone events need.
#[derive(Clone, Copy, Debug)]
pub(super) struct ZoneFix {
    observation_id: u64,
    event_at_us: u64,
    position: v1::Position,
}

impl ZoneFix {
    /// `None`: the observation has no position of an aircraft.
    pub(super) fn of(observation: &Observation) -> Option<Self> {
        let Some(Body::Position(report)) = &observation.body else { return None };
        let (observation_id, event_at_us) = (observation.observation_id, observation.event_at_us);
        report.position.map(|position| Self { observation_id, event_at_us, position })
    }
}

impl Device {
    /// Compares the newest position of a public aircraft with the zones.
    pub(super) fn update_stays(&mut self, newest: &ZoneFix, context: &ApplyContext<'_>, out: &mut Outputs) {
        let has_stays = self.rare.as_ref().is_some_and(|rare| !rare.zone_keys.is_empty());
        if context.zones.is_empty() && !has_stays {
            return;
        }
        let position = Position::new(newest.position.latitude_deg, newest.position.longitude_deg);
        let Some(fix) = Fix::new(position, newest.position.altitude_m) else { return };
        let address = self.address;
        if has_stays {
            self.rare_mut().zone_keys.retain(|key| {
                let Some(zone) = context.zones.by_key(*key) else { return false };
                if !zone.is_valid_at(newest.event_at_us) {
                    return false;
                }
                let has_left = zone.judge_stay(&fix) == Judgement::Outside;
                if has_left {
                    out.zone_events.push(event(address, zone, ZoneEventKind::Leave, newest));
                }
                !has_left
            });
        }
        for zone in context.zones.at(&fix) {
            let keys = self.rare.as_ref().map_or(&[][..], |rare| rare.zone_keys.as_slice());
            let is_known = keys.contains(&zone.key()) || keys.len() == MAX_STAYS;
            if !is_known && zone.is_valid_at(newest.event_at_us) {
                out.zone_events.push(event(address, zone, ZoneEventKind::Enter, newest));
                self.rare_mut().zone_keys.push(zone.key());
            }
        }
    }

    /// Ends the stays of what is public no more.
    pub(super) fn end_hidden_stays(&mut self, settings: &Settings) {
        if self.rare.is_some() && !self.may_have_stays(settings) {
            self.rare_mut().zone_keys.clear();
        }
    }

    /// Whether its aircraft may have stays: public, and not only because it calls for help.
    pub(super) fn may_have_stays(&self, settings: &Settings) -> bool {
        self.shown.of(Kind::Aircraft) == Audience::Public && !self.is_hidden(settings)
    }
}

fn event(device: u32, zone: &Zone, kind: ZoneEventKind, newest: &ZoneFix) -> ZoneEvent {
    ZoneEvent {
        event_id: format!("{}/{}/{}", RecordId(newest.observation_id), zone.set, zone.zone_id),
        observation_id: newest.observation_id,
        device,
        event_at_us: newest.event_at_us,
        event_kind: kind.into(),
        set: zone.set.to_string(),
        zone_id: zone.zone_id.to_string(),
        zone_name: zone.name.to_string(),
        zone_class: zone.zone_class.to_string(),
        position: Some(newest.position),
    }
}
