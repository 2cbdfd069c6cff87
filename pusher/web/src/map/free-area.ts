/** A rectangle in pixels of the map. */
export interface Area {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** The panels that lie over the map now. */
export function covering(map: HTMLElement): Area[] {
  const { left, top } = map.getBoundingClientRect();
  return [...document.querySelectorAll<HTMLElement>('#card, #panel, #travel, .alerts')].filter((element) => !element.hidden).map((element) => {
    const box = element.getBoundingClientRect();
    return { left: box.left - left, top: box.top - top, right: box.right - left, bottom: box.bottom - top };
  });
}

/** The largest part of a map beside, above or below the panels that cover it. */
export function freeArea(width: number, height: number, covers: readonly Area[]): Area {
  let free: Area = { left: 0, top: 0, right: width, bottom: height };
  for (const cover of covers) {
    const { left, top, right, bottom } = free;
    const beside = [
      { left, top, right: clamp(cover.left, left, right), bottom }, { left: clamp(cover.right, left, right), top, right, bottom },
      { left, top, right, bottom: clamp(cover.top, top, bottom) }, { left, top: clamp(cover.bottom, top, bottom), right, bottom },
    ];
    const overlaps = cover.left < right && cover.right > left && cover.top < bottom && cover.bottom > top;
    if (overlaps) free = beside.reduce((best, area) => (size(area) > size(best) ? area : best));
  }
  return free;
}

function size({ left, top, right, bottom }: Area): number {
  return (right - left) * (bottom - top);
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
