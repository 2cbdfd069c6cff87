//! Which parts of a cell touch a region, and which are inside of it.
//!
//! The 32 parts of a cell form a grid. A distance on the sphere is made of one term of each of the two latitudes and one of
//! the difference of longitudes, so the terms are computed once per edge of the grid, and no angle is computed per part.
//! Distances are compared by the square of the sine of half their angle, which grows with them; so near to the radius that
//! rounding could decide, the distance itself is asked. The answers are therefore those of [`Region::touches`] and
//! [`Region::encloses`], to the bit.

use crate::bounds::Bounds;
use crate::cell::{Cell, axis_bits};
use crate::circle::Circle;
use crate::position::EARTH_RADIUS_KM;
use crate::region::Region;

/// Within this share of the threshold the exact distance decides whether a cell touches.
const TOUCH_BAND: f64 = 1e-9;
/// The same for whether it is inside: wider, since there the distance to the other end of the globe decides, which is rounded
/// more coarsely.
const ENCLOSE_BAND: f64 = 1e-6;
/// The radii, km, for which the corners of a cell decide whether it is inside: far below, that rounding is too coarse for them;
/// from a quarter of the globe on, a place on an edge can be farther than both of its ends.
const CORNERS_DECIDE_KM: std::ops::Range<f64> = 1.0..9_000.0;

/// The parts of a cell that touch the region: bit `n` of a mask is the cell's child `n`.
#[derive(Clone, Copy)]
pub(super) struct Touching {
    pub(super) mask: u32,
    /// Those that are not negligible and have places outside of the region.
    pub(super) rim: u32,
    /// Area of each part, by row.
    row_km2: [f64; MAX_PARTS],
    wide: bool,
}

impl Touching {
    /// The area of a part, square kilometres.
    pub(super) fn km2(&self, index: u32) -> f64 {
        self.row_km2[place(index as usize, self.wide).0]
    }
}

/// The bits that are set, the lowest first.
pub(super) fn ones(mut mask: u32) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let index = (mask != 0).then(|| mask.trailing_zeros());
        mask &= mask.wrapping_sub(1);
        index
    })
}

/// Asks the parts of cells.
pub(super) struct Touch<'a> {
    region: &'a Region,
    shape: Shape<'a>,
    /// Smaller parts are negligible.
    smallest_km2: f64,
    rows: Recent<Rows>,
    columns: Recent<Columns>,
}

/// A region, as the comparisons need it.
enum Shape<'a> {
    Circle(Near),
    Bounds(&'a Bounds),
}

/// A circle.
struct Near {
    circle: Circle,
    latitude: f64,
    latitude_cos: f64,
    /// Thresholds as squares of sines of half the angle: surely below, surely above.
    touches: [f64; 2],
    encloses: [f64; 2],
    corners_decide: bool,
    antipode_deg: f64,
}

/// The parts of a cell in one direction: eight at most.
const MAX_PARTS: usize = 8;
/// Their edges.
const MAX_EDGES: usize = MAX_PARTS + 1;

/// The parallels of a grid, from the south; the terms are those of a circle.
#[derive(Clone, Copy, Default)]
struct Rows {
    latitude_deg: [f64; MAX_EDGES],
    /// The sine of the latitude.
    sin: [f64; MAX_EDGES],
    /// The square of the sine of half the difference to the centre's latitude.
    north: [f64; MAX_EDGES],
    /// The product of the cosines of the two latitudes.
    cos: [f64; MAX_EDGES],
    /// How the two terms grow with the latitude.
    north_slope: [f64; MAX_EDGES],
    cos_slope: [f64; MAX_EDGES],
}

/// The meridians of a grid, from the west; for a circle.
#[derive(Clone, Copy, Default)]
struct Columns {
    /// The square of the sine of half the difference to the centre's longitude.
    east: [f64; MAX_EDGES],
    /// The square of the sine of half the distance from the centre to where the meridian is nearest.
    foot: [f64; MAX_EDGES],
    /// The parts, a bit each, that have the centre's meridian, and that of the other end of the globe.
    centre: u32,
    antipode: u32,
}

/// What was computed for the last edges of one size; cells of one level have most of theirs in common.
struct Recent<T> {
    edges: Vec<(f64, f64)>,
    kept: Vec<T>,
    next: usize,
}

/// More would take longer to search than to compute.
const MAX_RECENT: usize = 32;

impl<T> Recent<T> {
    const fn new() -> Self {
        Self { edges: Vec::new(), kept: Vec::new(), next: 0 }
    }

    /// What belongs to a first edge and the distance to the next.
    fn get(&mut self, first_deg: f64, step_deg: f64, make: impl FnOnce() -> T) -> &T {
        let edges = (first_deg, step_deg);
        let index = self.edges.iter().position(|known| *known == edges).unwrap_or_else(|| {
            let index = self.next;
            if index < self.kept.len() {
                (self.edges[index], self.kept[index]) = (edges, make());
            } else {
                self.edges.push(edges);
                self.kept.push(make());
            }
            self.next = (index + 1) % MAX_RECENT;
            index
        });
        &self.kept[index]
    }
}

impl<'a> Touch<'a> {
    pub(super) fn new(region: &'a Region, smallest_km2: f64) -> Self {
        let shape = match region {
            Region::Circle(circle) => Shape::Circle(Near::new(circle)),
            Region::Bounds(bounds) => Shape::Bounds(bounds),
        };
        Self { region, shape, smallest_km2, rows: Recent::new(), columns: Recent::new() }
    }

    /// The parts of a cell that touch the region.
    pub(super) fn parts(&mut self, cell: Cell) -> Touching {
        let grid = Grid::of(cell);
        let near = if let Shape::Circle(near) = &self.shape { Some(near) } else { None };
        let rows = self.rows.get(grid.south_deg, grid.height_deg, || Rows::new(near, &grid));
        // As `Bounds::area_km2` has it.
        let strip_km2 = EARTH_RADIUS_KM.powi(2) * grid.width_deg.to_radians();
        let mut row_km2 = [0.0; MAX_PARTS];
        for (row, km2) in row_km2.iter_mut().enumerate().take(grid.rows) {
            *km2 = strip_km2 * (rows.sin[row + 1] - rows.sin[row]);
        }
        let mut touching = Touching { mask: 0, rim: 0, row_km2, wide: grid.is_wide() };
        match &self.shape {
            Shape::Circle(near) => {
                let columns = self.columns.get(grid.west_deg, grid.width_deg, || Columns::new(near, &grid));
                near.ask((&grid, self.region), (rows, columns), self.smallest_km2, &mut touching);
            }
            Shape::Bounds(bounds) => ask_bounds(&grid, bounds, self.smallest_km2, &mut touching),
        }
        touching
    }
}

/// The parts that touch a rectangle: those in its rows and in its columns.
fn ask_bounds(grid: &Grid, region: &Bounds, smallest_km2: f64, touching: &mut Touching) {
    let column = |column: usize| {
        let bounds = grid.bounds(0, column);
        (region.touches_longitudes(&bounds), region.encloses_longitudes(&bounds))
    };
    let columns: [(bool, bool); MAX_PARTS] =
        std::array::from_fn(|index| if index < grid.columns { column(index) } else { (false, false) });
    for row in 0..grid.rows {
        let bounds = grid.bounds(row, 0);
        if !region.touches_latitudes(&bounds) {
            continue;
        }
        let enclosed_row = region.encloses_latitudes(&bounds);
        let counts = touching.row_km2[row] > smallest_km2;
        for (column, (touches, encloses)) in columns.iter().enumerate() {
            let bit = u32::from(*touches) << grid.index(row, column);
            touching.mask |= bit;
            if counts && !(enclosed_row && *encloses) {
                touching.rim |= bit;
            }
        }
    }
}

impl Rows {
    fn new(near: Option<&Near>, grid: &Grid) -> Self {
        let mut rows = Self::default();
        for row in 0..=grid.rows {
            let latitude_deg = grid.latitude_deg(row);
            let latitude = latitude_deg.to_radians();
            (rows.latitude_deg[row], rows.sin[row]) = (latitude_deg, latitude.sin());
            if let Some(near) = near {
                let (sin, cos) = ((latitude - near.latitude) / 2.0).sin_cos();
                rows.north[row] = sin * sin;
                rows.north_slope[row] = sin * cos;
                rows.cos[row] = near.latitude_cos * latitude.cos();
                rows.cos_slope[row] = near.latitude_cos * rows.sin[row];
            }
        }
        rows
    }
}

impl Columns {
    fn new(near: &Near, grid: &Grid) -> Self {
        let mut columns = Self::default();
        let has = |column: usize, longitude_deg: f64| {
            u32::from((longitude_deg - grid.longitude_deg(column)).rem_euclid(360.0) <= grid.width_deg) << column
        };
        for column in 0..=grid.columns {
            let half_east = ((grid.longitude_deg(column) - near.circle.longitude_deg()).to_radians() / 2.0).sin();
            let east = half_east * half_east;
            columns.east[column] = east;
            // The sine of the distance is the product of the centre's cosine and the sine of the difference.
            let sin_squared = 4.0 * near.latitude_cos * near.latitude_cos * east * (1.0 - east);
            columns.foot[column] = sin_squared / (2.0 * (1.0 + (1.0 - sin_squared).max(0.0).sqrt()));
            if column < grid.columns {
                columns.centre |= has(column, near.circle.longitude_deg());
                columns.antipode |= has(column, near.antipode_deg);
            }
        }
        columns
    }
}

/// Where the parts of a cell lie.
struct Grid {
    south_deg: f64,
    west_deg: f64,
    height_deg: f64,
    width_deg: f64,
    /// Rows and columns; one of them is four, the other eight.
    rows: usize,
    columns: usize,
}

impl Grid {
    fn of(cell: Cell) -> Self {
        let (row, column) = cell.grid();
        let (parent, own) = (axis_bits(cell.precision()), axis_bits(cell.precision() + 1));
        let (column_bits, row_bits) = (own.0 - parent.0, own.1 - parent.1);
        let height_deg = 180.0 / f64::from(1_u32 << own.1);
        let width_deg = 360.0 / f64::from(1_u32 << own.0);
        Self {
            // Multiples of an edge are exact numbers: these are the edges that `Cell::bounds` has.
            south_deg: f64::from(row << row_bits) * height_deg - 90.0,
            west_deg: f64::from(column << column_bits) * width_deg - 180.0,
            height_deg,
            width_deg,
            rows: 1 << row_bits,
            columns: 1 << column_bits,
        }
    }

    fn latitude_deg(&self, row: usize) -> f64 {
        self.south_deg + row as f64 * self.height_deg
    }

    fn longitude_deg(&self, column: usize) -> f64 {
        self.west_deg + column as f64 * self.width_deg
    }

    /// Whether it has more columns than rows.
    fn is_wide(&self) -> bool {
        self.columns > self.rows
    }

    /// Which child of the cell a part is.
    fn index(&self, row: usize, column: usize) -> u32 {
        let (long, short) = if self.is_wide() { (column, row) } else { (row, column) };
        u32::from(INDICES[long & 7][short & 3])
    }

    fn bounds(&self, row: usize, column: usize) -> Bounds {
        let (south_deg, west_deg) = (self.latitude_deg(row), self.longitude_deg(column));
        Bounds::unchecked(south_deg, west_deg, south_deg + self.height_deg, west_deg + self.width_deg)
    }
}

/// Row and column of a child: its bits in turns, those of the longer side first.
const fn place(index: usize, wide: bool) -> (usize, usize) {
    let long = (index >> 2 & 4) | (index >> 1 & 2) | (index & 1);
    let short = (index >> 2 & 2) | (index >> 1 & 1);
    if wide { (short, long) } else { (long, short) }
}

/// The child at a place: along the longer side, then along the shorter.
const INDICES: [[u8; 4]; 8] = {
    let mut indices = [[0; 4]; 8];
    let mut index = 0;
    while index < 32 {
        let (long, short) = place(index, false);
        indices[long][short] = index as u8;
        index += 1;
    }
    indices
};

/// The places where the meridians of a grid meet one of its parallels, or where they are nearest between two.
type Places = [f64; MAX_EDGES];

impl Near {
    fn new(circle: &Circle) -> Self {
        let latitude = circle.latitude_deg().to_radians();
        let thresholds = |radius_km: f64, band: f64| {
            let square = half_sine_squared(radius_km);
            [square * (1.0 - band), square * (1.0 + band)]
        };
        Self {
            circle: *circle,
            latitude,
            latitude_cos: latitude.cos(),
            touches: thresholds(circle.touching_km(), TOUCH_BAND),
            encloses: thresholds(circle.radius_km(), ENCLOSE_BAND),
            corners_decide: CORNERS_DECIDE_KM.contains(&circle.radius_km()),
            antipode_deg: (circle.longitude_deg() + 360.0).rem_euclid(360.0) - 180.0,
        }
    }

    fn ask(
        &self,
        (grid, region): (&Grid, &Region),
        (rows, columns): (&Rows, &Columns),
        smallest_km2: f64,
        touching: &mut Touching,
    ) {
        let mut south = corners(rows, columns, 0);
        for row in 0..grid.rows {
            let north = corners(rows, columns, row + 1);
            let straight = self.straight(rows, row);
            // No place is nearer than its latitude alone has it.
            if straight <= self.touches[1] {
                let meridians = nearest_places(rows, columns, row, (&south, &north));
                let is_large = touching.row_km2[row] > smallest_km2;
                for column in 0..grid.columns {
                    let has_centre = columns.centre >> column & 1 == 1;
                    let nearest = if has_centre { straight } else { meridians[column].min(meridians[column + 1]) };
                    let surely = nearest < self.touches[0];
                    if surely || nearest <= self.touches[1] && region.touches(&grid.bounds(row, column)) {
                        let bit = 1 << grid.index(row, column);
                        touching.mask |= bit;
                        let farthest = south[column].max(south[column + 1]).max(north[column]).max(north[column + 1]);
                        let is_inside = || {
                            let decided = self.encloses(farthest, columns.antipode >> column & 1 == 1);
                            decided.unwrap_or_else(|| region.encloses(&grid.bounds(row, column)))
                        };
                        if is_large && !is_inside() {
                            touching.rim |= bit;
                        }
                    }
                }
            }
            south = north;
        }
    }

    /// To the nearest latitude of a row.
    fn straight(&self, rows: &Rows, row: usize) -> f64 {
        let latitude_deg = self.circle.latitude_deg();
        match () {
            () if latitude_deg < rows.latitude_deg[row] => rows.north[row],
            () if latitude_deg > rows.latitude_deg[row + 1] => rows.north[row + 1],
            () => 0.0,
        }
    }

    /// Whether a part is inside by its farthest corner; `None` where that does not decide it.
    fn encloses(&self, farthest: f64, has_antipode: bool) -> Option<bool> {
        match farthest {
            _ if !self.corners_decide => None,
            far if far > self.encloses[1] => Some(false),
            near if near < self.encloses[0] && !has_antipode => Some(true),
            _ => None,
        }
    }
}

/// The squares of the sines of half the angles between the centre and the corners on a parallel.
fn corners(rows: &Rows, columns: &Columns, row: usize) -> Places {
    std::array::from_fn(|column| rows.north[row] + rows.cos[row] * columns.east[column])
}

/// The same to the nearest place of each meridian in a row: its foot, where the distance falls before it and grows after it,
/// or else an end.
fn nearest_places(rows: &Rows, columns: &Columns, row: usize, (south, north): (&Places, &Places)) -> Places {
    let slope = |row: usize, column: usize| rows.north_slope[row] - rows.cos_slope[row] * columns.east[column];
    std::array::from_fn(|column| {
        let end = south[column].min(north[column]);
        let has_foot = slope(row, column) <= 0.0 && slope(row + 1, column) >= 0.0;
        if has_foot { end.min(columns.foot[column]) } else { end }
    })
}

fn half_sine_squared(distance_km: f64) -> f64 {
    (distance_km / EARTH_RADIUS_KM / 2.0).sin().powi(2)
}
