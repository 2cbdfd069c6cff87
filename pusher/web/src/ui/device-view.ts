// The fields of one device in the REST API that the details show. 64-bit numbers are text.

import type { Way } from '../live/way';

interface ReceivedBy {
  receiver_id: string;
  rssi_dbm?: number;
  snr_db?: number;
}

interface State {
  received_by?: ReceivedBy[];
  first_seen_at_us?: string;
  take_off_at_us?: string;
  landed_at_us?: string;
  source?: string;
  unverified?: boolean;
}

export interface DeviceView {
  manufacturer?: string;
  aircraft?: State;
  ground?: State;
  station?: State;
  /** Of the newest of these states. */
  way?: Way;
}

/** Loads the data of a device; undefined if the server has none or cannot be reached. */
export async function fetchDevice(address: string): Promise<DeviceView | undefined> {
  try {
    const response = await fetch(`./api/v1/devices/${address}`, { headers: { accept: 'application/json' } });
    return response.ok ? await response.json() as DeviceView : undefined;
  } catch {
    return undefined;
  }
}

/** Milliseconds since the Unix epoch of a time in microseconds. */
export function timeOf(us: string | undefined): number | undefined {
  return us === undefined || us === '0' ? undefined : Number(us) / 1000;
}
