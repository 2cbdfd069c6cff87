//! The radio: which receiver hears which frame, how well, and when the message leaves it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use envelope::{DEFAULT_PREFIX, Topic, Wrapped};

use super::dice::{Dice, Part};
use super::plane::Position3d;
use super::receiver::Receiver;
use super::schedule::SECOND_US;
use super::transmission::Transmission;

/// Receivers that a device in one radio cell can reach: the nearest ones.
const MAX_RECEIVERS_PER_CELL: usize = 4;
/// Receivers further from the middle of a cell than this cannot hear it.
const HORIZON_M: f64 = 110_000.0;
/// Receivers send hardware messages every five minutes.
const HARDWARE_US: u64 = 300 * SECOND_US;
/// Share of the frames that another device repeats.
const RELAYED: f64 = 0.04;
/// Hills shorten the way along the ground: it counts as this many times as long.
const GROUND_FACTOR: f64 = 2.2;
const FORWARD_BIT: u8 = 0x40;

/// One message of a receiver, as it is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reception {
    /// When the message leaves the receiver, microseconds since the Unix epoch.
    pub at_us: u64,
    /// The receiver's chip id.
    pub receiver_id: u32,
    /// The MQTT topic.
    pub topic: String,
    /// The MQTT payload.
    pub payload: Vec<u8>,
}

/// All receivers and their messages in flight.
#[derive(Debug)]
pub(crate) struct Radio {
    start_us: u64,
    receivers: Vec<Receiver>,
    /// Per radio cell, the receivers that may hear it.
    reach: Vec<Vec<usize>>,
    /// Per receiver, the time of its next hardware message.
    hardware_due_us: Vec<u64>,
    dice: Dice,
    pending: BinaryHeap<Reverse<Pending>>,
    sequence: u64,
}

/// A message to come, ordered by time and then by making.
#[derive(Debug)]
struct Pending {
    sequence: u64,
    reception: Reception,
}

impl Radio {
    /// Receivers around radio cells; `cells` are the middles of the cells that transmissions name.
    pub(crate) fn new(seed: u64, start_us: u64, receivers: Vec<Receiver>, cells: &[Position3d]) -> Self {
        let mut dice = Dice::new(seed, Part::Radio, 0);
        let reach = reach(&receivers, cells);
        let hardware_due_us = receivers.iter().map(|_| start_us + (dice.between(1.0, 30.0) * 1e6) as u64).collect();
        Self { start_us, receivers, reach, hardware_due_us, dice, pending: BinaryHeap::new(), sequence: 0 }
    }

    pub(crate) fn receivers(&self) -> &[Receiver] {
        &self.receivers
    }

    /// Delivers a frame to every receiver in reach, and sometimes a repeated copy of it.
    pub(crate) fn carry(&mut self, transmission: &Transmission) {
        self.hear(transmission, &transmission.frame, transmission.sent_at_us);
        let may_be_relayed = transmission.frame.first().is_some_and(|header| header & FORWARD_BIT != 0);
        if may_be_relayed && self.dice.chance(RELAYED) {
            let mut copy = transmission.frame.clone();
            copy[0] &= !FORWARD_BIT;
            let later_us = (self.dice.between(0.1, 0.3) * 1e6) as u64;
            self.hear(transmission, &copy, transmission.sent_at_us + later_us);
        }
    }

    /// Messages that have left their receivers by a time, in the order of leaving.
    pub(crate) fn published(&mut self, to_us: u64, out: &mut Vec<Reception>) {
        self.send_hardware(to_us);
        while self.pending.peek().is_some_and(|Reverse(next)| next.reception.at_us < to_us) {
            if let Some(Reverse(next)) = self.pending.pop() {
                out.push(next.reception);
            }
        }
    }

    fn hear(&mut self, transmission: &Transmission, frame: &[u8], on_air_us: u64) {
        let factor = if transmission.is_airborne { 1.0 } else { GROUND_FACTOR };
        // 15 ms and 2 ms per byte on the air.
        let heard_us = on_air_us + 15_000 + 2_000 * frame.len() as u64;
        for slot in 0..self.reach.get(transmission.cell).map_or(0, Vec::len) {
            let index = self.reach[transmission.cell][slot];
            let receiver = &self.receivers[index];
            let way_m = factor * receiver.position.distance_m(&transmission.position);
            if !self.dice.chance(0.98 * (1.0 - (way_m / receiver.range_m).powi(4))) {
                continue;
            }
            let (rssi_dbm, snr_db) = strength(way_m, &mut self.dice);
            let timestamp_s = receiver.stamp_s(heard_us, heard_us - self.start_us);
            let held_us = if self.dice.chance(receiver.held_share) { self.dice.between(3e6, 2e7) } else { 0.0 };
            let at_us = heard_us + (self.dice.between(10_000.0, 120_000.0) + held_us) as u64;
            let payload = Wrapped { timestamp_s, rssi_dbm, snr_db, frame }.encode();
            let packet_type = Some(transmission.packet_type().into());
            let name = receiver.id.to_string();
            let topic = Topic::Frame { receiver: &name, packet_type }.under(DEFAULT_PREFIX);
            let reception = Reception { at_us, receiver_id: receiver.id, topic, payload };
            self.push(reception);
        }
    }

    fn send_hardware(&mut self, to_us: u64) {
        for index in 0..self.receivers.len() {
            while self.hardware_due_us[index] < to_us {
                let at_us = self.hardware_due_us[index];
                self.hardware_due_us[index] += HARDWARE_US;
                let receiver = &self.receivers[index];
                let Position3d { latitude_deg, longitude_deg, altitude_m } = receiver.position;
                let payload = serde_json::json!({
                    "firmware": "simulated-1",
                    "uptime_s": (at_us - self.start_us) / SECOND_US,
                    "latitude_deg": latitude_deg,
                    "longitude_deg": longitude_deg,
                    "altitude_m": altitude_m,
                });
                let topic = Topic::Hardware { receiver: &receiver.id.to_string() }.under(DEFAULT_PREFIX);
                let payload = payload.to_string().into_bytes();
                let reception = Reception { at_us, receiver_id: receiver.id, topic, payload };
                self.push(reception);
            }
        }
    }

    fn push(&mut self, reception: Reception) {
        self.sequence += 1;
        self.pending.push(Reverse(Pending { sequence: self.sequence, reception }));
    }
}

impl Pending {
    fn key(&self) -> (u64, u64) {
        (self.reception.at_us, self.sequence)
    }
}

impl PartialEq for Pending {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Pending {}

impl PartialOrd for Pending {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pending {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// Signal strength (dBm) and signal-to-noise ratio (dB) over a distance: about -75 dBm at 1 km, -118 dBm at 50 km.
fn strength(way_m: f64, dice: &mut Dice) -> (i16, i16) {
    let rssi_dbm = -75.0 - 25.0 * (way_m.max(100.0) / 1_000.0).log10() + dice.spread(2.0);
    let snr_db = ((rssi_dbm + 122.0) / 2.0 + dice.spread(1.0)).clamp(-12.0, 12.0);
    (rssi_dbm.round() as i16, snr_db.round() as i16)
}

/// For each cell the nearest receivers, through a table by degree, so that the cost stays linear in the cells.
fn reach(receivers: &[Receiver], cells: &[Position3d]) -> Vec<Vec<usize>> {
    let square = |position: &Position3d| (position.latitude_deg.floor() as i32, position.longitude_deg.floor() as i32);
    let mut table: std::collections::HashMap<(i32, i32), Vec<usize>> = std::collections::HashMap::new();
    for (index, receiver) in receivers.iter().enumerate() {
        table.entry(square(&receiver.position)).or_default().push(index);
    }
    let nearest = |cell: &Position3d| {
        let (row, column) = square(cell);
        let around = (row - 1..=row + 1).flat_map(|row| (column - 2..=column + 2).map(move |column| (row, column)));
        let near = around.filter_map(|square| table.get(&square)).flatten().copied();
        let mut near: Vec<(f64, usize)> =
            near.map(|index| (receivers[index].position.distance_m(cell), index)).collect();
        near.retain(|(distance_m, _)| *distance_m < HORIZON_M);
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        near.truncate(MAX_RECEIVERS_PER_CELL);
        near.into_iter().map(|(_, index)| index).collect()
    };
    cells.iter().map(nearest).collect()
}

#[cfg(test)]
mod tests;
