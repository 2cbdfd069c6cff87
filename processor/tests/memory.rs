//! The memory that made-up devices and receivers take: per id, and bounded.

use air::core::{Bounds, Core, Outputs, RawInput, Settings};
use fanet::packet::{AircraftType, Tracking};
use fanet::{Address, Frame, Header, Packet, Position, Wrapped};
use schemas::v1::RawRecord;
use schemas::v1::raw_record::Input;

const START_S: u64 = 1_750_000_000;
const FLOOD: u32 = 60_000;

/// A position of a made-up device, heard by a made-up receiver.
fn record(number: u32) -> RawRecord {
    let packet = Packet::Tracking(Tracking {
        position: Position { latitude_deg: 46.0 + f64::from(number % 900) * 0.001, longitude_deg: 13.6 },
        online_tracking: true,
        aircraft_type: AircraftType::Paraglider,
        altitude_m: 1_500,
        speed_kmh: 36.0,
        climb_mps: 1.0,
        heading_deg: 0.0,
        turn_rate_dps: None,
        qne_offset_m: None,
    });
    let source = Address::from_u32(0x20_0001 + number).expect("an address");
    let frame = Frame::new(Header::broadcast(source), packet).encode().expect("a frame");
    let at_us = START_S * 1_000_000 + u64::from(number) * 1_000;
    let wrapped = Wrapped { timestamp_s: (at_us / 1_000_000) as u32, rssi_dbm: -90, snr_db: 5, frame: &frame };
    RawRecord {
        ingested_at_us: at_us,
        receiver_id: Some(format!("made-up-receiver-{number}")),
        origin_id: None,
        input: Some(Input::MqttFrame(wrapped.encode().into())),
    }
}

/// Bytes that a core holds after a flood, with checkpoints as in operation.
fn held(bounds: Bounds) -> i64 {
    let mut core = Core::new(3, Settings { bounds, ..Settings::default() });
    let counted = allocation_counter::measure(|| {
        let mut out = Outputs::default();
        for number in 0..FLOOD {
            core.apply(&RawInput { offset: u64::from(number), record: &record(number) }, &mut out);
            out.clear();
            if number % 5_000 == 4_999 {
                core.changed_checkpoints("epoch");
            }
        }
        core.changed_checkpoints("epoch");
        core.changed_checkpoints("epoch");
    });
    counted.bytes_current
}

#[test]
fn a_flood_of_made_up_ids_is_bounded() {
    let unbounded = held(Bounds { devices: 1_000_000, receivers: 1_000_000 });
    let bounded = held(Bounds { devices: 2_000, receivers: 1_000 });
    println!(
        "{FLOOD} made-up devices and receivers: {} bytes for each of both without a bound, {} KiB in all with one",
        unbounded / i64::from(FLOOD),
        bounded / 1024
    );
    assert!(unbounded > 20_000_000, "{unbounded}: the flood takes memory");
    assert!(bounded < 8_000_000, "{bounded} bytes");
}
