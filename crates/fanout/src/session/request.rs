//! Turns a client's request into a subscription, or into a refusal.

use std::borrow::Cow;

use geo::{Bounds, Circle, Region};
use schemas::v1::{self, subscribe};

use super::SessionLimits;
use crate::covers::Covers;
use crate::subscription::{Rate, Subscription};
use crate::view::Kind;

/// Kilometres of one degree of latitude.
const KM_PER_DEGREE: f64 = 111.195;

/// The smallest radius of a circle, km.
const MIN_RADIUS_KM: f64 = 1.0;
/// The highest address of a device: 24 bits.
const MAX_DEVICE: u32 = 0xFF_FFFF;

/// The error of a refused request; the connection stays open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// A code of the closed set in the client documentation.
    pub code: &'static str,
    /// A message for the client's developer.
    pub message: Cow<'static, str>,
}

impl Refusal {
    /// A message without content, or of a newer protocol.
    pub(super) const UNKNOWN_MESSAGE: Self =
        Self::fixed("unknown_message", "unknown message: expected subscribe, unsubscribe or ping");
    /// More changes of the subscription than the limit.
    pub(super) const TOO_MANY_SUBSCRIBES: Self = Self::fixed(
        "too_many_subscribes",
        "too many changes of the subscription within a minute: try again after some seconds",
    );

    /// Neither a member of the fleet nor a manager of its company; or there is no such fleet.
    pub const FLEET_NOT_ALLOWED: Self = Self::fixed(
        "fleet_not_allowed",
        "the fleet is not allowed: connect with the credentials of one of its members",
    );

    /// With a code of the documentation.
    pub const fn fixed(code: &'static str, message: &'static str) -> Self {
        Self { code, message: Cow::Borrowed(message) }
    }

    fn new(code: &'static str, message: String) -> Self {
        Self { code, message: Cow::Owned(message) }
    }
}

/// The fleet that a request newly names: it needs permission.
pub(super) fn wanted_fleet<'a>(current: &Subscription, request: &'a v1::Subscribe) -> Option<&'a str> {
    let wanted = request.fleet.as_deref().filter(|wanted| !wanted.is_empty())?;
    current.fleet().is_none_or(|fleet| fleet.id() != wanted).then_some(wanted)
}

/// The subscription after a client's request; fields that the request leaves out keep their values, and so does the fleet,
/// unless the request names none.
pub(super) fn apply(
    current: &Subscription,
    request: &v1::Subscribe,
    limits: &SessionLimits,
    covers: &mut Covers,
) -> Result<Subscription, Refusal> {
    if request.follow_devices.len() > limits.max_followed_devices {
        let (requested, limit) = (request.follow_devices.len(), limits.max_followed_devices);
        let message = format!("{requested} followed devices: expected at most {limit}");
        return Err(Refusal::new("too_many_devices", message));
    }
    if let Some(beyond) = request.follow_devices.iter().find(|device| **device > MAX_DEVICE) {
        return Err(Refusal::new(
            "bad_device",
            format!("invalid device {beyond:X}: expected an address of 24 bits, at most FFFFFF"),
        ));
    }
    let mut next = current.clone();
    if request.fleet.as_deref() == Some("") {
        next = next.with_fleet(None);
    }
    if request.replace_lists || !request.kinds.is_empty() {
        next = next.with_kinds(kinds(&request.kinds)?);
    }
    if request.replace_lists || !request.follow_devices.is_empty() {
        next = next.with_follow(request.follow_devices.clone());
    }
    if let Some(number) = request.rate {
        let rate = v1::RateClass::try_from(number).ok().and_then(Rate::from_wire);
        next =
            next.with_rate(rate.ok_or(Refusal::fixed("unknown_rate", "unknown rate: expected live, 1s, 5s or 30s"))?);
    }
    if let Some(wanted) = request.zone_events {
        next = next.with_zone_events(wanted);
    }
    if let Some(wanted) = &request.region {
        next = next.with_cells(covers.cells(&region(wanted, limits)?, limits.max_cells));
    }
    Ok(next)
}

fn kinds(numbers: &[i32]) -> Result<crate::view::KindSet, Refusal> {
    if numbers.is_empty() {
        return Ok(crate::view::KindSet::ALL);
    }
    let kinds: Option<_> = numbers.iter().map(|number| Kind::from_wire(*number)).collect();
    kinds.ok_or(Refusal::fixed(
        "unknown_kind",
        "unknown kind: expected aircraft, ground, thermal, station, receiver or alert",
    ))
}

fn region(wanted: &subscribe::Region, limits: &SessionLimits) -> Result<Region, Refusal> {
    let bad = |error: String| Refusal::new("bad_region", error);
    let region = match wanted {
        subscribe::Region::Circle(circle) => {
            if circle.radius_km.is_nan() || circle.radius_km < MIN_RADIUS_KM {
                return Err(bad_radius(limits));
            }
            let circle =
                Circle::new(circle.latitude_deg, circle.longitude_deg, circle.radius_km.min(Circle::MAX_RADIUS_KM));
            circle.map(Region::Circle).map_err(|error| bad(error.to_string()))?
        }
        subscribe::Region::Bounds(bounds) => {
            let bounds = Bounds::new(bounds.south_deg, bounds.west_deg, bounds.north_deg, bounds.east_deg);
            bounds.map(Region::Bounds).map_err(|error| bad(error.to_string()))?
        }
    };
    within_limits(&region, limits).map(|()| region)
}

/// Checks the size of a region.
///
/// # Errors
/// The region is larger than the limits, or a circle is smaller than 1 km.
pub fn within_limits(region: &Region, limits: &SessionLimits) -> Result<(), Refusal> {
    match region {
        Region::Circle(circle) => {
            let fits = (MIN_RADIUS_KM..=limits.max_radius_km).contains(&circle.radius_km());
            fits.then_some(()).ok_or_else(|| bad_radius(limits))
        }
        Region::Bounds(bounds) => {
            let (south, north) = (bounds.south_deg(), bounds.north_deg());
            let widest = south.abs().min(north.abs()).to_radians().cos();
            let widest = if south <= 0.0 && north >= 0.0 { 1.0 } else { widest };
            let (height_km, width_km) = ((north - south) * KM_PER_DEGREE, bounds.width_deg() * KM_PER_DEGREE * widest);
            if height_km.max(width_km) > limits.max_bounds_km {
                let limit = limits.max_bounds_km;
                let message = format!(
                    "bounds of {height_km:.0} km by {width_km:.0} km: expected at most {limit} km in height and width"
                );
                return Err(Refusal::new("region_too_large", message));
            }
            Ok(())
        }
    }
}

fn bad_radius(limits: &SessionLimits) -> Refusal {
    let message = format!("invalid radius: expected {MIN_RADIUS_KM} to {} km", limits.max_radius_km);
    Refusal::new("region_too_large", message)
}
