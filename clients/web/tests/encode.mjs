// Messages of a server as bytes, for tests.
import { PbfWriter } from 'pbf';
import { writeServerMessage } from '../src/proto/live.js';

/** Writes `fixed64` from the text of a record id. */
class Writer extends PbfWriter {
  writeFixed64Field(tag, id) {
    const [partition, offset] = String(id).split('-').map(Number);
    super.writeFixed64Field(tag, partition * 2 ** 48 + offset);
  }
}

export function encodeServerMessage(message) {
  const writer = new Writer();
  writeServerMessage(message, writer);
  return writer.finish();
}
