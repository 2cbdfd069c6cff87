import { expect, it } from 'vitest';
import { readEmbed, withoutLanguage } from './embed';

it('takes theme and language of the other site', () => {
  expect(readEmbed('?embed')).toEqual({ isEmbedded: true });
  expect(readEmbed('?embed&theme=sunlight&lang=fr')).toEqual({ isEmbedded: true, theme: 'sunlight', language: 'fr' });
  expect(readEmbed('?lang=ru&theme=light&embed=1')).toEqual({ isEmbedded: true, theme: 'light', language: 'ru' });
});

it('ignores values that it does not know', () => {
  expect(readEmbed('?embed&theme=neon&lang=tlh')).toEqual({ isEmbedded: true });
  expect(readEmbed('?embed&theme=&lang=FR')).toEqual({ isEmbedded: true });
});

it('takes them for a frame alone', () => {
  expect(readEmbed('?theme=light&lang=fr')).toEqual({ isEmbedded: false });
  expect(readEmbed('')).toEqual({ isEmbedded: false });
});

it('leaves the language to a visitor who chooses one', () => {
  expect(withoutLanguage('https://map.example/?embed&lang=fr&theme=light#map=9/46/7')).toBe('https://map.example/?embed&theme=light#map=9/46/7');
  expect(withoutLanguage('https://map.example/live?style=offline#map=9/46/7')).toBe('https://map.example/live?style=offline#map=9/46/7');
});
