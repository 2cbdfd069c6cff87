//! Zones for tests.

use geo::Position;
use schemas::v1;

use crate::limit::parse_limit;
use crate::ring::encode;
use crate::zone::Zone;

/// A rectangle by its southwest corner and its size, degrees.
pub(crate) fn rectangle(zone_id: &str, south: f64, west: f64, height: f64, width: f64) -> v1::Zone {
    let corners = [(0.0, 0.0), (0.0, width), (height, width), (height, 0.0)];
    let positions = corners.map(|(north, east)| Position::new(south + north, west + east));
    let outline = encode(&positions).expect("a rectangle");
    v1::Zone {
        zone_id: zone_id.to_owned(),
        name: zone_id.to_uppercase(),
        polygons: vec![v1::ZonePolygon { outline: Some(outline), holes: Vec::new() }],
        ..v1::Zone::default()
    }
}

/// From 46 to 47 degrees north and 7 to 8 degrees east, with these limits.
pub(crate) fn zone(floor: &str, ceiling: &str) -> Zone {
    let limit = |text| parse_limit(text).expect("a limit");
    let zone = v1::Zone { floor: limit(floor), ceiling: limit(ceiling), ..rectangle("a", 46.0, 7.0, 1.0, 1.0) };
    Zone::decode("test", &zone).expect("a zone")
}
