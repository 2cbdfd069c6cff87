/** One object of the air picture. A device may be an aircraft now and a ground object later: it stays selected. */
export type Selection =
  | { kind: 'device' | 'station'; device: number }
  | { kind: 'thermal' | 'receiver' | 'landmark' | 'wind'; id: string };

export function isSameSelection(a: Selection | undefined, b: Selection | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

export function isSelectedDevice(selection: Selection | undefined, device: number): boolean {
  return selection?.kind === 'device' && selection.device === device;
}
