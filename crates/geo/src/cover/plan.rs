//! Which cells of the tree: dynamic programming over the numbers of cells.
//!
//! The tables hold areas alone: how the cells were shared out is found on the way back, along the one cover that is chosen. They
//! leave out the numbers of cells that no cover can use, since every node of it has one at least. And a node whose parts are not
//! split has no more than two ways to be covered, so that most joins are two passes over a table.

use std::ops::Range;

use super::touch::ones;
use super::tree::{Node, Parts, Tree};
use crate::cell::Cell;

/// How a node is covered best.
#[derive(Clone, Debug)]
enum Plan {
    /// As one cell.
    One,
    /// No part is split: the node is one cell, or each of its parts is one.
    Once { cells: usize, km2: f64 },
    /// Some part is split: the least areas, from one cell on; the table of its parts; and whether they are better than the node
    /// where they are one cell.
    Further { areas: Range<usize>, parts: Table, one_part: bool },
}

/// The least areas of the first nodes of a list, for each length of it: the column of `n` nodes begins with `n` cells.
#[derive(Clone, Copy, Debug)]
struct Table {
    /// Where its columns are among the ends of all; the first is that of no node.
    first: usize,
    nodes: usize,
}

/// The cells of the cover with the fewest of them within the area, or else of the one with the least area.
pub(super) fn choose(tree: &Tree, wanted_km2: f64, max_cells: usize) -> Vec<Cell> {
    let mut planner = Planner {
        nodes: &tree.nodes,
        plans: vec![Plan::One; tree.nodes.len()],
        areas: Vec::with_capacity(8 * 1024),
        ends: Vec::with_capacity(2 * tree.nodes.len()),
    };
    for (index, node) in tree.nodes.iter().enumerate().rev() {
        planner.plans[index] = planner.plan(node);
    }
    let roots = planner.table(0..tree.roots, max_cells);
    let count = fewest_cells(planner.column(roots, tree.roots), wanted_km2) + tree.roots;
    let mut cells = Vec::with_capacity(max_cells);
    planner.collect(0..tree.roots, roots, count, &mut cells);
    cells
}

/// The smallest number of cells within the area, or else the number that gives the least; without those that are needed at
/// least.
fn fewest_cells(areas: &[f64], wanted_km2: f64) -> usize {
    let by_area = |a: &usize, b: &usize| areas[*a].total_cmp(&areas[*b]);
    let enough = areas.iter().position(|km2| *km2 <= wanted_km2);
    enough.or_else(|| (0..areas.len()).min_by(by_area)).unwrap_or_default()
}

struct Planner<'a> {
    nodes: &'a [Node],
    plans: Vec<Plan>,
    /// The least areas by number of cells, square kilometres, of all columns; infinite where there is no cover of so many.
    areas: Vec<f64>,
    /// Where columns end.
    ends: Vec<usize>,
}

impl Planner<'_> {
    /// The node as a whole takes one cell, its parts take what their table says.
    fn plan(&mut self, node: &Node) -> Plan {
        let list = match &node.parts {
            Parts::None => return Plan::One,
            Parts::Last { children, km2 } => return Plan::Once { cells: children.count_ones() as usize, km2: *km2 },
            Parts::Nodes(list) => list.clone(),
        };
        if self.plans[list.clone()].iter().all(|plan| matches!(plan, Plan::One)) {
            let cells = list.len();
            return Plan::Once { cells, km2: self.nodes[list].iter().fold(0.0, |km2, part| km2 + part.km2) };
        }
        let count = list.len();
        let parts = self.table(list, node.max_cells);
        let (start, last) = (self.areas.len(), self.column_range(parts, count));
        self.areas.resize(start + count - 1, f64::INFINITY);
        self.areas.extend_from_within(last);
        let one_part = count == 1 && self.areas[start] < node.km2;
        self.areas[start] = self.areas[start].min(node.km2);
        Plan::Further { areas: start..self.areas.len(), parts, one_part }
    }

    /// The table of nodes that together have `max_cells` cells at most.
    fn table(&mut self, list: Range<usize>, max_cells: usize) -> Table {
        let table = Table { first: self.ends.len(), nodes: list.len() };
        self.ends.push(self.areas.len());
        self.areas.push(0.0);
        self.ends.push(self.areas.len());
        for (position, index) in list.enumerate() {
            // Each of the following nodes needs a cell.
            let most = max_cells.saturating_sub(table.nodes - 1 - position).max(position + 1);
            self.join(index, position, most);
        }
        table
    }

    /// Adds the column for one more node than `before`, with `max_cells` cells at most.
    fn join(&mut self, index: usize, before: usize, max_cells: usize) {
        let km2 = self.nodes[index].km2;
        let own_cells = match &self.plans[index] {
            Plan::One => 1,
            Plan::Once { cells, .. } => *cells,
            Plan::Further { areas, .. } => areas.len(),
        };
        let (end, start) = (self.areas.len(), self.ends[self.ends.len() - 2]);
        let len = (end - start + own_cells - 1).min(max_cells - before);
        self.areas.resize(end + len, f64::INFINITY);
        self.ends.push(end + len);
        let (earlier, after) = self.areas.split_at_mut(end);
        let column = &earlier[start..];
        match &self.plans[index] {
            Plan::One => add(after, column, km2),
            Plan::Once { cells: 1, km2: of_part } => add(after, column, km2.min(*of_part)),
            Plan::Once { cells, km2: of_parts } => {
                add(after, column, km2);
                add(after.get_mut(cells - 1..).unwrap_or_default(), column, *of_parts);
            }
            Plan::Further { areas, .. } => {
                for (more, own_km2) in earlier[areas.clone()].iter().enumerate().take(len) {
                    if own_km2.is_finite() {
                        add(&mut after[more..], column, *own_km2);
                    }
                }
            }
        }
    }

    fn column(&self, table: Table, nodes: usize) -> &[f64] {
        &self.areas[self.column_range(table, nodes)]
    }

    fn column_range(&self, table: Table, nodes: usize) -> Range<usize> {
        self.ends[table.first + nodes]..self.ends[table.first + nodes + 1]
    }

    /// The least area of a node with so many cells.
    fn km2(&self, index: usize, cells: usize) -> f64 {
        let node_km2 = if cells == 1 { self.nodes[index].km2 } else { f64::INFINITY };
        match &self.plans[index] {
            Plan::One => node_km2,
            Plan::Once { cells: of_parts, km2 } if *of_parts == cells => node_km2.min(*km2),
            Plan::Once { .. } => node_km2,
            Plan::Further { areas, .. } => cells
                .checked_sub(1)
                .and_then(|more| self.areas[areas.clone()].get(more))
                .copied()
                .unwrap_or(f64::INFINITY),
        }
    }

    fn collect(&self, list: Range<usize>, table: Table, mut count: usize, cells: &mut Vec<Cell>) {
        for (position, index) in list.enumerate().rev() {
            let km2 = self.column(table, position + 1)[count - position - 1];
            // The fewest cells before, of several that come to the same.
            let before = self.column(table, position).iter().zip(position..count);
            let shared =
                before.into_iter().find(|(others_km2, others)| **others_km2 + self.km2(index, count - others) == km2);
            let Some((_, others)) = shared else { return };
            self.collect_node(index, count - others, cells);
            count = others;
        }
    }

    fn collect_node(&self, index: usize, count: usize, cells: &mut Vec<Cell>) {
        let node = &self.nodes[index];
        match (&self.plans[index], &node.parts) {
            (Plan::Once { cells: of_parts, km2 }, parts) if *of_parts == count && (count > 1 || *km2 < node.km2) => {
                match parts {
                    Parts::Nodes(list) => cells.extend(self.nodes[list.clone()].iter().map(|part| part.cell)),
                    Parts::Last { children, .. } => cells.extend(ones(*children).map(|child| node.cell.child(child))),
                    Parts::None => {}
                }
            }
            (Plan::Further { parts, one_part, .. }, Parts::Nodes(list)) if count > 1 || *one_part => {
                self.collect(list.clone(), *parts, count, cells);
            }
            _ => cells.push(node.cell),
        }
    }
}

/// Takes the areas of the nodes before with one more of so much, where that is less.
fn add(least: &mut [f64], before: &[f64], km2: f64) {
    for (least, before) in least.iter_mut().zip(before) {
        let sum = before + km2;
        *least = if sum < *least { sum } else { *least };
    }
}
