//! The query string: known parameters only, each at most once, each with its own format.

use std::str::FromStr;

use geo::{Bounds, Circle, Region};
use schemas::object::{Kind, KindSet};
use url::form_urlencoded;

use super::problem::Problem;

/// The parameters of one request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Parses the query string.
    ///
    /// # Errors
    /// 400: a parameter that is not in `known`, or a repeated one.
    pub(crate) fn parse(query: Option<&str>, known: &[&'static str]) -> Result<Self, Problem> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            if !known.contains(&&*name) {
                return Err(Problem::unknown_parameter(&name, known));
            }
            if parameters.iter().any(|(earlier, _)| *earlier == name) {
                return Err(bad_parameter(format!("repeated parameter {name}: expected it once")));
            }
            parameters.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(parameters))
    }

    /// The text of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that is a number within `allowed`.
    pub(crate) fn number<T: FromStr + PartialOrd + std::fmt::Display>(
        &self,
        name: &'static str,
        allowed: std::ops::RangeInclusive<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match text.trim().parse() {
            Ok(number) if allowed.contains(&number) => Ok(Some(number)),
            _ => {
                let expected = format!("a number from {} to {}", allowed.start(), allowed.end());
                Err(Problem::invalid_parameter(name, text, &expected))
            }
        }
    }

    /// A parameter that is a list of names, separated by commas.
    pub(crate) fn list<T>(
        &self,
        name: &'static str,
        allowed: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<Vec<T>>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let items: Option<Vec<T>> = text.split(',').map(|item| parse(item.trim())).collect();
        let invalid = || Problem::invalid_parameter(name, text, &format!("some of: {allowed}; separated by commas"));
        items.map(Some).ok_or_else(invalid)
    }

    /// A parameter that is one name.
    pub(crate) fn one_of<T>(
        &self,
        name: &'static str,
        allowed: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let invalid = || Problem::invalid_parameter(name, text, &format!("one of: {allowed}"));
        parse(text.trim()).map(Some).ok_or_else(invalid)
    }

    /// The parameter `kinds`.
    pub(crate) fn kinds(&self) -> Result<Option<KindSet>, Problem> {
        let kinds = self.list("kinds", "aircraft, ground, thermal, station, receiver, alert", Kind::from_name)?;
        Ok(kinds.map(KindSet::from_iter))
    }

    /// The region: `bounds`, or `lat`, `lon` and `radius`; `None` without both.
    ///
    /// # Errors
    /// 400: an invalid region, or both.
    pub(crate) fn region(&self) -> Result<Option<Region>, Problem> {
        match (self.bounds()?, self.circle()?) {
            (Some(_), Some(_)) => {
                Err(Problem::bad_request("bad_region", "expected either bounds, or lat, lon and radius".to_owned()))
            }
            (bounds, circle) => Ok(bounds.map(Region::Bounds).or(circle.map(Region::Circle))),
        }
    }

    /// The parameter `bounds=sw_lat,sw_lon,ne_lat,ne_lon`.
    pub(crate) fn bounds(&self) -> Result<Option<Bounds>, Problem> {
        let Some(text) = self.get("bounds") else { return Ok(None) };
        let numbers: Option<Vec<f64>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
        let edges: Option<[f64; 4]> = numbers.and_then(|numbers| numbers.try_into().ok());
        let edges = edges
            .ok_or_else(|| Problem::invalid_parameter("bounds", text, "sw_lat,sw_lon,ne_lat,ne_lon in degrees"))?;
        let [south, west, north, east] = edges;
        Bounds::new(south, west, north, east)
            .map(Some)
            .map_err(|error| Problem::bad_request("bad_region", error.to_string()))
    }

    /// The parameters `lat`, `lon` and `radius` (km): all of them, or none.
    fn circle(&self) -> Result<Option<Circle>, Problem> {
        let lat = self.number("lat", -90.0..=90.0)?;
        let lon = self.number("lon", -180.0..=180.0)?;
        let radius_km = self.number("radius", 0.0..=Circle::MAX_RADIUS_KM)?;
        match (lat, lon, radius_km) {
            (Some(lat), Some(lon), Some(radius_km)) => {
                let circle = Circle::new(lat, lon, radius_km);
                circle.map(Some).map_err(|error| Problem::bad_request("bad_region", error.to_string()))
            }
            (None, None, None) => Ok(None),
            _ => Err(bad_parameter("expected lat, lon and radius together".to_owned())),
        }
    }
}

fn bad_parameter(detail: String) -> Problem {
    Problem::bad_request("bad_parameter", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] = ["lat", "lon", "radius", "bounds", "kinds"];

    fn parse(query: &str) -> Query {
        Query::parse(Some(query), &KNOWN).unwrap()
    }

    #[test]
    fn unknown_and_repeated_parameters_are_refused() {
        let problem = Query::parse(Some("latitude=1"), &KNOWN).unwrap_err();
        assert_eq!(problem, Problem::unknown_parameter("latitude", &KNOWN));
        assert!(Query::parse(Some("lat=1&lat=2"), &KNOWN).is_err());
        assert_eq!(Query::parse(None, &KNOWN), Ok(Query::default()));
    }

    #[test]
    fn regions_are_complete_or_absent() {
        let circle = Circle::new(46.5, -8.0, 50.0).map(Region::Circle).unwrap();
        assert_eq!(parse("lat=46.5&lon=-8&radius=50").region(), Ok(Some(circle)));
        let bounds = Bounds::new(46.0, 7.0, 47.5, 8.0).map(Region::Bounds).unwrap();
        assert_eq!(parse("bounds=46,7,%2047.5,8").region(), Ok(Some(bounds)));
        assert_eq!(parse("").region(), Ok(None));
        for invalid in [
            "lat=46.5&lon=8",
            "lat=91&lon=8&radius=1",
            "lat=NaN&lon=8&radius=1",
            "lat=46&lon=8&radius=0",
            "bounds=46,7,47",
            "bounds=47,7,46,8",
            "bounds=46,7,inf,8",
            "bounds=46,7,47,8&lat=46&lon=8&radius=1",
        ] {
            assert!(parse(invalid).region().is_err(), "{invalid}");
        }
    }

    #[test]
    fn a_list_has_known_items_only() {
        let known = |item: &str| (item == "a" || item == "b").then(|| item.to_owned());
        assert_eq!(parse("kinds=a,b").list("kinds", "a, b", known), Ok(Some(vec!["a".to_owned(), "b".to_owned()])));
        assert!(parse("kinds=a,c").list("kinds", "a, b", known).is_err());
    }

    #[test]
    fn one_name_is_not_a_list() {
        let known = |name: &str| (name == "a" || name == "b").then(|| name.to_owned());
        assert_eq!(parse("kinds=a").one_of("kinds", "a, b", known), Ok(Some("a".to_owned())));
        for invalid in ["kinds=a,b", "kinds=", "kinds=c"] {
            assert!(parse(invalid).one_of("kinds", "a, b", known).is_err(), "{invalid}");
        }
    }
}
