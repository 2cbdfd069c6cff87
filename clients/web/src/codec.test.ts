import { PbfReader } from 'pbf';
import { describe, expect, it } from 'vitest';
import { encodeServerMessage } from '../tests/encode.mjs';
import { aircraft, objects } from '../tests/wire.js';
import { decode, encode } from './codec.js';
import { readClientMessage } from './proto/live.js';

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
