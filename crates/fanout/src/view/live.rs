//! Converts states into the compact messages of the WebSocket.

use flight::units::{CMPS_PER_MPS, DKMH_PER_KMH, e7};
use schemas::object::{State, Update};
use schemas::v1;
use schemas::wire::KindAndPhase;

/// The message of a state, with age 0 and without a name: composed once per change, so that a flush only copies it.
pub(super) fn update_of(state: &State) -> Update {
    match state {
        State::Aircraft(state) => Update::Aircraft(aircraft(state)),
        State::Ground(state) => Update::Ground(ground(state)),
        State::Thermal(state) => Update::Thermal(thermal(state)),
        State::Station(state) => Update::Station(station(state)),
        State::Receiver(state) => Update::Receiver(receiver(state)),
        State::Alert(state) => Update::Alert(alert(state)),
        State::Landmark(state) => Update::Landmark(landmark(state)),
    }
}

/// Latitude and longitude in degrees times 10,000,000.
pub(super) fn position_e7(position: &v1::Position) -> (i32, i32) {
    (e7(position.latitude_deg), e7(position.longitude_deg))
}

/// Scales and rounds; a value outside of the field's range is left out.
fn unsigned(value: Option<f64>, scale: f64) -> Option<u32> {
    let scaled = (value? * scale).round();
    (0.0..=f64::from(u32::MAX)).contains(&scaled).then_some(scaled as u32)
}

fn signed(value: Option<f64>, scale: f64) -> Option<i32> {
    let scaled = (value? * scale).round();
    (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&scaled).then_some(scaled as i32)
}

fn course(course_deg: Option<f64>) -> Option<u32> {
    unsigned(course_deg.map(|course| course.rem_euclid(360.0)), 1.0).map(|course| course % 360)
}

fn position_or_zero(position: Option<&v1::Position>) -> (i32, i32) {
    position.map(position_e7).unwrap_or_default()
}

fn aircraft(state: &v1::AircraftState) -> v1::AircraftUpdate {
    let (latitude_e7, longitude_e7) = position_or_zero(state.position.as_ref());
    v1::AircraftUpdate {
        device: state.device,
        latitude_e7,
        longitude_e7,
        altitude_m: signed(state.position.as_ref().and_then(|position| position.altitude_m), 1.0),
        speed_dkmh: unsigned(state.speed_kmh, DKMH_PER_KMH),
        climb_cmps: signed(state.climb_mps, CMPS_PER_MPS),
        course_deg: course(state.course_deg),
        kind_and_phase: KindAndPhase::of(state).pack(),
        version: state.version,
        age_ds: 0,
        name: None,
        text: state.text.clone(),
        text_at_us: state.text_at_us,
    }
}

fn ground(state: &v1::GroundState) -> v1::GroundUpdate {
    let (latitude_e7, longitude_e7) = position_or_zero(state.position.as_ref());
    v1::GroundUpdate {
        device: state.device,
        latitude_e7,
        longitude_e7,
        ground_kind: state.ground_kind,
        alert_kind: state.alert_kind,
        version: state.version,
        age_ds: 0,
        name: None,
        text: state.text.clone(),
        text_at_us: state.text_at_us,
    }
}

fn thermal(state: &v1::ThermalState) -> v1::ThermalUpdate {
    let (latitude_e7, longitude_e7) = position_or_zero(state.position.as_ref());
    let plain = |value: f64, scale: f64| signed(Some(value), scale).unwrap_or_default();
    v1::ThermalUpdate {
        thermal_id: state.thermal_id,
        latitude_e7,
        longitude_e7,
        base_altitude_m: plain(state.base_altitude_m, 1.0),
        top_altitude_m: plain(state.top_altitude_m, 1.0),
        mean_climb_cmps: plain(state.mean_climb_mps, CMPS_PER_MPS),
        max_climb_cmps: plain(state.max_climb_mps, CMPS_PER_MPS),
        quality: 0,
        version: state.version,
        age_ds: 0,
        radius_m: unsigned(Some(state.radius_m), 1.0).unwrap_or_default(),
        pilots: state.pilots,
        wind_from_deg: course(state.wind_from_deg),
        wind_speed_dkmh: unsigned(state.wind_speed_kmh, DKMH_PER_KMH),
    }
}

fn station(state: &v1::StationState) -> v1::StationUpdate {
    let (latitude_e7, longitude_e7) = position_or_zero(state.position.as_ref());
    v1::StationUpdate {
        device: state.device,
        latitude_e7,
        longitude_e7,
        wind_from_deg: course(state.wind_from_deg),
        wind_speed_dkmh: unsigned(state.wind_speed_kmh, DKMH_PER_KMH),
        wind_gust_dkmh: unsigned(state.wind_gust_kmh, DKMH_PER_KMH),
        temperature_dc: signed(state.temperature_c, 10.0),
        humidity_pct: unsigned(state.humidity_pct, 1.0),
        version: state.version,
        age_ds: 0,
        name: None,
        pressure_pa: unsigned(state.pressure_hpa, 100.0),
        state_of_charge_pct: unsigned(state.state_of_charge_pct, 1.0),
    }
}

fn receiver(state: &v1::ReceiverState) -> v1::ReceiverUpdate {
    let position = state.position.as_ref().map(position_e7);
    v1::ReceiverUpdate {
        receiver_id: state.receiver_id.clone(),
        latitude_e7: position.map(|(latitude_e7, _)| latitude_e7),
        longitude_e7: position.map(|(_, longitude_e7)| longitude_e7),
        frames_per_minute: unsigned(Some(state.frames_per_minute), 1.0).unwrap_or_default(),
        estimated: state.position_source == Some(v1::ReceiverPositionSource::Estimated as i32),
        version: state.version,
        age_ds: 0,
    }
}

fn landmark(state: &v1::LandmarkState) -> v1::LandmarkUpdate {
    let (latitude_e7, longitude_e7) = position_or_zero(state.points.first());
    let (latitudes_e7, longitudes_e7) = state.points.iter().skip(1).map(position_e7).unzip();
    v1::LandmarkUpdate {
        landmark_id: state.landmark_id,
        latitude_e7,
        longitude_e7,
        layer: state.layer,
        shape: state.shape,
        latitudes_e7,
        longitudes_e7,
        radii_m: state.radii_m.iter().map(|radius_m| unsigned(Some(*radius_m), 1.0).unwrap_or_default()).collect(),
        version: state.version,
        age_ds: 0,
        name: None,
        text: state.text.clone(),
        altitude_bottom_m: signed(state.altitude_bottom_m, 1.0),
        altitude_top_m: signed(state.altitude_top_m, 1.0),
        device: state.device,
        wind_sectors: state.wind_sectors,
        expires_at_us: state.expires_at_us,
    }
}

fn alert(state: &v1::AlertState) -> v1::AlertUpdate {
    let position = state.position.as_ref().map(position_e7);
    v1::AlertUpdate {
        alert_id: state.alert_id,
        device: state.device,
        latitude_e7: position.map(|(latitude_e7, _)| latitude_e7),
        longitude_e7: position.map(|(_, longitude_e7)| longitude_e7),
        alert_kind: state.alert_kind,
        status: state.status,
        opened_at_us: state.opened_at_us,
        unverified: state.unverified,
        version: state.version,
        age_ds: 0,
        name: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_left_out() {
        assert_eq!(unsigned(Some(-0.6), 1.0), None);
        assert_eq!(signed(Some(f64::NAN), 1.0), None);
        assert_eq!(unsigned(None, 10.0), None);
        assert_eq!(course(Some(-90.0)), Some(270));
    }
}
