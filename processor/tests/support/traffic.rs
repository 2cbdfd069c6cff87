//! Simulated radio traffic as raw records: pilots who circle and glide, hidden ones, stations, ground objects, calls for
//! help, names, thermals; each frame heard by several receivers with clocks of their own, some copies late; ticks.

use fanet::packet::{AircraftType, GroundTracking, GroundType, Name, Service, Thermal, Tracking, Wind};
use fanet::{Address, Frame, Header, Packet, Position, Text, Wrapped};
use schemas::v1::raw_record::Input;
use schemas::v1::{RawRecord, Tick};

/// A fixed start time, microseconds since the epoch.
pub(crate) const START_US: u64 = 1_750_000_000_000_000;

/// A small deterministic random number generator.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(1))
    }

    pub(crate) fn next(&mut self) -> u64 {
        // Xorshift with a multiplication; good enough to scatter test data.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(crate) fn share(&mut self) -> f64 {
        self.next() as f64 / (1_u64 << 53) as f64
    }
}

/// What to simulate.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) devices: u32,
    pub(crate) seconds: u64,
    pub(crate) receivers: u32,
    pub(crate) seed: u64,
    /// When it begins, microseconds since the epoch.
    pub(crate) start_us: u64,
}

/// One record and its key (`None`: a tick, for every partition).
pub(crate) struct Sent {
    pub(crate) key: Option<String>,
    pub(crate) record: RawRecord,
}

/// The records of a plan in the order of ingest.
pub(crate) fn records(plan: Plan) -> Vec<Sent> {
    let mut dice = Dice::new(plan.seed);
    let mut sent = Vec::new();
    for second in 0..plan.seconds {
        if second % 5 == 0 {
            let tick = Input::Tick(Tick { bridge_id: "bridge".into(), interval_s: 5 });
            sent.push(Sent { key: None, record: record(plan.start_us + second * 1_000_000, None, tick) });
        }
        for device in 0..plan.devices {
            // Each every five seconds, not all in the same.
            if second % 5 == u64::from(device) % 5 {
                frames(device, second, &plan, &mut dice, &mut sent);
            }
        }
    }
    sent.sort_by_key(|sent| sent.record.ingested_at_us);
    sent
}

fn frames(device: u32, second: u64, plan: &Plan, dice: &mut Dice, sent: &mut Vec<Sent>) {
    let number = device + 1;
    let source = Address::new(0xFC - (number >> 16) as u8, number as u16);
    let round = second / 5;
    let packet = packet(device, second, round, dice);
    let header = Header { forward: dice.below(2) == 0, ..Header::broadcast(source) };
    let Ok(bytes) = Frame::new(header, packet).encode() else { return };
    let sent_us = second * 1_000_000 + dice.below(900_000);
    for copy in 0..plan.receivers {
        let receiver = (device + copy) % (plan.receivers * 8);
        let on_time_us = sent_us + 20_000 + dice.below(80_000);
        // At times a receiver's connection is slow.
        let late_us = if dice.below(200) == 0 { 3_000_000 + dice.below(20_000_000) } else { 0 };
        let clock_is_off_s = i64::from(receiver % 7) * 9 - 20;
        let stamp_s = ((plan.start_us + on_time_us) / 1_000_000).cast_signed() + clock_is_off_s;
        let rssi_dbm = -70 - (dice.below(50) as i16);
        let wrapped = Wrapped { timestamp_s: stamp_s as u32, rssi_dbm, snr_db: 4, frame: &bytes };
        let input = Input::MqttFrame(wrapped.encode().into());
        let record = record(plan.start_us + on_time_us + late_us, Some(format!("{}", 8_000_000 + receiver)), input);
        sent.push(Sent { key: Some(source.to_string()), record });
    }
}

fn packet(device: u32, second: u64, round: u64, dice: &mut Dice) -> Packet<'static> {
    const NAMES: [&str; 4] = ["Eva", "Åsa", "Tomaž", "日本"];
    let position = position_at(device, second);
    let online_tracking = device % 9 != 4;
    match device % 20 {
        19 => Packet::Service(Service {
            position: Some(position),
            temperature_c: Some(dice.below(60) as f64 / 2.0),
            wind: Some(Wind { from_deg: 90.0, speed_kmh: dice.below(40) as f64, gust_kmh: 44.0 }),
            ..Service::default()
        }),
        18 => {
            let calls = round % 40 > 30;
            let ground_type = if calls { GroundType::Distress } else { GroundType::Walking };
            Packet::GroundTracking(GroundTracking { position, ground_type, online_tracking })
        }
        _ if round % 20 == u64::from(device % 20) => Packet::Name(Name { name: Text::new(NAMES[device as usize % 4]) }),
        _ if round % 25 == 7 => Packet::Thermal(Thermal {
            position,
            confidence: 6,
            altitude_m: 1_500,
            climb_mps: 2.0,
            wind_speed_kmh: 8.0,
            wind_from_deg: 270.0,
        }),
        // Noise: an impossible position.
        _ if dice.below(300) == 0 => {
            let impossible = Position::new(dice.share() * 80.0, dice.share() * 170.0);
            Packet::Tracking(Tracking { position: impossible, ..tracking(device, second, online_tracking) })
        }
        _ => Packet::Tracking(tracking(device, second, online_tracking)),
    }
}

fn tracking(device: u32, second: u64, online_tracking: bool) -> Tracking {
    let circling = is_circling(device, second);
    Tracking {
        position: position_at(device, second),
        online_tracking,
        aircraft_type: AircraftType::Paraglider,
        altitude_m: 900 + ((second + u64::from(device) * 37) % 600) as i32 * 2,
        speed_kmh: 36.0,
        climb_mps: if circling { 2.0 } else { -1.2 },
        heading_deg: if circling { (second as f64 * 15.0 + 90.0) % 360.0 } else { 90.0 },
        turn_rate_dps: circling.then_some(15.0),
        qne_offset_m: None,
    }
}

fn is_circling(device: u32, second: u64) -> bool {
    (second / 120 + u64::from(device)).is_multiple_of(2)
}

/// Slowly eastwards, in circles half of the time.
fn position_at(device: u32, second: u64) -> Position {
    let home = Position::new(45.0 + f64::from(device % 100) * 0.02, 6.0 + f64::from(device / 100) * 0.02);
    let still = device % 20 >= 18;
    let drift = if still { 0.0 } else { (second % 1_800) as f64 * 2.0e-5 };
    let angle = second as f64 * 15.0_f64.to_radians();
    let radius = if is_circling(device, second) && !still { 4.0e-4 } else { 0.0 };
    Position::new(home.latitude_deg + radius * angle.cos(), home.longitude_deg + drift + radius * 1.4 * angle.sin())
}

fn record(ingested_at_us: u64, receiver_id: Option<String>, input: Input) -> RawRecord {
    RawRecord { ingested_at_us, receiver_id, origin_id: None, input: Some(input) }
}
