use super::*;
use crate::frame::Frame;
use crate::packet::Packet;
use crate::testing::{assert_cuts, broadcast, packet, refusal, sent};
use alloc::vec::Vec;

const POSITION: [u8; 6] = [0, 0, 0, 0, 0, 0];

fn decoded(payload: &[u8]) -> Service {
    match packet(&broadcast(4, payload)) {
        Packet::Service(service) => service,
        other => panic!("{other:?}"),
    }
}

fn here() -> Service {
    Service { position: Some(Position::new(0.0, 0.0)), ..Service::default() }
}

#[test]
fn every_field_in_its_order() {
    let payload = [&[0xFF, 0x63][..], &POSITION, &[0x80, 0x40, 0x7F, 0x81, 0xFF, 0xFF, 0xFF, 0xFB]].concat();
    let service = decoded(&payload);
    assert!(service.internet_gateway && service.remote_config_support);
    assert_eq!(service.extended_header, Some(0x63));
    assert_eq!(service.temperature_c, Some(-64.0));
    assert_eq!(service.wind, Some(Wind { from_deg: 90.0, speed_kmh: 25.4, gust_kmh: 1.0 }));
    assert_eq!((service.humidity_pct, service.pressure_hpa), (Some(102.0), Some(6983.5)));
    assert_eq!(service.state_of_charge_pct, Some(1100.0 / 15.0));
}

#[test]
fn each_cut_names_the_field_that_is_missing() {
    let payload = [&[0xFF, 0x63][..], &POSITION, &[0; 8]].concat();
    let fields = [
        &["flags", "extended_header"][..],
        &["latitude_deg"; 6],
        &["temperature_c", "wind_heading_deg", "wind_speed_kmh", "wind_gust_kmh", "humidity_pct"],
        &["pressure_hpa", "pressure_hpa", "state_of_charge_pct"],
    ];
    assert_cuts(4, &payload, &fields.concat());
}

#[test]
fn each_data_bit_alone_needs_the_position() {
    for (flag, bytes) in [(0x40, 1), (0x20, 3), (0x10, 1), (0x08, 2), (0x02, 1)] {
        let field = refusal(&broadcast(4, &[flag])).1;
        assert_eq!(field, "latitude_deg", "{flag:02X}");
        let payload = [&[flag][..], &POSITION, &[0_u8; 3][..bytes]].concat();
        let service = decoded(&payload);
        let present = [
            service.temperature_c.is_some(),
            service.wind.is_some(),
            service.humidity_pct.is_some(),
            service.pressure_hpa.is_some(),
            service.state_of_charge_pct.is_some(),
        ];
        assert_eq!(present.iter().filter(|present| **present).count(), 1, "{flag:02X}");
        assert_eq!(sent(Packet::Service(service)).unwrap(), payload);
    }
}

#[test]
fn without_data_the_position_is_there_or_not() {
    for head in [&[0x80][..], &[0x04], &[0x00], &[0x01, 9], &[0x85, 9]] {
        assert_eq!(decoded(head).position, None, "{head:?}");
        for length in 1..6 {
            let cut = [head, &POSITION[..length]].concat();
            assert_eq!(refusal(&broadcast(4, &cut)).0, "truncated_payload", "{head:?} {length}");
        }
        let payload = [head, &POSITION].concat();
        assert_eq!(decoded(&payload).position, Some(Position::new(0.0, 0.0)), "{head:?}");
    }
}

#[test]
fn a_byte_too_many_is_trailing() {
    let bytes = broadcast(4, &[&[0x40][..], &POSITION, &[1, 2]].concat());
    assert_eq!(Frame::decode(&bytes).unwrap().trailing, [2]);
    let bytes = broadcast(4, &[&[0x80][..], &POSITION, &[2]].concat());
    assert_eq!(Frame::decode(&bytes).unwrap().trailing, [2]);
}

#[test]
fn a_position_off_the_earth_is_refused() {
    let high: Vec<u8> = [&[0x80][..], &[0xFF, 0xFF, 0x7F, 0, 0, 0]].concat();
    assert_eq!(refusal(&broadcast(4, &high)), ("latitude_out_of_range", "latitude_deg", 5));
    let east: Vec<u8> = [&[0x80][..], &[0, 0, 0, 0, 0, 0x80]].concat();
    assert_eq!(refusal(&broadcast(4, &east)), ("longitude_out_of_range", "longitude_deg", 8));
}

#[test]
fn data_is_sent_with_a_position_only() {
    let data = Service { humidity_pct: Some(50.0), ..Service::default() };
    assert_eq!(sent(Packet::Service(data)), Err(EncodeError::PositionMissing));
    let not_a_number = Service { humidity_pct: Some(f64::NAN), internet_gateway: true, ..Service::default() };
    assert_eq!(sent(Packet::Service(not_a_number)), Ok(alloc::vec![0x80]));
}

#[test]
fn limits_saturate() {
    let over = Service {
        temperature_c: Some(99.0),
        wind: Some(Wind { from_deg: -90.0, speed_kmh: 25.5, gust_kmh: 200.0 }),
        humidity_pct: Some(102.0),
        pressure_hpa: Some(0.0),
        state_of_charge_pct: Some(200.0),
        ..here()
    };
    let sent = sent(Packet::Service(over)).unwrap();
    // 25.5 km/h is 127.5 fine steps, which round beyond the count: 25.5 coarse ones are 26.
    assert_eq!(sent[7..], [0x7F, 0xC0, 0x80 | 26, 0xFF, 250, 0, 0, 0x0F]);
}
