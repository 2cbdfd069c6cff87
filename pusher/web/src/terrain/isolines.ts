/** Elevations at the corners of a grid, row by row; NaN where nothing is known. */
export interface Grid {
  width: number;
  height: number;
  metres: Float32Array;
}

/** A line of equal height, as x, y pairs in units of the grid. */
export interface Isoline {
  metres: number;
  points: [number, number][];
}

/** Which edges of a cell (0 north, 1 east, 2 south, 3 west) a line joins, by the corners above it (bits: NW, NE, SE, SW). */
const CASES: readonly (readonly [number, number])[][] = [
  [], [[3, 0]], [[0, 1]], [[3, 1]], [[1, 2]], [[3, 0], [1, 2]], [[0, 2]], [[3, 2]],
  [[2, 3]], [[2, 0]], [[0, 1], [2, 3]], [[2, 1]], [[1, 3]], [[1, 0]], [[0, 3]], [],
];

/** Lines of equal height at every multiple of an interval (marching squares), joined where they meet. */
export function isolines(grid: Grid, intervalM: number): Isoline[] {
  const segments = new Map<number, [number, number][]>();
  const { width, height, metres } = grid;
  for (let y = 0; y + 1 < height; y++) {
    for (let x = 0; x + 1 < width; x++) {
      const i = y * width + x;
      const corners = [metres[i]!, metres[i + 1]!, metres[i + width + 1]!, metres[i + width]!] as const;
      const lowest = Math.min(...corners);
      const highest = Math.max(...corners);
      // NaN compares with nothing: the cell has no line.
      // A multiple is the same number in each cell, also where the interval is no integer.
      for (let i = Math.floor(lowest / intervalM) + 1; i * intervalM <= highest; i++) {
        const level = i * intervalM;
        const found = segments.get(level) ?? [];
        if (found.length === 0) segments.set(level, found);
        cellSegments(grid, x, y, corners, level, found);
      }
    }
  }
  return [...segments].flatMap(([level, found]) => join(found).map((edges) => ({ metres: level, points: edges.map((edge) => crossing(grid, edge, level)) })));
}

/** Adds the pieces within one cell, as pairs of the edges that they join. */
function cellSegments({ width }: Grid, x: number, y: number, corners: readonly [number, number, number, number], level: number, found: [number, number][]): void {
  let above = 0;
  corners.forEach((metres, bit) => { if (metres >= level) above |= 1 << bit; });
  // An edge is numbered by the corner at its west or north end: even ones run east, odd ones south.
  const at = y * width + x;
  const edges = [2 * at, 2 * (at + 1) + 1, 2 * (at + width), 2 * at + 1];
  for (const [from, to] of CASES[above]!) found.push([edges[from]!, edges[to]!]);
}

/** Joins pieces that share an edge into lines. */
function join(pieces: readonly [number, number][]): number[][] {
  const byEdge = new Map<number, number[]>();
  pieces.forEach((ends, i) => ends.forEach((edge) => byEdge.set(edge, [...(byEdge.get(edge) ?? []), i])));
  const used = new Uint8Array(pieces.length);
  const walk = (line: number[]): void => {
    for (;;) {
      const end = line.at(-1)!;
      const next = byEdge.get(end)!.find((i) => !used[i]);
      if (next === undefined) return;
      used[next] = 1;
      const [from, to] = pieces[next]!;
      line.push(from === end ? to : from);
    }
  };
  const lines: number[][] = [];
  pieces.forEach(([from, to], i) => {
    if (used[i]) return;
    used[i] = 1;
    const forward = [from, to];
    walk(forward);
    const backward = [from];
    walk(backward);
    lines.push([...backward.reverse(), ...forward.slice(1)]);
  });
  return lines;
}

/** Where a line of a level crosses an edge. */
function crossing({ width, metres }: Grid, edge: number, level: number): [number, number] {
  const at = Math.floor(edge / 2);
  const [x, y] = [at % width, Math.floor(at / width)];
  const southward = edge % 2 === 1;
  const [from, to] = [metres[at]!, metres[southward ? at + width : at + 1]!];
  const share = (level - from) / (to - from);
  return southward ? [x, y + share] : [x + share, y];
}
