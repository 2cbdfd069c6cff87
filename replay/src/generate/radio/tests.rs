use fanet::Frame;

use super::*;

const START_US: u64 = 1_780_308_000_000_000;
const HERE: Position3d = Position3d { latitude_deg: 46.5, longitude_deg: 8.0, altitude_m: 2_000.0 };
/// A tracking frame that may be relayed.
const FRAME: [u8; 15] = [0x41, 0x11, 0x90, 0x0B, 0x4C, 0xAF, 0x41, 0x1B, 0xC2, 0x09, 0xA6, 0x90, 0x03, 0x00, 0x00];

fn receiver(id: u32, km_north: f64) -> Receiver {
    let position = Position3d { latitude_deg: HERE.latitude_deg + km_north / 111.195, ..HERE };
    Receiver {
        id,
        position,
        range_m: 60_000.0,
        clock_offset_s: 0.0,
        clock_drift_ppm: 0.0,
        clock_fault: None,
        held_share: 0.0,
    }
}

fn transmission(sent_at_us: u64, is_airborne: bool) -> Transmission {
    Transmission { sent_at_us, device: 0x11_0B90, frame: FRAME.to_vec(), position: HERE, is_airborne, cell: 0 }
}

/// What receivers at some distances publish of 1,000 transmissions, one per second.
fn publish(km: &[f64], is_airborne: bool) -> Vec<Reception> {
    let receivers = km.iter().enumerate().map(|(index, km)| receiver(index as u32 + 1, *km)).collect();
    let mut radio = Radio::new(1, START_US, receivers, &[HERE]);
    let mut out = Vec::new();
    for second in 0..1_000 {
        radio.carry(&transmission(START_US + second * SECOND_US, is_airborne));
    }
    radio.published(START_US + 2_000 * SECOND_US, &mut out);
    out.retain(|reception| !reception.topic.ends_with("/hw"));
    out
}

fn heard_by(published: &[Reception], id: u32) -> Vec<Wrapped<'_>> {
    let own = published.iter().filter(|reception| reception.receiver_id == id);
    own.map(|reception| Wrapped::decode(&reception.payload).expect("a wrapper")).collect()
}

#[test]
fn near_receivers_hear_more_and_far_ones_nothing() {
    let published = publish(&[2.0, 45.0, 70.0], true);
    let counts = [1, 2, 3].map(|id| heard_by(&published, id).len());
    assert!(counts[0] > 950 && (400..900).contains(&counts[1]) && counts[2] == 0, "{counts:?}");
    let mean = |id| {
        let heard = heard_by(&published, id);
        heard.iter().map(|heard| f64::from(heard.rssi_dbm)).sum::<f64>() / heard.len() as f64
    };
    assert!((-85.0..-78.0).contains(&mean(1)), "{}", mean(1));
    assert!((-120.0..-112.0).contains(&mean(2)), "{}", mean(2));
}

#[test]
fn the_ground_is_heard_less_far() {
    assert!(!publish(&[40.0], true).is_empty());
    assert!(publish(&[40.0], false).is_empty());
}

#[test]
fn relayed_copies_come_later_without_the_forward_bit() {
    let published = publish(&[1.0], true);
    let copies = heard_by(&published, 1).iter().filter(|heard| heard.frame[0] & FORWARD_BIT == 0).count();
    assert!((15..80).contains(&copies), "{copies}");
    for heard in heard_by(&published, 1) {
        assert_eq!(heard.frame[1..], FRAME[1..]);
        assert!(Frame::decode(heard.frame).is_ok());
    }
}

#[test]
fn messages_leave_in_order_after_they_are_heard() {
    let published = publish(&[1.0, 5.0, 20.0], true);
    assert!(published.is_sorted_by_key(|reception| reception.at_us));
    for reception in &published {
        let wrapped = Wrapped::decode(&reception.payload).expect("a wrapper");
        let stamp_us = u64::from(wrapped.timestamp_s) * SECOND_US;
        assert!((stamp_us..stamp_us + 2 * SECOND_US).contains(&reception.at_us));
        assert_eq!(reception.topic, format!("fb/b/{}/f/1", reception.receiver_id));
    }
}

#[test]
fn a_held_up_message_keeps_its_stamp() {
    let slow = Receiver { held_share: 1.0, ..receiver(1, 1.0) };
    let mut radio = Radio::new(1, START_US, vec![slow], &[HERE]);
    let mut out = Vec::new();
    for second in 0..50 {
        radio.carry(&transmission(START_US + second * SECOND_US, true));
    }
    radio.published(START_US + 100 * SECOND_US, &mut out);
    out.retain(|reception| !reception.topic.ends_with("/hw"));
    assert!(out.len() > 40);
    for reception in &out {
        let wrapped = Wrapped::decode(&reception.payload).expect("a wrapper");
        assert!(reception.at_us - u64::from(wrapped.timestamp_s) * SECOND_US > 3 * SECOND_US);
    }
}

#[test]
fn receivers_send_hardware_every_five_minutes() {
    let mut radio = Radio::new(1, START_US, vec![receiver(7, 1.0)], &[HERE]);
    let mut out = Vec::new();
    radio.published(START_US + 1_200 * SECOND_US, &mut out);
    assert_eq!(out.len(), 4);
    for reception in &out {
        assert_eq!(reception.topic, "fb/b/7/hw");
        let hardware: serde_json::Value = serde_json::from_slice(&reception.payload).expect("JSON");
        assert_eq!(hardware["altitude_m"], 2_000.0);
    }
}
