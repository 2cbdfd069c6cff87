//! From what a client asks for to a subscription, or to the reason why not.

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

/// Something the client cannot have; the connection stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// From the closed set of the client documentation.
    pub code: &'static str,
    /// For the person who writes the client.
    pub message: Cow<'static, str>,
}

impl Refusal {
    /// A message without content, or of a newer protocol.
    pub(super) const UNKNOWN_MESSAGE: Self =
        Self::fixed("unknown_message", "subscribe, unsubscribe and ping are known");
    /// More changes of the subscription than the limit.
    pub(super) const TOO_MANY_SUBSCRIBES: Self =
        Self::fixed("too_many_subscribes", "the subscription changed too often within a minute; try again later");

    const fn fixed(code: &'static str, message: &'static str) -> Self {
        Self { code, message: Cow::Borrowed(message) }
    }

    fn told(code: &'static str, message: String) -> Self {
        Self { code, message: Cow::Owned(message) }
    }
}

/// The subscription that a client's wish makes of its current one; what the wish leaves out stays as it is.
pub(super) fn apply(
    current: &Subscription,
    wish: &v1::Subscribe,
    limits: &SessionLimits,
    covers: &mut Covers,
) -> Result<Subscription, Refusal> {
    if wish.fleet.is_some() {
        return Err(Refusal::fixed("fleet_not_allowed", "fleets need an access token that allows them"));
    }
    if wish.follow_devices.len() > limits.max_followed_devices {
        let message = format!("at most {} devices can be followed", limits.max_followed_devices);
        return Err(Refusal::told("too_many_devices", message));
    }
    if let Some(beyond) = wish.follow_devices.iter().find(|device| **device > MAX_DEVICE) {
        return Err(Refusal::told(
            "bad_device",
            format!("invalid device {beyond:X}: expected an address of 24 bits, at most FFFFFF"),
        ));
    }
    let mut next = current.clone();
    if wish.replace_lists || !wish.kinds.is_empty() {
        next = next.with_kinds(kinds(&wish.kinds)?);
    }
    if wish.replace_lists || !wish.follow_devices.is_empty() {
        next = next.with_follow(wish.follow_devices.clone());
    }
    if let Some(number) = wish.rate {
        let rate = v1::RateClass::try_from(number).ok().and_then(Rate::from_wire);
        next = next.with_rate(rate.ok_or(Refusal::fixed("unknown_rate", "live, 1s, 5s and 30s are known"))?);
    }
    if let Some(wanted) = &wish.region {
        next = next.with_cells(covers.cells(&region(wanted, limits)?, limits.max_cells));
    }
    Ok(next)
}

fn kinds(numbers: &[i32]) -> Result<crate::view::KindSet, Refusal> {
    if numbers.is_empty() {
        return Ok(crate::view::KindSet::ALL);
    }
    let kinds: Option<_> = numbers.iter().map(|number| Kind::from_wire(*number)).collect();
    kinds.ok_or(Refusal::fixed("unknown_kind", "aircraft, ground, thermal, station, receiver and alert are known"))
}

fn region(wanted: &subscribe::Region, limits: &SessionLimits) -> Result<Region, Refusal> {
    let bad = |error: String| Refusal::told("bad_region", error);
    let region = match wanted {
        subscribe::Region::Circle(circle) => {
            if circle.radius_km.is_nan() || circle.radius_km < MIN_RADIUS_KM {
                return Err(radius_beyond(limits));
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

/// Whether a client may look at so much at once.
///
/// # Errors
/// The region is larger than the limits allow, or a circle smaller than 1 km.
pub fn within_limits(region: &Region, limits: &SessionLimits) -> Result<(), Refusal> {
    match region {
        Region::Circle(circle) => {
            let fits = (MIN_RADIUS_KM..=limits.max_radius_km).contains(&circle.radius_km());
            fits.then_some(()).ok_or_else(|| radius_beyond(limits))
        }
        Region::Bounds(bounds) => {
            let (south, north) = (bounds.south_deg(), bounds.north_deg());
            let widest = south.abs().min(north.abs()).to_radians().cos();
            let widest = if south <= 0.0 && north >= 0.0 { 1.0 } else { widest };
            let (height_km, width_km) = ((north - south) * KM_PER_DEGREE, bounds.width_deg() * KM_PER_DEGREE * widest);
            if height_km.max(width_km) > limits.max_bounds_km {
                let message = format!("bounds are at most {} km high and wide", limits.max_bounds_km);
                return Err(Refusal::told("region_too_large", message));
            }
            Ok(())
        }
    }
}

fn radius_beyond(limits: &SessionLimits) -> Refusal {
    Refusal::told("region_too_large", format!("the radius is within {MIN_RADIUS_KM} and {} km", limits.max_radius_km))
}
