import { LandmarkLayer, LandmarkShape, type Landmark } from 'updraft-client';
import { describe, expect, it } from 'vitest';
import { featuresOf } from './landmarks';

const AT = { lat: 46.6, lon: 8 };
const landmark = (some: Partial<Landmark>): Landmark => ({
  version: 1, at: 0, connection: 1, id: '17-5', device: 0x110b90, ...AT, layer: LandmarkLayer.LANDMARK_LAYER_WARNING, shape: LandmarkShape.LANDMARK_SHAPE_TEXT,
  points: [AT], radiiM: [], expiresAt: 0, ...some,
});
const shapes = (some: Partial<Landmark>) => featuresOf(landmark(some)).map(({ geometry, properties }) => `${geometry.type} ${properties?.part}`);
const CORNERS = [AT, { lat: 46.7, lon: 8 }, { lat: 46.7, lon: 8.1 }];

describe('a landmark', () => {
  it('is a point with its text, and has the outline of its shape', () => {
    expect(shapes({ text: 'Wires' })).toEqual(['Point point']);
    expect(shapes({ shape: LandmarkShape.LANDMARK_SHAPE_LINE, points: CORNERS })).toEqual(['Point point', 'LineString outline']);
    expect(shapes({ shape: LandmarkShape.LANDMARK_SHAPE_AREA, points: CORNERS })).toEqual(['Point point', 'Polygon outline']);
    expect(shapes({ shape: LandmarkShape.LANDMARK_SHAPE_FILLED_AREA, points: CORNERS })).toEqual(['Point point', 'Polygon filled']);
    expect(shapes({ shape: LandmarkShape.LANDMARK_SHAPE_CYLINDER, radiiM: [500] })).toEqual(['Point point', 'Polygon filled']);
    expect(shapes({ shape: LandmarkShape.LANDMARK_SHAPE_AREA })).toEqual(['Point point']);
  });

  it('has circles of their radius', () => {
    const [, circle] = featuresOf(landmark({ shape: LandmarkShape.LANDMARK_SHAPE_CIRCLE, radiiM: [1113.2] }));
    const [ring] = (circle?.geometry as GeoJSON.Polygon).coordinates;
    expect(Math.max(...ring!.map(([, lat]) => lat!))).toBeCloseTo(46.61, 5);
    expect(ring!.at(-1)).toEqual(ring![0]);
  });
});
