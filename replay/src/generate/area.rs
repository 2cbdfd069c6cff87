//! Launch areas: the launch, the ground and the air of an area.

use super::centre::Centre;
use super::dice::{Dice, Part, scatter};
use super::plane::{Plane, Point, Position3d, Velocity};
use super::thermal::{Ground, Source, Thermal};
use super::wind::Wind;

/// A launch area as a map has it: name, latitude, longitude (degrees), launch and valley altitude (metres).
struct Site(&'static str, f64, f64, f64, f64);

/// Areas in groups of three within sight of each other, so that receivers hear more than their own.
const SITES: [Site; 18] = [
    Site("Fiesch", 46.411, 8.135, 2_200.0, 1_050.0),
    Site("Interlaken", 46.697, 7.800, 1_350.0, 570.0),
    Site("Meiringen", 46.737, 8.235, 2_150.0, 600.0),
    Site("Bassano", 45.822, 11.760, 1_250.0, 180.0),
    Site("Feltre", 46.022, 11.830, 1_400.0, 300.0),
    Site("Levico", 46.040, 11.310, 1_500.0, 450.0),
    Site("Annecy", 45.814, 6.247, 1_250.0, 450.0),
    Site("Chamonix", 45.935, 6.850, 2_000.0, 1_035.0),
    Site("Samoens", 46.095, 6.705, 1_600.0, 720.0),
    Site("Greifenburg", 46.772, 13.160, 1_750.0, 620.0),
    Site("Sillian", 46.762, 12.420, 2_150.0, 1_100.0),
    Site("Lienz", 46.850, 12.730, 1_950.0, 680.0),
    Site("Kössen", 47.662, 12.410, 1_550.0, 590.0),
    Site("Brauneck", 47.662, 11.523, 1_530.0, 700.0),
    Site("Stubai", 47.105, 11.310, 1_800.0, 950.0),
    Site("Tolmin", 46.182, 13.770, 1_080.0, 200.0),
    Site("Gemona", 46.290, 13.160, 1_200.0, 250.0),
    Site("Lijak", 45.965, 13.720, 600.0, 90.0),
];

/// Beyond the named areas: one per mesh of this many degrees over central Europe.
const MESH_DEG: f64 = 0.25;
const MESH_COLUMNS: usize = 150;
const MESH_ROWS: usize = 96;
/// At 46 degrees north, 6 degrees east.
const FIRST_MESH: usize = 38 * MESH_COLUMNS + 56;
/// Thermal sources per area.
const SOURCES: u64 = 7;
/// How far pilots stray from the launch, metres.
pub(crate) const RADIUS_M: f64 = 9_000.0;

/// One launch area.
#[derive(Debug, Clone)]
pub(crate) struct Area {
    pub(crate) name: String,
    pub(crate) plane: Plane,
    pub(crate) launch_m: f64,
    pub(crate) floor_m: f64,
    /// Where pilots land.
    pub(crate) field: Point,
    pub(crate) wind: Wind,
    sources: Vec<Source>,
}

impl Area {
    /// The area of a number, the same for the same seed and centre.
    pub(crate) fn new(seed: u64, index: usize, centre: Option<Centre>) -> Self {
        let mut dice = Dice::new(seed, Part::Area, index as u64);
        let (name, latitude_deg, longitude_deg, launch_m, floor_m) = ground(index, centre, &mut dice);
        let wind = Wind::drawn(&mut Dice::new(seed, Part::Wind, index as u64), floor_m);
        let ceiling_m = launch_m + dice.between(900.0, 1_500.0);
        let sources = (0..SOURCES).map(|source| {
            let (near_m, far_m) = if source == 0 { (500.0, 1_200.0) } else { (1_500.0, 7_000.0) };
            let point = Point::polar(dice.between(near_m, far_m), dice.between(0.0, 360.0));
            let seed = scatter(seed ^ scatter((index as u64) << 8 | source));
            Source::new(Ground { seed, point, floor_m, ceiling_m }, &wind)
        });
        let sources = sources.collect();
        let field = Point::polar(dice.between(2_500.0, 4_000.0), dice.between(0.0, 360.0));
        Self { name, plane: Plane::at(latitude_deg, longitude_deg), launch_m, floor_m, field, wind, sources }
    }

    /// Ends thermals and starts new ones.
    pub(crate) fn advance(&mut self, now_s: f64) {
        for source in &mut self.sources {
            source.advance(now_s, &self.wind);
        }
    }

    /// As [`Area::advance`], and reports new thermals.
    pub(crate) fn advance_and_report(&mut self, now_s: f64, born: &mut Vec<Thermal>) {
        for source in &mut self.sources {
            if source.advance(now_s, &self.wind) {
                born.push(source.thermal().clone());
            }
        }
    }

    /// The current thermal of each source; some are not born yet.
    pub(crate) fn thermals(&self) -> impl Iterator<Item = &Thermal> {
        self.sources.iter().map(Source::thermal)
    }

    /// A thermal by its id, while it is the current one of its source.
    pub(crate) fn thermal(&self, id: u64) -> Option<&Thermal> {
        self.thermals().find(|thermal| thermal.id == id)
    }

    /// Vertical speed of the air at a point, m/s: the strongest of the thermals there.
    pub(crate) fn lift_mps(&self, point: Point, altitude_m: f64, now_s: f64) -> f64 {
        let lifts = self.thermals().map(|thermal| {
            let distance_m = thermal.centre(now_s).distance_m(point);
            thermal.lift_mps(distance_m, altitude_m, now_s)
        });
        lifts.fold(0.0, f64::max)
    }

    pub(crate) fn wind_at(&self, altitude_m: f64) -> Velocity {
        self.wind.at(altitude_m)
    }

    pub(crate) fn launch_position(&self) -> Position3d {
        self.plane.position(Point::default(), self.launch_m)
    }
}

fn ground(index: usize, centre: Option<Centre>, dice: &mut Dice) -> (String, f64, f64, f64, f64) {
    if let Some(centre) = centre {
        let (latitude_deg, longitude_deg) = centre.area_deg(index);
        let floor_m = dice.between(100.0, 900.0);
        let launch_m = floor_m + dice.between(600.0, 1_200.0);
        return (format!("Area {}", index + 1), latitude_deg, longitude_deg, launch_m, floor_m);
    }
    if let Some(Site(name, latitude_deg, longitude_deg, launch_m, floor_m)) = SITES.get(index) {
        return ((*name).to_owned(), *latitude_deg, *longitude_deg, *launch_m, *floor_m);
    }
    // Consecutive numbers are close on the ground, so that frames find about as many receivers in a world of any
    // size. The first ones lie in the Alps.
    let mesh = (index - SITES.len() + FIRST_MESH) % (MESH_COLUMNS * MESH_ROWS);
    let latitude_deg = 36.5 + MESH_DEG * (mesh / MESH_COLUMNS) as f64 + dice.between(-0.08, 0.08);
    let longitude_deg = -8.0 + MESH_DEG * (mesh % MESH_COLUMNS) as f64 + dice.between(-0.08, 0.08);
    let floor_m = dice.between(100.0, 900.0);
    let launch_m = floor_m + dice.between(600.0, 1_200.0);
    (format!("Area {}", index + 1), latitude_deg, longitude_deg, launch_m, floor_m)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unnamed_areas_lie_apart_and_on_the_globe() {
        let areas: Vec<Area> = (0..500).map(|index| Area::new(1, index, None)).collect();
        for (index, area) in areas.iter().enumerate() {
            let position = area.launch_position();
            assert!((35.0..62.0).contains(&position.latitude_deg) && (-9.0..31.0).contains(&position.longitude_deg));
            assert!(area.launch_m > area.floor_m + 400.0, "{}", area.name);
            let near = areas[..index].iter().filter(|other| other.launch_position().distance_m(&position) < 5_000.0);
            assert!(near.count() < 2, "{} is crowded", area.name);
        }
    }

    #[test]
    fn there_is_always_a_thermal_somewhere() {
        let mut area = Area::new(4, 0, None);
        for minute in 0..600 {
            let now_s = f64::from(minute) * 60.0;
            area.advance(now_s);
            assert!(area.thermals().any(|thermal| thermal.vigour(now_s) > 0.0), "minute {minute}");
        }
    }

    #[test]
    fn lift_at_a_centre_is_that_of_its_thermal() {
        let area = Area::new(4, 1, None);
        let thermal = area.thermals().next().expect("an area has sources");
        let altitude_m = f64::midpoint(thermal.base_m, thermal.top_m);
        let lift_mps = area.lift_mps(thermal.centre(0.0), altitude_m, 0.0);
        assert!(lift_mps >= thermal.core_mps * thermal.vigour(0.0) - 1e-9);
    }
}
