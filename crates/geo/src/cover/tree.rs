//! The cells that touch a region, down to a precision where finer ones no longer matter.

use std::ops::Range;

use super::touch::{Touch, Touching, ones};
use crate::cell::Cell;
use crate::region::Region;

/// Cells smaller than this share of the region are not split.
pub(super) const NEGLIGIBLE_SHARE: f64 = 1.0 / 400.0;
/// Cells looked at per precision before the search stops, which only happens at the poles.
pub(super) const MAX_NODES_PER_PRECISION: usize = 1024;

/// A cell that touches the region.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) cell: Cell,
    pub(super) km2: f64,
    pub(super) parts: Parts,
    /// The cells that it can have in a cover: each other node needs at least one of the cells of the cover.
    pub(super) max_cells: usize,
}

/// The parts of a cell that touch the region.
#[derive(Debug)]
pub(super) enum Parts {
    /// It is not split.
    None,
    /// None of them is split: the numbers of the children, a bit each, and their area.
    Last { children: u32, km2: f64 },
    /// Among all nodes.
    Nodes(Range<usize>),
}

/// All nodes, level by level: parts come after the cell that they are of.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    /// The number of the first nodes: those that are not part of another node.
    pub(super) roots: usize,
}

/// Builds the tree level by level, so that one precision is split for all cells or for none.
pub(super) fn build(region: &Region, max_cells: usize) -> Tree {
    let mut touch = Touch::new(region, region.area_km2() * NEGLIGIBLE_SHARE);
    let mut nodes: Vec<Node> = Vec::with_capacity(256);
    // Those of the newest level that are to be split.
    let mut rim: Vec<usize> = Vec::new();
    push(&mut nodes, &mut rim, Cell::WORLD, &touch.parts(Cell::WORLD), max_cells);
    let roots = nodes.len();
    for precision in 1..Cell::MAX_PRECISION {
        if rim.is_empty() || rim.len() > MAX_NODES_PER_PRECISION {
            break;
        }
        let mut next = Vec::with_capacity(rim.len() * 4);
        for leaf in rim {
            let (cell, max_cells) = (nodes[leaf].cell, nodes[leaf].max_cells);
            let parts = touch.parts(cell);
            nodes[leaf].parts = match parts.mask {
                0 => Parts::None,
                children if parts.rim == 0 || precision + 1 == Cell::MAX_PRECISION => {
                    let km2 = ones(children).fold(0.0, |km2, child| km2 + parts.km2(child));
                    Parts::Last { children, km2 }
                }
                _ => Parts::Nodes(push(&mut nodes, &mut next, cell, &parts, max_cells)),
            };
        }
        rim = next;
    }
    Tree { nodes, roots }
}

/// Adds the parts of a cell that touch, and to the rim those that are to be split.
fn push(nodes: &mut Vec<Node>, rim: &mut Vec<usize>, cell: Cell, parts: &Touching, max_cells: usize) -> Range<usize> {
    let first = nodes.len();
    let others = (parts.mask.count_ones() as usize).saturating_sub(1);
    for child in ones(parts.mask) {
        if parts.rim >> child & 1 == 1 {
            rim.push(nodes.len());
        }
        let max_cells = max_cells.saturating_sub(others);
        nodes.push(Node { cell: cell.child(child), km2: parts.km2(child), parts: Parts::None, max_cells });
    }
    first..nodes.len()
}
