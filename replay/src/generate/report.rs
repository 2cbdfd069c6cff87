//! Reports of a device, before they become frames.

use super::kind::AircraftKind;
use super::plane::Position3d;

/// The state of a device on the ground; the numbers are the protocol's.
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

/// One report to send.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Report<'a> {
    Tracking(Tracking),
    Ground { position: Position3d, state: GroundState, is_online: bool },
    Name(&'a str),
    Weather(Weather),
    Thermal(ThermalReport),
    Hardware { device_type: u8, uptime_min: u16 },
}

/// A position in flight.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tracking {
    pub(crate) position: Position3d,
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
    pub(crate) position: Position3d,
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
    pub(crate) position: Position3d,
    /// 0 to 7.
    pub(crate) confidence: u8,
    /// Of the air.
    pub(crate) climb_mps: f64,
    pub(crate) wind_from_deg: f64,
    pub(crate) wind_speed_kmh: f64,
}
