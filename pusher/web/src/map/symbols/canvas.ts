/** Side of the square that every symbol is drawn in, CSS pixels; the drawing coordinates go from -20 to 20, north is up. */
export const SYMBOL_SIZE = 40;

/** Draws onto a fresh square canvas, centre at (0, 0), at the resolution of the screen. */
export function drawSymbol(size: number, draw: (g: CanvasRenderingContext2D) => void): { image: ImageData; pixelRatio: number } {
  const pixelRatio = Math.max(2, Math.ceil(globalThis.devicePixelRatio || 1));
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size * pixelRatio;
  const g = canvas.getContext('2d', { willReadFrequently: true });
  if (!g) throw new Error('this browser draws no canvas');
  g.scale((pixelRatio * size) / SYMBOL_SIZE, (pixelRatio * size) / SYMBOL_SIZE);
  g.translate(SYMBOL_SIZE / 2, SYMBOL_SIZE / 2);
  g.lineJoin = g.lineCap = 'round';
  draw(g);
  return { image: g.getImageData(0, 0, canvas.width, canvas.height), pixelRatio };
}

/** Fills a path, with a dark rim and a light one about it, so that it stands out on any map. */
export function fillOutlined(g: CanvasRenderingContext2D, path: Path2D, colour: string, rim = '#0c1620'): void {
  g.strokeStyle = 'rgba(255, 255, 255, 0.75)';
  g.lineWidth = 4.6;
  g.stroke(path);
  g.strokeStyle = rim;
  g.lineWidth = 2.6;
  g.stroke(path);
  g.fillStyle = colour;
  g.fill(path);
}
