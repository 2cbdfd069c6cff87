import { PbfReader, PbfWriter } from 'pbf';
import { readServerMessage, writeClientMessage, type ClientMessage, type ServerMessage } from './proto/live.js';
import { readRegionHistory, type RegionHistory } from './proto/rest.js';

const TWO_32 = 2 ** 32;

/** Reads `fixed64` as the text form of a record id, `17-123456`: partition and offset do not fit a double together. */
class Reader extends PbfReader {
  override readFixed64(): number {
    const low = this.dataView.getUint32(this.pos, true);
    const high = this.dataView.getUint32(this.pos + 4, true);
    this.pos += 8;
    // The generated types are string where the schema has fixed64; pbf's own signature does not allow that.
    return `${high >>> 16}-${(high & 0xffff) * TWO_32 + low}` as unknown as number;
  }
}

/**
 * Reads one binary frame of the server.
 *
 * @throws when the bytes are not a message of the protocol
 */
export function decode(bytes: ArrayBuffer | Uint8Array): ServerMessage {
  return readServerMessage(new Reader(bytes));
}

/** Writes one binary frame for the server. */
export function encode(message: Partial<ClientMessage>): Uint8Array<ArrayBuffer> {
  const writer = new PbfWriter();
  writeClientMessage(message, writer);
  return writer.finish().slice();
}

/**
 * Reads a page of `/api/v1/history`, requested with `Accept: application/x-protobuf`.
 *
 * @throws when the bytes are not such a page
 */
export function decodeHistory(bytes: ArrayBuffer | Uint8Array): RegionHistory {
  return readRegionHistory(new Reader(bytes));
}
