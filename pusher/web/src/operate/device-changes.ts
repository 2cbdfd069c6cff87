import type { Change, TabContext } from './tab-content';
import { managesAny, may, type Caller } from './caller';
import { t } from './texts';

/** What can be done about a device, from wherever it is shown. */
export const DEVICE_CHANGES = ['reset', 'hide', 'show', 'deny', 'allow', 'hide-name', 'show-name'] as const;
export type DeviceChange = (typeof DEVICE_CHANGES)[number];

/** Whether the caller may; the server decides. */
export function mayChange(caller: Caller, change: DeviceChange, device: string): boolean {
  switch (change) {
    case 'reset': return caller.scopes.has('validation:reset');
    case 'hide': case 'show': return may(caller, device, 'device:manage', 'device:manage_any');
    case 'deny': case 'allow': case 'hide-name': case 'show-name': return managesAny(caller);
  }
}

export function changeOf({ api }: TabContext, change: DeviceChange, device: string): Change {
  const remark = change !== 'reset' && change !== 'hide' && change !== 'show';
  const path = change === 'reset' ? `validation/${device}/reset` : `devices/${device}/${change}`;
  return {
    question: { title: t(`change.${change}.title`, { device }), text: t(`change.${change}.text`), button: t(`change.${change}`), remark },
    request: (text) => api.post(path, remark ? text : undefined),
    done: t(`change.${change}.done`, { device }),
  };
}
