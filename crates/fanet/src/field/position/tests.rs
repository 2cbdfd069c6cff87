use super::*;

fn reference(latitude_deg: f64, longitude_deg: f64) -> Reference {
    let position = Position { latitude_deg, longitude_deg };
    Reference::absolute(RawPosition::nearest(position).expect("on earth"))
}

#[test]
fn table_of_the_protocol_text() {
    // reference, target, bytes of the word, decoded value; all taken on the longitude axis.
    let table = [
        (46.2, 46.25, [0x00, 0x20], 46.250008),
        (46.2, 46.6, [0xCD, 0xCC], 46.599994),
        (-0.49, -0.51, [0xB8, 0xBE], -0.509995),
        (179.9, -179.95, [0x66, 0x06], -179.950011),
    ];
    for (from, target, bytes, decoded) in table {
        let reference = reference(0.0, from);
        let words = reference.encode(Position::new(0.0, target)).unwrap().expect("near");
        assert_eq!([words[2], words[3]], bytes, "{target}");
        let found = reference.step(words).degrees();
        assert!((found.longitude_deg - decoded).abs() < 1e-6, "{target}: {found:?}");
    }
}

#[test]
fn absolute_limits_are_the_poles_and_the_date_line() {
    let raw = RawPosition::nearest(Position::new(90.0, -180.0)).unwrap();
    assert_eq!((raw.latitude, raw.longitude), (RAW_LIMIT, -RAW_LIMIT));
    assert_eq!(RawPosition::from_wire(raw.to_wire()).degrees(), Position::new(90.0, -180.0));
    assert_eq!(RawPosition::nearest(Position::new(90.1, 0.0)).err(), Some(EncodeError::LatitudeOutOfRange));
    let wrapped = RawPosition::nearest(Position::new(0.0, 190.0)).unwrap();
    assert_eq!(wrapped.degrees().longitude_deg, -170.0);
}

#[test]
fn raw_values_out_of_range_are_refused_at_their_byte() {
    let over = (RAW_LIMIT + 1).to_le_bytes();
    let under = (-RAW_LIMIT - 1).to_le_bytes();
    let latitude = RawPosition::checked([over[0], over[1], over[2], 0, 0, 0], 5).err().unwrap();
    assert_eq!((latitude.reason, latitude.offset), (Reason::LatitudeOutOfRange, 5));
    let longitude = RawPosition::checked([0, 0, 0, under[0], under[1], under[2]], 5).err().unwrap();
    assert_eq!((longitude.reason, longitude.offset), (Reason::LongitudeOutOfRange, 8));
}

#[test]
fn targets_a_degree_away_are_not_encoded() {
    let reference = reference(46.2, 8.0);
    assert_eq!(reference.encode(Position::new(47.3, 8.0)), Ok(None));
    assert_eq!(reference.encode(Position::new(46.2, 9.1)), Ok(None));
    assert!(reference.encode(Position::new(47.1, 7.1)).unwrap().is_some());
}

#[test]
fn a_chain_crosses_the_date_line_both_ways() {
    let mut reference = reference(10.0, 179.5);
    for target in [-179.8, -179.2, 179.9, 179.3] {
        let words = reference.encode(Position::new(10.0, target)).unwrap().expect("near");
        reference = reference.step(words);
        assert!((reference.degrees().longitude_deg - target).abs() < TOLERANCE_DEG, "{target}");
    }
}

/// The formula of the protocol text in plain floating point, as an independent check.
fn float_step(reference: f64, word: u16) -> f64 {
    let signed = i32::from(word & 0x7FFF) - if word & 0x4000 != 0 { 0x8000 } else { 0 };
    let f = f64::from(signed) / 32767.0;
    let rounded = reference.round();
    let parity = f64::from(word >> 15);
    let degree = if rounded.rem_euclid(2.0) == parity {
        rounded
    } else if f > reference - rounded {
        rounded - 1.0
    } else {
        rounded + 1.0
    };
    degree + f
}

#[test]
fn integer_steps_agree_with_the_formula() {
    for from in [-89.3, -0.49, 0.0, 0.51, 46.2, 46.499, 46.51, 88.2] {
        let start = reference(from, from);
        let raw = f64::from(round(from * 93206.0)) / 93206.0;
        for word in (0..=u16::MAX).step_by(7) {
            let [a, b] = word.to_le_bytes();
            let found = start.step([a, b, 0, 0]).degrees().latitude_deg;
            assert!((found - float_step(raw, word)).abs() < 1e-9, "{from} {word:04X}");
        }
    }
}
