import { PbfReader, PbfWriter } from 'pbf';
import { describe, expect, it } from 'vitest';
import { encodeServerMessage } from '../tests/encode.mjs';
import { aircraft, objects } from '../tests/wire.js';
import { decode, decodeHistory, encode } from './codec.js';
import { readClientMessage } from './proto/live.js';
import { writeRegionHistory } from './proto/rest.js';

const hex = (text: string) => Uint8Array.from(text.match(/../g)!, (byte) => parseInt(byte, 16));

describe('decode', () => {
  it('reads a message that was written by hand after the schema', () => {
    // updates { server_at_us: 150, objects { aircraft { device 0x110B90, lat 46.6, lon -8.0, altitude -2, kind 2, version 300 } } }
    const bytes = hex('1a1e' + '089601' + '1219' + '0a17' + '08909744' + '15' + '8098c61b' + '1d' + '004c3bfb' + '2003' + '4002' + '48ac02' + '5005');
    const message = decode(bytes);
    expect(message.message).toBe('updates');
    expect(message.updates?.server_at_us).toBe(150);
    expect(message.updates?.objects?.aircraft[0]).toMatchObject({
      device: 0x110b90, latitude_e7: 466_000_000, longitude_e7: -80_000_000, altitude_m: -2, kind_and_phase: 2, version: 300, age_ds: 5,
    });
  });

  it('distinguishes an absent field from a zero', () => {
    const bytes = encodeServerMessage({ updates: { objects: objects({ aircraft: [aircraft({ altitude_m: 0 })] }), removals: [] } });
    const [update] = decode(bytes).updates?.objects?.aircraft ?? [];
    expect(update?.altitude_m).toBe(0);
    expect(update?.climb_cmps).toBeUndefined();
    expect(update?.name).toBeUndefined();
  });

  it('keeps record ids exact where a double cannot', () => {
    // snapshot { objects { thermals { thermal_id: fixed64 of partition 65535, offset 2^48 - 1 } } }
    const bytes = hex('120d' + '320b' + '1a09' + '09' + 'ffffffffffffffff');
    expect(decode(bytes).snapshot?.objects?.thermals[0]?.thermal_id).toBe('65535-281474976710655');
  });

  it('skips fields of a later version', () => {
    expect(decode(hex('32020805' + 'a20603616263')).pong).toMatchObject({ request_id: 5 });
  });

  it('leaves absent whether a resume worked', () => {
    expect(decode(hex('12021801')).snapshot?.resumed).toBeUndefined();
    expect(decode(hex('1204' + '1801' + '2800')).snapshot?.resumed).toBe(false);
  });
});

describe('encode', () => {
  it('writes what a server reads', () => {
    const bytes = encode({
      request_id: 7,
      subscribe: { bounds: { south_deg: 46, west_deg: 179, north_deg: 47, east_deg: -179 }, kinds: [1, 6], follow_devices: [0x110b90], replace_lists: true },
    });
    const message = readClientMessage(new PbfReader(bytes));
    expect(message).toMatchObject({ request_id: 7, message: 'subscribe' });
    expect(message.subscribe).toMatchObject({ region: 'bounds', kinds: [1, 6], follow_devices: [0x110b90], replace_lists: true });
    expect(message.subscribe?.bounds).toEqual({ south_deg: 46, west_deg: 179, north_deg: 47, east_deg: -179 });
    expect(message.subscribe?.rate).toBeUndefined();
  });

  it('writes a ping', () => {
    expect(readClientMessage(new PbfReader(encode({ request_id: 1, ping: {} }))).message).toBe('ping');
  });
});

describe('decodeHistory', () => {
  it('reads a page that was written by hand after the schema', () => {
    // step_s 5, positions { device 0x110B90, event_at_us 1780308000000000, latitude 46.5, longitude -8, kind 2 }, next "n"
    const bytes = hex('2005' + '2a' + '21' + '08909744' + '108090b98fe4e59403' + '190000000000404740' + '2100000000000020c0' + '4802' + '3a016e');
    const page = decodeHistory(bytes);
    expect([page.step_s, page.next, page.names]).toEqual([5, 'n', []]);
    expect(page.positions).toEqual([expect.objectContaining({ device: 0x110b90, event_at_us: 1_780_308_000_000_000, latitude_deg: 46.5, longitude_deg: -8, aircraft_kind: 2 })]);
    expect(page.positions[0]!.altitude_m).toBeUndefined();
  });

  it('knows the last page, and an altitude of zero', () => {
    const writer = new PbfWriter();
    writeRegionHistory({ positions: [{ device: 1, event_at_us: 1, latitude_deg: 0, longitude_deg: 0, altitude_m: 0, aircraft_kind: 1 }], names: [{ device: 1, name: 'Zoë' }] }, writer);
    const page = decodeHistory(writer.finish());
    expect([page.next, page.positions[0]!.altitude_m, page.positions[0]!.climb_mps]).toEqual([undefined, 0, undefined]);
    expect(page.names).toEqual([{ device: 1, name: 'Zoë' }]);
  });
});
