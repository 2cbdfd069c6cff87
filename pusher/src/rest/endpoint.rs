//! The description of an endpoint, for its handler and for the OpenAPI document.

use super::problem::Problem;
use super::query::Query;

/// One parameter.
#[derive(Debug, PartialEq)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    /// JSON schema type.
    pub(super) kind: &'static str,
    pub(super) about: &'static str,
}

/// One endpoint for GET.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    /// In the path.
    pub(super) path_parameters: &'static [&'static Parameter],
    pub(super) parameters: &'static [&'static Parameter],
    /// The name of the response's message, without its package.
    pub(super) message: &'static str,
}

impl Endpoint {
    /// Parses the query of a request to this endpoint.
    pub(super) fn query(&self, query: Option<&str>) -> Result<Query, Problem> {
        let known: Vec<&'static str> = self.parameters.iter().map(|parameter| parameter.name).collect();
        Query::parse(query, &known)
    }
}

pub(super) const LAT: Parameter =
    Parameter { name: "lat", kind: "number", about: "Latitude of the centre, degrees; with `lon` and `radius`." };
pub(super) const LON: Parameter =
    Parameter { name: "lon", kind: "number", about: "Longitude of the centre, degrees; with `lat` and `radius`." };
pub(super) const RADIUS: Parameter =
    Parameter { name: "radius", kind: "number", about: "Kilometres around `lat` and `lon`." };
pub(super) const BOUNDS: Parameter = Parameter {
    name: "bounds",
    kind: "string",
    about: "`sw_lat,sw_lon,ne_lat,ne_lon` in degrees. Bounds that cross the date line have a west greater than the east, or \
            longitudes beyond 180 (170 to 190). Without a region: the complete world.",
};
pub(super) const MAX_AGE: Parameter = Parameter {
    name: "max_age_s",
    kind: "integer",
    about: "Only objects that were heard of within this number of seconds.",
};
pub(super) const TYPES: Parameter = Parameter {
    name: "types",
    kind: "string",
    about: "Only these types: names of the enum in lower case, separated by commas.",
};
