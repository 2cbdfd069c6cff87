// Made-up mountains about the valleys of the Bernese Alps, as terrain for pictures of the map: real elevation data is large, and has its
// own licence. The valleys are where the simulated pilots take off and land; ridges and summits are noise.

/** Valleys as lines of latitude, longitude and height of the ground, metres. */
const VALLEYS = [
  [[46.90, 7.55, 530], [46.758, 7.628, 558], [46.687, 7.70, 558], [46.686, 7.863, 566], [46.735, 7.99, 564], [46.754, 8.05, 564], [46.727, 8.187, 595], [46.70, 8.25, 650], [46.61, 8.31, 1250]],
  [[46.23, 7.36, 490], [46.292, 7.536, 535], [46.293, 7.882, 650], [46.317, 7.988, 680], [46.40, 8.135, 1050], [46.486, 8.264, 1390], [46.55, 8.38, 1650]],
  [[46.686, 7.863, 566], [46.593, 7.908, 795], [46.52, 7.90, 1100]],
  [[46.65, 7.88, 640], [46.624, 8.041, 1030], [46.64, 8.12, 1500]],
  [[46.687, 7.68, 600], [46.588, 7.65, 780], [46.494, 7.673, 1180], [46.45, 7.66, 1500]],
  [[46.588, 7.65, 780], [46.492, 7.56, 1350]],
  [[46.68, 7.64, 640], [46.62, 7.44, 850], [46.556, 7.373, 940], [46.457, 7.443, 1070]],
  [[46.42, 7.78, 1400], [46.36, 7.76, 900], [46.30, 7.78, 640]],
  [[46.75, 8.10, 620], [46.82, 8.16, 1000], [46.896, 8.246, 470], [46.97, 8.33, 435]],
];
/** Half the width of a valley's flat floor, and of its slopes, km. */
const [FLOOR_KM, SLOPE_KM] = [0.5, 6.5];
/** By how much valleys and ridges wind, km. */
const WINDING_KM = 1.6;
const KM_OF_LAT = 111.2;
const KM_OF_LON = 76.4;

/** Metres above sea level. */
export function mountainsM(lat, lon) {
  const [x, y] = [lon * KM_OF_LON, lat * KM_OF_LAT];
  const [wx, wy] = [x + WINDING_KM * noise(x / 5, y / 5), y + WINDING_KM * noise(x / 5 + 50, y / 5)];
  const { km, floorM } = valley(wx, wy);
  const away = smooth((km - FLOOR_KM) / SLOPE_KM);
  // The main ridge is in the middle, between the two large valleys.
  const crestM = 1150 + 1350 * Math.exp(-(((lat - 46.52) / 0.16) ** 2));
  return floorM + away * crestM * (0.3 + ridged(wx, wy)) + 80 * Math.min(1, km / 2) * ridged(wx * 2.3 + 7, wy * 2.3);
}

/** Distance to the nearest valley, and the height of the ground without mountains: nearer valleys count more. */
function valley(x, y) {
  let [km, sumM, weights] = [Infinity, 0, 0];
  for (const line of VALLEYS) {
    for (let i = 1; i < line.length; i++) {
      const [[ay, ax, aM], [by, bx, bM]] = [line[i - 1], line[i]].map(([lat, lon, m]) => [lat * KM_OF_LAT, lon * KM_OF_LON, m]);
      const along = Math.min(1, Math.max(0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)));
      const away = Math.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay));
      const weight = 1 / (away + 0.3) ** 3;
      km = Math.min(km, away);
      sumM += weight * (aM + along * (bM - aM));
      weights += weight;
    }
  }
  return { km, floorM: sumM / weights };
}

/** Noise with sharp ridges, 0 to 1: each octave finer, and strong where the coarser ones are high. */
function ridged(x, y) {
  let [sum, weight, total] = [0, 1, 0];
  for (let octave = 0, size = 8, share = 1; octave < 7; octave++, size /= 2.03, share *= 0.52) {
    const sharp = (1 - Math.abs(noise(x / size + 31.7 * octave, y / size - 17.3 * octave)) * 1.6) ** 2;
    sum += share * weight * sharp;
    total += share;
    weight = Math.min(1, 1.8 * sharp);
  }
  return sum / total;
}

/** Gradient noise on a grid of side 1, about -0.7 to 0.7. */
function noise(x, y) {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  const [dx, dy] = [x - column, y - row];
  const corner = (i, j) => {
    const angle = 2 * Math.PI * random(column + i, row + j);
    return Math.cos(angle) * (dx - i) + Math.sin(angle) * (dy - j);
  };
  const [u, v] = [smooth5(dx), smooth5(dy)];
  const mix = (a, b, t) => a + (b - a) * t;
  return mix(mix(corner(0, 0), corner(1, 0), u), mix(corner(0, 1), corner(1, 1), u), v);
}

function smooth5(t) {
  return t ** 3 * (t * (6 * t - 15) + 10);
}

function random(column, row) {
  let bits = Math.imul(column, 0x27d4eb2d) ^ Math.imul(row, 0x165667b1);
  bits = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d);
  bits = Math.imul(bits ^ (bits >>> 12), 0x297a2d39);
  return ((bits ^ (bits >>> 15)) >>> 0) / 2 ** 32;
}

function smooth(t) {
  const within = Math.min(1, Math.max(0, t));
  return within * within * (3 - 2 * within);
}
