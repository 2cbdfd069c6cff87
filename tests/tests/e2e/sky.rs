//! Frames as receivers publish them, encoded here by the protocol's text, so that nothing of ours vouches for itself.

/// One position of a paraglider in flight, with values that the protocol carries without loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fix {
    pub(crate) latitude_deg: f64,
    pub(crate) longitude_deg: f64,
    pub(crate) altitude_m: u16,
    /// In steps of 0.5, to 63.5.
    pub(crate) speed_kmh: f64,
    /// In steps of 0.1, -6.4 to 6.3.
    pub(crate) climb_mps: f64,
    /// Course over ground in 256ths of a circle.
    pub(crate) course_256: u8,
}

/// The step of a latitude and of a longitude, degrees.
pub(crate) const LATITUDE_STEP_DEG: f64 = 1.0 / 93206.0;
pub(crate) const LONGITUDE_STEP_DEG: f64 = 1.0 / 46603.0;

/// A circling climb: 30 km/h on a radius of some 40 m, drifting east, one fix per second of flight.
pub(crate) fn climb(from: (f64, f64), seconds: u16) -> Vec<Fix> {
    let fix = |second: u16| {
        let angle = f64::from(second) * 0.2;
        Fix {
            latitude_deg: from.0 + 0.00036 * angle.sin(),
            longitude_deg: from.1 + 0.00052 * angle.cos() + 0.00002 * f64::from(second),
            altitude_m: 1500 + 2 * second,
            speed_kmh: 30.5,
            climb_mps: 2.1,
            course_256: u8::try_from((u32::from(second) * 8 + 17) % 256).expect("below 256"),
        }
    };
    (0..seconds).map(fix).collect()
}

/// A frame of type 1 from `device`, its pilot content to be shown.
pub(crate) fn tracking(device: u32, fix: &Fix) -> Vec<u8> {
    const PARAGLIDER: u16 = 1;
    let [_, manufacturer, id_high, id_low] = device.to_be_bytes();
    let latitude = (fix.latitude_deg / LATITUDE_STEP_DEG).round() as i32;
    let longitude = (fix.longitude_deg / LONGITUDE_STEP_DEG).round() as i32;
    let shown = 1 << 15;
    let altitude = shown | PARAGLIDER << 12 | fix.altitude_m;
    let mut frame = vec![0x41, manufacturer, id_low, id_high];
    frame.extend_from_slice(&latitude.to_le_bytes()[..3]);
    frame.extend_from_slice(&longitude.to_le_bytes()[..3]);
    frame.extend_from_slice(&altitude.to_le_bytes());
    frame.push((fix.speed_kmh * 2.0).round() as u8);
    frame.push(((fix.climb_mps * 10.0).round() as i8 as u8) & 0x7f);
    frame.push(fix.course_256);
    frame
}

/// A frame of type 2: the device's name.
pub(crate) fn name(device: u32, name: &str) -> Vec<u8> {
    let [_, manufacturer, id_high, id_low] = device.to_be_bytes();
    [&[0x42, manufacturer, id_low, id_high], name.as_bytes()].concat()
}

/// The frame in its base station's wrapper: time in seconds, -80 dBm, 7 dB.
pub(crate) fn wrapped(received_at_s: u32, frame: &[u8]) -> Vec<u8> {
    let rssi_dbm: i16 = -80;
    let snr_db: i16 = 7;
    [&received_at_s.to_le_bytes()[..], &rssi_dbm.to_le_bytes(), &snr_db.to_le_bytes(), frame].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tracking_frame_is_as_the_captured_one() {
        // A captured frame, but for its forward bit: 110B90 at 166 m, 1.5 km/h, -1.6 m/s ... and a course of 0.
        let fix = Fix {
            latitude_deg: 46.18496663304938,
            longitude_deg: 13.722614423964123,
            altitude_m: 166,
            speed_kmh: 1.5,
            climb_mps: 0.0,
            course_256: 0,
        };
        let hex: String = tracking(0x11_0B90, &fix).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "4111900b4caf411bc209a690030000");
    }
}
