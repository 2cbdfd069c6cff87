//! The cover by its definition: every cell is tested by itself, every table is complete. It is slow; tests compare
//! [`super::cover`] with it.

use super::WANTED_OVERSPILL;
use super::tree::{MAX_NODES_PER_PRECISION, NEGLIGIBLE_SHARE};
use crate::cell::Cell;
use crate::region::Region;

pub(super) fn cover(region: &Region, max_cells: usize) -> Vec<Cell> {
    let max_cells = max_cells.max(32);
    let region_km2 = region.area_km2();
    let mut roots = tree(region, region_km2);
    let plan = Plan::of(&mut roots, max_cells);
    let mut cells = Vec::with_capacity(max_cells);
    plan.collect(&roots, plan.fewest_cells(region_km2 * WANTED_OVERSPILL), &mut cells);
    cells.sort_unstable();
    cells
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
    /// By number of cells: the node itself takes one, its parts take what their plan says.
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
