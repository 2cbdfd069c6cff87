import { drawById } from '../map/symbols/resolve';

const cache = new Map<string, string>();

/** A symbol of the map as the address of an image. */
export function symbolUrl(id: string): string {
  let url = cache.get(id);
  if (url === undefined) {
    url = '';
    const image = drawById(id)?.image;
    if (image) {
      const canvas = document.createElement('canvas');
      canvas.width = image.width;
      canvas.height = image.height;
      canvas.getContext('2d')?.putImageData(image, 0, 0);
      url = canvas.toDataURL();
    }
    cache.set(id, url);
  }
  return url;
}
