//! Whether a received value is the one that was sent, within half a step of its field.

use fanet::packet::{RemoteConfig, Service, Shape, Thermal, Tracking};
use fanet::{Packet, Position};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::strategies::Values;

type Near = Result<(), TestCaseError>;

/// The range and the steps of a field: fine up to `fine_most` (and down to `fine_least`), then
/// coarse up to the limits.
struct Field {
    least: f64,
    most: f64,
    fine_least: f64,
    fine_most: f64,
    fine: f64,
    coarse: f64,
}

const fn plain(least: f64, most: f64, step: f64) -> Field {
    Field { least, most, fine_least: least, fine_most: most, fine: step, coarse: step }
}

const fn scaled(least: f64, most: f64, fine: f64, k: f64) -> Field {
    Field {
        least: least * fine * k,
        most: most * fine * k,
        fine_least: least * fine,
        fine_most: most * fine,
        fine,
        coarse: fine * k,
    }
}

const ALTITUDE: Field = scaled(0.0, 2047.0, 1.0, 4.0);
const SPEED: Field = scaled(0.0, 127.0, 0.5, 5.0);
const WIND: Field = scaled(0.0, 127.0, 0.2, 5.0);
const CLIMB: Field = scaled(-64.0, 63.0, 0.1, 5.0);
const TURN_RATE: Field = scaled(-64.0, 63.0, 0.25, 4.0);
const QNE: Field = scaled(-64.0, 63.0, 1.0, 4.0);
const RADIUS: Field = scaled(0.0, 127.0, 50.0, 8.0);
const TEMPERATURE: Field = plain(-64.0, 63.5, 0.5);
const HUMIDITY: Field = plain(0.0, 100.0, 0.4);
const PRESSURE: Field = plain(430.0, 6983.5, 0.1);
const CHARGE: Field = plain(0.0, 100.0, 100.0 / 15.0);
const COARSE_ALTITUDE: Field = plain(-450.0, 5900.0, 25.0);

impl Field {
    fn near(&self, name: &str, sent: f64, received: f64) -> Near {
        let wanted = sent.clamp(self.least, self.most);
        let is_fine = (self.fine_least..=self.fine_most).contains(&wanted);
        let step = if is_fine { self.fine } else { self.coarse };
        prop_assert!((wanted - received).abs() <= step / 2.0 + 1e-9, "{name}: sent {sent}, received {received}");
        Ok(())
    }

    fn optional(&self, name: &str, sent: Option<f64>, received: Option<f64>) -> Near {
        prop_assert_eq!(sent.is_some(), received.is_some(), "{}", name);
        match (sent, received) {
            (Some(sent), Some(received)) => self.near(name, sent, received),
            _ => Ok(()),
        }
    }
}

/// Angles compare on the circle.
fn heading(sent: f64, received: f64) -> Near {
    let off = (sent - received).rem_euclid(360.0);
    prop_assert!(off.min(360.0 - off) <= 360.0 / 512.0 + 1e-9, "heading: sent {sent}, received {received}");
    prop_assert!((0.0..360.0).contains(&received));
    Ok(())
}

fn near_position(sent: Position, received: Position, tolerance_deg: f64) -> Near {
    let east = (sent.longitude_deg - received.longitude_deg).rem_euclid(360.0);
    let off = east.min(360.0 - east).max((sent.latitude_deg - received.latitude_deg).abs());
    prop_assert!(off <= tolerance_deg, "sent {sent:?}, received {received:?}");
    Ok(())
}

fn absolute(sent: Position, received: Position) -> Near {
    near_position(sent, received, 0.5 / 46603.0 + 1e-12)
}

pub(crate) fn assert_near(sent: &Values, received: &Packet<'_>) -> Near {
    match (sent, received) {
        (Values::Tracking(sent), Packet::Tracking(received)) => tracking(sent, received),
        (Values::Service(sent), Packet::Service(received)) => service(sent, received),
        (Values::Thermal(sent), Packet::Thermal(received)) => thermal(sent, received),
        (Values::Ground(sent), Packet::GroundTracking(received)) => {
            absolute(sent.position, received.position)?;
            prop_assert_eq!(sent.ground_type, received.ground_type);
            prop_assert_eq!(sent.online_tracking, received.online_tracking);
            Ok(())
        }
        (
            Values::Position { position, altitude_m, heading_deg },
            Packet::RemoteConfig(RemoteConfig::Position { position: found, altitude_m: altitude, heading_deg: turned }),
        ) => {
            absolute(*position, *found)?;
            COARSE_ALTITUDE.near("altitude_m", f64::from(*altitude_m), f64::from(*altitude))?;
            heading(*heading_deg, *turned)
        }
        (values, Packet::Landmark(landmark)) => points(values, &landmark.shape),
        other => {
            prop_assert!(false, "another packet: {other:?}");
            Ok(())
        }
    }
}

fn tracking(sent: &Tracking, received: &Tracking) -> Near {
    absolute(sent.position, received.position)?;
    prop_assert_eq!(sent.online_tracking, received.online_tracking);
    prop_assert_eq!(sent.aircraft_type, received.aircraft_type);
    ALTITUDE.near("altitude_m", f64::from(sent.altitude_m), f64::from(received.altitude_m))?;
    SPEED.near("speed_kmh", sent.speed_kmh, received.speed_kmh)?;
    CLIMB.near("climb_mps", sent.climb_mps, received.climb_mps)?;
    heading(sent.heading_deg, received.heading_deg)?;
    // An offset needs the turn rate before it.
    let turn_rate = sent.turn_rate_dps.or(sent.qne_offset_m.map(|_| 0.0));
    TURN_RATE.optional("turn_rate_dps", turn_rate, received.turn_rate_dps)?;
    QNE.optional("qne_offset_m", sent.qne_offset_m.map(f64::from), received.qne_offset_m.map(f64::from))
}

fn service(sent: &Service, received: &Service) -> Near {
    prop_assert_eq!(sent.internet_gateway, received.internet_gateway);
    prop_assert_eq!(sent.remote_config_support, received.remote_config_support);
    prop_assert_eq!(sent.extended_header, received.extended_header);
    absolute(sent.position.expect("sent"), received.position.expect("received"))?;
    TEMPERATURE.optional("temperature_c", sent.temperature_c, received.temperature_c)?;
    HUMIDITY.optional("humidity_pct", sent.humidity_pct, received.humidity_pct)?;
    PRESSURE.optional("pressure_hpa", sent.pressure_hpa, received.pressure_hpa)?;
    CHARGE.optional("state_of_charge_pct", sent.state_of_charge_pct, received.state_of_charge_pct)?;
    prop_assert_eq!(sent.wind.is_some(), received.wind.is_some());
    let (Some(sent), Some(received)) = (sent.wind, received.wind) else { return Ok(()) };
    heading(sent.from_deg, received.from_deg)?;
    WIND.near("wind_speed_kmh", sent.speed_kmh, received.speed_kmh)?;
    WIND.near("wind_gust_kmh", sent.gust_kmh, received.gust_kmh)
}

fn thermal(sent: &Thermal, received: &Thermal) -> Near {
    absolute(sent.position, received.position)?;
    prop_assert_eq!(sent.confidence, received.confidence);
    ALTITUDE.near("altitude_m", f64::from(sent.altitude_m), f64::from(received.altitude_m))?;
    CLIMB.near("climb_mps", sent.climb_mps, received.climb_mps)?;
    SPEED.near("wind_speed_kmh", sent.wind_speed_kmh, received.wind_speed_kmh)?;
    heading(sent.wind_from_deg, received.wind_from_deg)
}

fn points(sent: &Values, received: &Shape<'_>) -> Near {
    match (sent, received) {
        (Values::Line(sent), Shape::Line(received)) => chain(sent.iter().copied(), received.iter()),
        (Values::Circles(sent), Shape::CircleFilled(received)) => {
            for (sent, received) in sent.iter().zip(received.iter()) {
                RADIUS.near("radius_m", f64::from(sent.radius_m), f64::from(received.radius_m))?;
            }
            chain(sent.iter().map(|circle| circle.position), received.iter().map(|circle| circle.position))
        }
        (Values::InSpace(sent), Shape::Line3d(received)) => {
            for (sent, received) in sent.iter().zip(received.iter()) {
                COARSE_ALTITUDE.near("altitude_m", f64::from(sent.altitude_m), f64::from(received.altitude_m))?;
            }
            chain(sent.iter().map(|point| point.position), received.iter().map(|point| point.position))
        }
        other => {
            prop_assert!(false, "another shape: {other:?}");
            Ok(())
        }
    }
}

fn chain(sent: impl ExactSizeIterator<Item = Position>, received: impl Iterator<Item = Position>) -> Near {
    let received: Vec<Position> = received.collect();
    prop_assert_eq!(sent.len(), received.len());
    for (sent, received) in sent.zip(received) {
        near_position(sent, received, 2e-5)?;
    }
    Ok(())
}
