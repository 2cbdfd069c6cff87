//! Fields that several packets share.

use fanet::Position;

use super::layout::Layout;

pub(super) fn position(layout: &mut Layout<'_>, position: Position) {
    layout.put(3, "latitude_deg", format!("{:.6}", position.latitude_deg));
    layout.put(3, "longitude_deg", format!("{:.6}", position.longitude_deg));
}

/// A text, and what is dropped after the NUL that ends it.
pub(super) fn text(layout: &mut Layout<'_>, field: &'static str, text: fanet::Text<'_>) {
    let coding = if text.as_str().is_some() { "" } else { ", not UTF-8, shown as Latin-1" };
    layout.put(text.as_bytes().len(), field, format!("{:?}{coding}", text.display()));
    layout.rest("", "NUL ends the text; dropped from here");
}
