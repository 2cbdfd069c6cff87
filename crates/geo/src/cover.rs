//! The cells that a region becomes: few, of mixed precision, and hardly larger than the region.
//!
//! The cover is an optimum, not a heuristic: a tree of the cells that touch the region is built down to a precision
//! where finer ones no longer matter, and dynamic programming over it finds, for every number of cells up to the limit,
//! the least area. Of these the fewest cells that come within [`WANTED_OVERSPILL`] are taken.

use crate::bounds::Bounds;
use crate::cell::Cell;
use crate::circle::Circle;

/// With this ratio of areas a cover is good enough to prefer fewer cells.
const WANTED_OVERSPILL: f64 = 1.25;
/// Cells smaller than this share of the region are not split.
const NEGLIGIBLE_SHARE: f64 = 1.0 / 400.0;
/// Cells looked at per precision before the search stops, which only happens at the poles.
const MAX_NODES_PER_PRECISION: usize = 1024;

/// A piece of the globe that somebody looks at.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Region {
    /// Around a centre.
    Circle(Circle),
    /// Between parallels and meridians.
    Bounds(Bounds),
}

impl Region {
    /// True where the place (degrees) is inside.
    pub fn contains(&self, latitude_deg: f64, longitude_deg: f64) -> bool {
        match self {
            Self::Circle(circle) => circle.contains(latitude_deg, longitude_deg),
            Self::Bounds(bounds) => bounds.contains(latitude_deg, longitude_deg),
        }
    }

    /// Area on the sphere, square kilometres.
    pub fn area_km2(&self) -> f64 {
        match self {
            Self::Circle(circle) => circle.area_km2(),
            Self::Bounds(bounds) => bounds.area_km2(),
        }
    }

    /// True where the rectangle has a place of the region, or is so near that rounding could make it so.
    fn touches(&self, bounds: &Bounds) -> bool {
        match self {
            Self::Circle(circle) => circle.nearest_km(bounds) <= circle.radius_km() + 1e-6,
            Self::Bounds(region) => region.touches(bounds),
        }
    }

    fn encloses(&self, bounds: &Bounds) -> bool {
        match self {
            Self::Circle(circle) => circle.farthest_km(bounds) <= circle.radius_km(),
            Self::Bounds(region) => region.encloses(bounds),
        }
    }
}

/// Covers the region with at most `max_cells` cells (at least 32 are always allowed: the whole world has so many).
///
/// Every place of the region is in exactly one of the cells. With 64 cells their area is at most 1.5 times that of circles
/// of 10, 50, 100 and 200 km over the Alps (1.52 in one place of two thousand, at 100 km); for the radius and latitude that
/// fit the grid worst (up to 70 degrees from the equator) the best 64 cells are 1.7 times the circle, and at the poles,
/// where cells are slivers, more. The cells are sorted.
pub fn cover(region: &Region, max_cells: usize) -> Vec<Cell> {
    let max_cells = max_cells.max(32);
    let region_km2 = region.area_km2();
    let mut roots = tree(region, region_km2);
    let plan = Plan::of(&mut roots, max_cells);
    let mut cells = Vec::with_capacity(max_cells);
    plan.collect(&roots, plan.fewest_cells(region_km2 * WANTED_OVERSPILL), &mut cells);
    cells.sort_unstable();
    cells
}

/// Area of cells, square kilometres.
pub fn area_km2(cells: &[Cell]) -> f64 {
    cells.iter().map(|cell| cell.bounds().area_km2()).sum()
}

struct Node {
    cell: Cell,
    km2: f64,
    /// Parts that touch the region; empty where the cell is not split.
    parts: Vec<Node>,
    plan: Option<Plan>,
}

/// Builds the tree level by level, so that one precision is split for all cells or for none.
fn tree(region: &Region, region_km2: f64) -> Vec<Node> {
    let mut roots: Vec<Node> = Cell::coarsest().filter_map(|cell| Node::touching(region, cell)).collect();
    for precision in 1..Cell::MAX_PRECISION {
        let mut leaves = Vec::new();
        for root in &mut roots {
            root.open_leaves(precision, &mut leaves);
        }
        leaves.retain(|leaf| leaf.km2 > region_km2 * NEGLIGIBLE_SHARE && !region.encloses(&leaf.cell.bounds()));
        if leaves.is_empty() || leaves.len() > MAX_NODES_PER_PRECISION {
            break;
        }
        for leaf in leaves {
            leaf.parts = leaf.cell.children().filter_map(|cell| Node::touching(region, cell)).collect();
        }
    }
    roots
}

impl Node {
    fn touching(region: &Region, cell: Cell) -> Option<Self> {
        let bounds = cell.bounds();
        region.touches(&bounds).then(|| Self { cell, km2: bounds.area_km2(), parts: Vec::new(), plan: None })
    }

    fn open_leaves<'a>(&'a mut self, precision: u32, leaves: &mut Vec<&'a mut Self>) {
        if self.cell.precision() == precision {
            leaves.push(self);
        } else {
            self.parts.iter_mut().for_each(|part| part.open_leaves(precision, leaves));
        }
    }
}

/// The least area of a list of nodes for each number of cells, and how the cells are shared out for it.
struct Plan {
    /// By number of cells; infinite where the nodes cannot be covered with so many.
    least_km2: Vec<f64>,
    /// For each node, by the number of cells of it and all nodes before it: how many of them are its own.
    shares: Vec<Vec<u8>>,
}

impl Plan {
    fn of(nodes: &mut [Node], max_cells: usize) -> Self {
        let mut plan = Self { least_km2: vec![0.0], shares: Vec::with_capacity(nodes.len()) };
        for node in nodes {
            plan.add(&node.least_km2(max_cells), max_cells);
        }
        plan
    }

    fn add(&mut self, node_km2: &[f64], max_cells: usize) {
        let len = (self.least_km2.len() + node_km2.len() - 1).min(max_cells + 1);
        let mut least_km2 = vec![f64::INFINITY; len];
        let mut shares = vec![0; len];
        for (before, before_km2) in self.least_km2.iter().enumerate().filter(|(_, km2)| km2.is_finite()) {
            for (own, own_km2) in node_km2.iter().enumerate().take(len - before.min(len)) {
                if before_km2 + own_km2 < least_km2[before + own] {
                    least_km2[before + own] = before_km2 + own_km2;
                    shares[before + own] = own as u8;
                }
            }
        }
        self.least_km2 = least_km2;
        self.shares.push(shares);
    }

    /// The smallest number of cells within the area, or else the number that gives the least.
    fn fewest_cells(&self, wanted_km2: f64) -> usize {
        let by_area = |a: &usize, b: &usize| self.least_km2[*a].total_cmp(&self.least_km2[*b]);
        let enough = self.least_km2.iter().position(|km2| *km2 <= wanted_km2);
        enough.or_else(|| (0..self.least_km2.len()).min_by(by_area)).unwrap_or_default()
    }

    fn collect(&self, nodes: &[Node], mut count: usize, cells: &mut Vec<Cell>) {
        for (node, shares) in nodes.iter().zip(&self.shares).rev() {
            // A table that the limit cut short is never shorter than the count that was chosen in it.
            let own = usize::from(shares[count]);
            node.collect(own, cells);
            count -= own;
        }
    }
}

impl Node {
    /// By number of cells: the node as a whole takes one, its parts take what their plan says.
    fn least_km2(&mut self, max_cells: usize) -> Vec<f64> {
        let mut least_km2 = vec![f64::INFINITY, self.km2];
        if !self.parts.is_empty() && self.parts.len() <= max_cells {
            let plan = Plan::of(&mut self.parts, max_cells);
            least_km2.resize(plan.least_km2.len().max(2), f64::INFINITY);
            for (least, parts) in least_km2.iter_mut().zip(&plan.least_km2).skip(1) {
                *least = least.min(*parts);
            }
            self.plan = Some(plan);
        }
        least_km2
    }

    fn collect(&self, count: usize, cells: &mut Vec<Cell>) {
        match &self.plan {
            Some(plan) if count > 1 || plan.least_km2.get(1).is_some_and(|km2| *km2 < self.km2) => {
                plan.collect(&self.parts, count, cells);
            }
            _ => cells.push(self.cell),
        }
    }
}

#[cfg(test)]
mod tests;
