//! GeoJSON (RFC 7946): features with a `Polygon` or a `MultiPolygon`.
//!
//! | property | meaning |
//! | --- | --- |
//! | `id`, else the feature's `id` | the id of the zone in its set; without it, an id is made of the name |
//! | `name` | shown |
//! | `class` | as OpenAir has it: `CTR`, `R`, `D` |
//! | `floor`, `ceiling` | a number: metres above mean sea level; a text: as OpenAir has it, `"FL95"`, `"300 m AGL"` |
//! | `ground_altitude_m` | of the ground inside, for limits above ground |
//! | `valid_from`, `valid_until` | RFC 3339 in UTC, `2026-05-01T08:00:00Z` |
//!
//! [`feature`] writes the same properties, so that a set can be read, changed and imported again. Other properties are ignored; features with points or lines are passed over and counted. An edge goes the shorter way around
//! the globe, so that an outline may cross the antimeridian; one that RFC 7946 cuts there is a `MultiPolygon`.

mod time;

use geo::Position;
use schemas::v1::{ZoneLimit, ZonePolygon};
use serde_json::{Map, Value};

use crate::import::{Drawn, Import, ImportError, polygon};
use crate::limit::{InvalidLimit, altitude, limit_text, parse_limit};
use crate::limits::{POLYGONS, RING_VERTICES};
use time::{parse_time, time_text};

/// Reads a feature collection, or one feature.
///
/// # Errors
/// The line where it is not JSON, or the first feature (from 1) that cannot be used.
pub fn parse(text: &str) -> Result<Import, ImportError> {
    let document: Value = serde_json::from_str(text)
        .map_err(|error| ImportError::line(error.line(), format!("invalid JSON: {error}")))?;
    let features = match document.get("type").and_then(Value::as_str) {
        Some("FeatureCollection") => document.get("features").and_then(Value::as_array).map(Vec::as_slice),
        Some("Feature") => Some(std::slice::from_ref(&document)),
        _ => None,
    };
    let features = features.ok_or_else(|| ImportError::line(1, "expected a FeatureCollection or a Feature"))?;
    let mut import = Import::default();
    for (number, feature) in (1..).zip(features) {
        match zone(feature).map_err(|problem| ImportError::feature(number, problem))? {
            Some(drawn) => import.add(drawn).map_err(|problem| ImportError::feature(number, problem))?,
            None => import.ignored += 1,
        }
    }
    Ok(import.finish())
}

/// `None`: a geometry that has no area.
fn zone(feature: &Value) -> Result<Option<Drawn>, String> {
    let geometry = feature.get("geometry").ok_or("expected a feature with a geometry")?;
    let coordinates = || geometry.get("coordinates").and_then(Value::as_array).ok_or("expected coordinates");
    let polygons = match geometry.get("type").and_then(Value::as_str) {
        Some("Polygon") => vec![rings(coordinates()?)?],
        Some("MultiPolygon") => {
            let polygons = coordinates()?;
            if polygons.len() > POLYGONS {
                return Err(format!("the zone has {} polygons: expected at most {POLYGONS}", polygons.len()));
            }
            let each = polygons.iter().map(|polygon| rings(polygon.as_array().ok_or("expected a list of rings")?));
            each.collect::<Result<_, _>>()?
        }
        _ => return Ok(None),
    };
    let none = Map::new();
    let properties = feature.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let text = |name: &str| properties.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let id = properties.get("id").or_else(|| feature.get("id"));
    let id = match id {
        Some(Value::String(id)) => id.clone(),
        Some(Value::Number(id)) => id.to_string(),
        _ => String::new(),
    };
    let ground = properties.get("ground_altitude_m").filter(|value| !value.is_null());
    let ground_altitude_m = ground.map(|value| value.as_f64().filter(|metres| metres.abs() <= 10_000.0));
    if ground_altitude_m == Some(None) {
        return Err("invalid ground_altitude_m: expected metres above mean sea level".to_owned());
    }
    let name = text("name");
    Ok(Some(Drawn {
        name: if name.is_empty() { id.clone() } else { name },
        id,
        zone_class: text("class"),
        polygons,
        floor: limit(properties, "floor")?,
        ceiling: limit(properties, "ceiling")?,
        ground_altitude_m: ground_altitude_m.flatten(),
        valid_from_us: time(properties, "valid_from")?,
        valid_until_us: time(properties, "valid_until")?,
    }))
}

fn rings(rings: &[Value]) -> Result<ZonePolygon, String> {
    let rings: Vec<Vec<Position>> = rings.iter().map(positions).collect::<Result<_, _>>()?;
    let (outline, holes) = rings.split_first().ok_or("a polygon without rings: expected an outline")?;
    polygon(outline, holes).map_err(|error| error.to_string())
}

fn positions(ring: &Value) -> Result<Vec<Position>, String> {
    let points = ring.as_array().ok_or("expected a list of positions")?;
    if points.len() > RING_VERTICES {
        return Err(format!("an outline has more than {RING_VERTICES} points: simplify it"));
    }
    let number = |point: &Value, at: usize| point.get(at).and_then(Value::as_f64);
    let position = |point: &Value| Some(Position::new(number(point, 1)?, number(point, 0)?));
    let positions: Option<Vec<Position>> = points.iter().map(position).collect();
    positions.ok_or_else(|| "expected positions as [longitude, latitude] in degrees".to_owned())
}

fn limit(properties: &Map<String, Value>, name: &str) -> Result<Option<ZoneLimit>, String> {
    let limit = match properties.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(metres)) => metres.as_f64().and_then(altitude).map(Some).ok_or(InvalidLimit),
        Some(Value::String(text)) => parse_limit(text),
        Some(_) => Err(InvalidLimit),
    };
    let expected = "expected metres above mean sea level, or a text like \"FL95\", \"GND\" or \"300 m AGL\"";
    limit.map_err(|_| format!("invalid {name}: {expected}"))
}

fn time(properties: &Map<String, Value>, name: &str) -> Result<Option<u64>, String> {
    let Some(value) = properties.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let time = value.as_str().and_then(parse_time);
    time.map(Some).ok_or_else(|| format!("invalid {name}: expected a time in UTC like \"2026-05-01T08:00:00Z\""))
}

/// A zone as a feature, as [`parse`] reads it.
pub fn feature(set: &str, zone: &schemas::v1::Zone, is_judged: bool) -> Value {
    serde_json::json!({
        "type": "Feature",
        "id": format!("{set}/{}", zone.zone_id),
        "geometry": geometry(zone),
        "properties": {
            "set": set,
            "id": zone.zone_id,
            "name": zone.name,
            "class": zone.zone_class,
            "floor": limit_text(zone.floor.as_ref()),
            "ceiling": limit_text(zone.ceiling.as_ref()),
            "ground_altitude_m": zone.ground_altitude_m,
            "valid_from": zone.valid_from_us.map(time_text),
            "valid_until": zone.valid_until_us.map(time_text),
            "judged": is_judged,
        },
    })
}

fn geometry(zone: &schemas::v1::Zone) -> Value {
    let ring = |ring: &schemas::v1::ZoneRing| {
        let positions = crate::ring::positions(ring);
        positions.iter().map(|at| Value::from(vec![at.longitude_deg, at.latitude_deg])).collect::<Vec<Value>>()
    };
    let polygon = |polygon: &ZonePolygon| {
        let rings = polygon.outline.iter().chain(&polygon.holes).map(ring);
        Value::from(rings.map(Value::from).collect::<Vec<Value>>())
    };
    let polygons: Vec<Value> = zone.polygons.iter().map(polygon).collect();
    match <[Value; 1]>::try_from(polygons) {
        Ok([polygon]) => serde_json::json!({ "type": "Polygon", "coordinates": polygon }),
        Err(polygons) => serde_json::json!({ "type": "MultiPolygon", "coordinates": polygons }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zone::{Fix, Judgement, Zone};

    /// A file of one feature with these parts.
    fn file(geometry: &str, properties: &str) -> String {
        format!(
            "{{\"type\":\"FeatureCollection\",\"features\":[{{\"type\":\"Feature\",\"geometry\":{geometry},\
             \"properties\":{properties}}}]}}"
        )
    }

    const SQUARE: &str = r#"{"type":"Polygon","coordinates":[[[7,46],[8,46],[8,47],[7,47],[7,46]],
        [[7.4,46.4],[7.6,46.4],[7.6,46.6],[7.4,46.6],[7.4,46.4]]]}"#;

    const TWO: &str = r#"{"type":"MultiPolygon","coordinates":[[[[179,-18],[180,-18],[180,-17],[179,-17],[179,-18]]],
        [[[-180,-18],[-179,-18],[-179,-17],[-180,-17],[-180,-18]]]]}"#;

    fn inside(zone: &schemas::v1::Zone, lat: f64, lon: f64) -> bool {
        let fix = Fix::new(Position::new(lat, lon), Some(1_000.0)).expect("on Earth");
        Zone::decode("test", zone).expect("a zone").judge(&fix) == Judgement::Inside
    }

    #[test]
    fn a_feature_becomes_a_zone_with_holes() {
        let properties = r#"{"name":"Jura","class":"n","floor":"GND","ceiling":1800,"ground_altitude_m":900,
            "valid_from":"2026-05-01T00:00:00Z","valid_until":"2026-07-01T00:00:00Z","colour":"red"}"#;
        let import = parse(&file(SQUARE, properties)).unwrap();
        let zone = &import.zones[0];
        assert_eq!((zone.zone_id.as_str(), zone.name.as_str(), zone.zone_class.as_str()), ("jura", "Jura", "N"));
        assert_eq!(
            (limit_text(zone.floor.as_ref()), limit_text(zone.ceiling.as_ref())),
            ("GND".into(), "1800 m".into())
        );
        assert_eq!(zone.valid_from_us, Some(1_777_593_600_000_000));
        assert!(inside(zone, 46.2, 7.2) && !inside(zone, 46.5, 7.5), "the hole");
    }

    #[test]
    fn several_polygons_are_one_zone() {
        let import = parse(&file(TWO, "null")).unwrap();
        let zone = &import.zones[0];
        assert!(inside(zone, -17.5, 179.5) && inside(zone, -17.5, -179.5) && inside(zone, -17.5, 180.0));
        assert!(!inside(zone, -17.5, 178.5) && !inside(zone, -17.5, 0.0));
    }

    #[test]
    fn what_has_no_area_is_passed_over() {
        let import = parse(&file(r#"{"type":"Point","coordinates":[7,46]}"#, "{}")).unwrap();
        assert_eq!((import.zones.len(), import.ignored), (0, 1));
    }

    #[test]
    fn an_error_names_line_or_feature() {
        let error = |text: &str| parse(text).expect_err("refused").to_string();
        assert!(error("{\n\"type\":\n}").starts_with("line 3: invalid JSON"));
        assert_eq!(error("[]"), "line 1: expected a FeatureCollection or a Feature");
        for (properties, problem) in [
            (r#"{"floor":"high"}"#, "feature 1: invalid floor: expected metres"),
            (r#"{"ceiling":1e9}"#, "feature 1: invalid ceiling"),
            (r#"{"valid_from":"tomorrow"}"#, "feature 1: invalid valid_from: expected a time in UTC"),
            (r#"{"ground_altitude_m":"x"}"#, "feature 1: invalid ground_altitude_m"),
            (r#"{"floor":2000,"ceiling":1000}"#, "feature 1: the floor of"),
        ] {
            assert!(error(&file(SQUARE, properties)).starts_with(problem), "{properties}");
        }
        let line = r#"{"type":"Polygon","coordinates":[[[7,46],[8,46],[7,46]]]}"#;
        assert!(error(&file(line, "{}")).starts_with("feature 1: an outline has fewer than 3"));
        let swapped = r#"{"type":"Polygon","coordinates":[[[7,460],[8,46],[7,47]]]}"#;
        assert!(error(&file(swapped, "{}")).starts_with("feature 1: a position is not on the globe"));
        let texts = r#"{"type":"Polygon","coordinates":[[["7","46"]]]}"#;
        assert_eq!(error(&file(texts, "{}")), "feature 1: expected positions as [longitude, latitude] in degrees");
    }

    #[test]
    fn a_zone_is_the_same_after_its_way_through_geojson() {
        let properties = r#"{"id":"a.1","name":"Ä","class":"CTR","floor":"4500 ft","ceiling":"300 m AGL","ground_altitude_m":1400.5,
            "valid_from":"2026-05-01T08:00:00Z"}"#;
        for (geometry, properties) in
            [(SQUARE, properties), (SQUARE, "{}"), (TWO, r#"{"floor":"GND","ceiling":"FL95"}"#)]
        {
            let zone = &parse(&file(geometry, properties)).unwrap().zones[0];
            let written = feature("test", zone, true).to_string();
            assert_eq!(&parse(&written).unwrap().zones[0], zone);
        }
    }
}
