//! What a device wants to say, before it becomes a frame.

use super::aircraft::AircraftKind;
use super::plane::Place;

/// What a device on the ground says of itself; the numbers are the protocol's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GroundState {
    Walking = 1,
    Vehicle = 2,
    NeedRide = 8,
    LandedWell = 9,
    NeedTechnicalSupport = 12,
    NeedMedicalHelp = 13,
    Distress = 14,
}

/// One thing to send.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Report<'a> {
    Tracking(Tracking),
    Ground { place: Place, state: GroundState, is_online: bool },
    Name(&'a str),
    Weather(Weather),
    Thermal(ThermalReport),
    Hardware { device_type: u8, uptime_min: u16 },
}

/// A position in flight.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tracking {
    pub(crate) place: Place,
    pub(crate) kind: AircraftKind,
    /// The pilot's consent to be shown.
    pub(crate) is_online: bool,
    pub(crate) speed_kmh: f64,
    pub(crate) climb_mps: f64,
    pub(crate) course_deg: f64,
    pub(crate) turn_dps: f64,
}

/// What a weather station measured.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Weather {
    pub(crate) place: Place,
    pub(crate) temperature_c: f64,
    pub(crate) wind_from_deg: f64,
    pub(crate) wind_speed_kmh: f64,
    pub(crate) wind_gust_kmh: f64,
    pub(crate) humidity_pct: f64,
    pub(crate) pressure_hpa: f64,
    pub(crate) charge_pct: f64,
}

/// A thermal as the pilot in it judges it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ThermalReport {
    pub(crate) place: Place,
    /// 0 to 7.
    pub(crate) confidence: u8,
    /// Of the air.
    pub(crate) climb_mps: f64,
    pub(crate) wind_from_deg: f64,
    pub(crate) wind_speed_kmh: f64,
}
