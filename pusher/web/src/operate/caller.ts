/** Who uses the page, as `/api/v1/me` says. */
export interface Caller {
  name: string;
  roles: readonly string[];
  scopes: ReadonlySet<string>;
  /** Addresses of the own devices. */
  devices: ReadonlySet<string>;
}

export function callerOf(answer: unknown): Caller {
  const { subject, name, roles, scopes, devices } = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<string, unknown>;
  return {
    name: [name, subject].find((text): text is string => typeof text === 'string' && text !== '') ?? '?',
    roles: textsOf(roles), scopes: new Set(textsOf(scopes)), devices: new Set(textsOf(devices)),
  };
}

/** Whether the caller may do something about a device: with `own` for the own devices, with `any` beside it for all. The server decides; this hides what it would refuse. */
export function may({ scopes, devices }: Caller, device: string, own: string, any: string): boolean {
  return scopes.has(own) && (devices.has(device) || scopes.has(any));
}

export function managesAny({ scopes }: Caller): boolean {
  return scopes.has('device:manage') && scopes.has('device:manage_any');
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
}
