/** Writes a device address as six upper-case hex digits, manufacturer first: `110B90`. */
export function formatAddress(device: number): string {
  return device.toString(16).toUpperCase().padStart(6, '0');
}

/** Reads six hex digits; undefined when the text is something else. */
export function parseAddress(text: string): number | undefined {
  return /^[0-9a-f]{6}$/i.test(text) ? parseInt(text, 16) : undefined;
}
