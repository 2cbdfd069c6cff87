// What the REST API tells of one device, as far as the details show it. 64-bit numbers come as text.

interface ReceivedBy {
  receiver_id: string;
  rssi_dbm?: number;
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
}

/** Asks for all that is known of a device; undefined when the server has nothing or cannot be reached. */
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
