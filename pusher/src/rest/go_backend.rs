//! Names of the Go backend, so that errors can point to the new names. `docs/coming-from-the-go-backend.md` has the
//! same tables; a test compares them.

/// A name that has changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Renamed {
    /// The Go backend's name.
    pub(super) old: &'static str,
    /// The new name.
    pub(super) new: &'static str,
    /// How to use it.
    pub(super) about: &'static str,
}

const fn renamed(old: &'static str, new: &'static str, about: &'static str) -> Renamed {
    Renamed { old, new, about }
}

/// Query parameters.
pub(super) const PARAMETERS: [Renamed; 8] = [
    renamed("max_age", "max_age_s", "seconds, as before; without it, everything that is known"),
    renamed("air-types", "types", "of /api/v1/pilots, by name, for example types=paraglider,glider"),
    renamed("ground-types", "types", "of /api/v1/ground, by name, for example types=walking,vehicle"),
    renamed("pilots", "kinds", "of /api/v1/snapshot: kinds=aircraft,... names those that are wanted"),
    renamed("ground_objects", "kinds", "of /api/v1/snapshot: kinds=ground,... names those that are wanted"),
    renamed("thermals", "kinds", "of /api/v1/snapshot: kinds=thermal,... names those that are wanted"),
    renamed("stations", "kinds", "of /api/v1/snapshot: kinds=station,... names those that are wanted"),
    renamed("filter-level", "level", "of /api/v1/track/{address}"),
];

/// Fields of the body of `POST /api/v1/position`.
pub(super) const FIELDS: [Renamed; 8] = [
    renamed("position", "latitude_deg", "and longitude_deg, not nested"),
    renamed("latitude", "latitude_deg", "degrees"),
    renamed("longitude", "longitude_deg", "degrees"),
    renamed("altitude", "altitude_m", "metres"),
    renamed("speed", "speed_kmh", "km/h"),
    renamed("climb", "climb_mps", "m/s, up is positive"),
    renamed("course", "course_deg", "degrees true"),
    renamed("timestamp", "positioned_at_us", "microseconds since the epoch"),
];

/// Prefixes of paths; the new path is for people.
pub(super) const PATHS: [Renamed; 4] = [
    renamed("/metrics", "/metrics", "on the admin port, by default 9104"),
    renamed("/debug/pprof", "/debug/profile", "on the admin port, where --profile is set"),
    renamed("/api/v1/invalidate", "/api/v1/validation/{address}/reset", "where --open-operator is set"),
    renamed("/api/v1/validation/metrics", "/metrics", "on the admin port of the processor"),
];

/// The new name of a query parameter.
pub(super) fn parameter(old: &str) -> Option<&'static Renamed> {
    PARAMETERS.iter().find(|renamed| renamed.old == old)
}

/// The new name of a field.
pub(super) fn field(old: &str) -> Option<&'static Renamed> {
    FIELDS.iter().find(|renamed| renamed.old == old)
}

/// The new path.
pub(super) fn path(old: &str) -> Option<&'static Renamed> {
    PATHS.iter().find(|renamed| old.starts_with(renamed.old))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of the table under a heading, as cells without their quotes.
    fn rows<'a>(page: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
        let section = page.split("\n## ").find(|section| section.starts_with(heading)).unwrap_or_default();
        let lines = section.lines().filter(|line| line.starts_with('|')).skip(2);
        lines
            .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect())
            .collect()
    }

    #[test]
    fn the_page_and_the_errors_have_the_same_names() {
        let page = include_str!("../../../docs/coming-from-the-go-backend.md");
        for (heading, table) in [
            ("Parameters that have another name", &PARAMETERS[..]),
            ("Fields of a position that have another name", &FIELDS[..]),
        ] {
            let documented: Vec<_> = rows(page, heading).into_iter().map(|row| (row[0], row[1], row[2])).collect();
            let reported: Vec<_> = table.iter().map(|renamed| (renamed.old, renamed.new, renamed.about)).collect();
            assert_eq!(documented, reported, "{heading}");
        }
        for renamed in &PATHS {
            assert!(page.contains(renamed.old), "{renamed:?}");
        }
    }
}
