//! Landmarks, and the lists of points that geofences share with them.

use fanet::packet::{Landmark, Shape};
use fanet::{Position, WindSectors};

use super::fields::{position, text};
use super::layout::Layout;

pub(super) fn landmark(layout: &mut Layout<'_>, packet: &Landmark<'_>) {
    let name = packet.shape.name().unwrap_or("not assigned");
    layout.put(1, "", "");
    layout.bits("4-7", "ttl_min", format!("{} min", packet.ttl_min));
    layout.bits("0-3", "subtype", format!("{}, {name}", packet.shape.subtype()));
    layout.put(1, "", "");
    layout.bits("5-7", "reserved", packet.reserved.to_string());
    layout.bits("4", "wind_dependent", packet.wind_sectors.is_some().to_string());
    layout.bits("0-3", "layer", format!("{}, {}", packet.layer.code(), packet.layer.name()));
    if let Some(found) = packet.wind_sectors {
        layout.put(1, "wind_sectors", sectors(found));
    }
    shape(layout, &packet.shape);
}

fn shape(layout: &mut Layout<'_>, shape: &Shape<'_>) {
    match shape {
        Shape::Text { position: at, text: content } => {
            position(layout, *at);
            text(layout, "text", *content);
        }
        Shape::Line(points) | Shape::Arrow(points) | Shape::Area(points) | Shape::AreaFilled(points) => {
            positions(layout, points.iter());
        }
        Shape::Circle(circles) | Shape::CircleFilled(circles) => {
            let values = circles.iter().map(|circle| (circle.position, circle.radius_m.to_string()));
            with_extra(layout, "radius_m", values);
        }
        Shape::Line3d(points) => {
            let values = points.iter().map(|point| (point.position, point.altitude_m.to_string()));
            with_extra(layout, "altitude_m", values);
        }
        Shape::Area3d { altitude_bottom_m, altitude_top_m, points } => {
            limits(layout, *altitude_bottom_m, *altitude_top_m);
            positions(layout, points.iter());
        }
        Shape::Cylinder3d { circles, altitude_bottom_m, altitude_top_m } => {
            let values = circles.iter().map(|circle| (circle.position, circle.radius_m.to_string()));
            with_extra(layout, "radius_m", values);
            limits(layout, *altitude_bottom_m, *altitude_top_m);
        }
        Shape::Unassigned { .. } => layout.rest("body_hex", "of a subtype that is not assigned"),
    }
}

pub(super) fn limits(layout: &mut Layout<'_>, bottom_m: i32, top_m: i32) {
    layout.put(1, "altitude_bottom_m", format!("{bottom_m} m"));
    layout.put(1, "altitude_top_m", format!("{top_m} m"));
}

pub(super) fn positions(layout: &mut Layout<'_>, points: impl Iterator<Item = Position>) {
    for (index, point) in points.enumerate() {
        listed(layout, index, point);
    }
}

fn with_extra(layout: &mut Layout<'_>, field: &'static str, values: impl Iterator<Item = (Position, String)>) {
    for (index, (point, metres)) in values.enumerate() {
        listed(layout, index, point);
        layout.put(1, field, format!("{metres} m"));
    }
}

/// A point of a list: the first in full, later ones relative to the one before.
fn listed(layout: &mut Layout<'_>, index: usize, point: Position) {
    if index == 0 {
        return position(layout, point);
    }
    let number = index + 1;
    layout.put(2, "latitude_deg", format!("{:.6}, point {number}, compressed", point.latitude_deg));
    layout.put(2, "longitude_deg", format!("{:.6}", point.longitude_deg));
}

/// The marked sectors by name.
pub(super) fn sectors(sectors: WindSectors) -> String {
    const NAMES: [&str; 8] = ["N", "NE", "E", "SE", "S", "SW", "W", "NW"];
    if sectors.is_calm_only() {
        return "none: only in calm air".to_owned();
    }
    let marked = NAMES.iter().enumerate().filter(|(bit, _)| sectors.0 >> bit & 1 == 1);
    marked.map(|(_, name)| *name).collect::<Vec<_>>().join(" ")
}
