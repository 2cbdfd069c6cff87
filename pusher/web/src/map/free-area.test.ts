import { expect, it } from 'vitest';
import { freeArea } from './free-area';

it('covers neither panels nor the card, on any screen', () => {
  const list = { left: 12, top: 12, right: 330, bottom: 850 };
  const card = { left: 1058, top: 12, right: 1376, bottom: 500 };
  expect(freeArea(1440, 900, [])).toEqual({ left: 0, top: 0, right: 1440, bottom: 900 });
  expect(freeArea(1440, 900, [card, list])).toEqual({ left: 330, top: 0, right: 1058, bottom: 900 });
  expect(freeArea(390, 844, [{ left: 8, top: 400, right: 382, bottom: 788 }, { left: 0, top: 796, right: 390, bottom: 844 }])).toEqual({ left: 0, top: 0, right: 390, bottom: 400 });
  expect(freeArea(844, 390, [{ left: 480, top: 8, right: 780, bottom: 334 }])).toEqual({ left: 0, top: 0, right: 480, bottom: 390 });
});
