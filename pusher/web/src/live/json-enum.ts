/** The number of an enum's value in the JSON of the REST API: names are in lower case there, and numbers without a name as they are. 0: not known. */
export function numberOf(value: string | number | undefined, prefix: string, values: Readonly<Record<string, number>>): number {
  return typeof value === 'number' ? value : values[`${prefix}_${(value ?? '').toUpperCase()}`] ?? 0;
}
