// A group of devices that people look at together: a competition day, a retrieve. It lives in the fragment of a link, which no server
// receives, and has nothing in it but addresses, colours, a title and an end.
import { formatAddress, parseAddress } from 'updraft-client';

export interface Member {
  device: number;
  /** `#0072b2`. */
  colour: string;
}

export interface Group {
  title: string;
  members: readonly Member[];
  /** Its members are not followed after it, ms since the Unix epoch; absent: no end. */
  endsAt?: number;
}

/** Distinguishable with colour blindness, and on all themes; from Okabe and Ito, and two more. */
export const GROUP_COLOURS = ['#0072b2', '#e69f00', '#009e73', '#d55e00', '#cc79a7', '#56b4e9', '#f0e442', '#8c6bb1', '#7f7f7f'] as const;
/** A link stays short enough for every messenger. */
export const MAX_MEMBERS = 150;
const MAX_TITLE = 60;

/** The fields of the fragment that hold a group. */
export const GROUP_FIELDS = ['group', 'group-title', 'group-end'] as const;
type Fields = Partial<Record<(typeof GROUP_FIELDS)[number], string>>;

/** The colour of the member that is added at this index. */
export function colourAt(index: number): string {
  return GROUP_COLOURS[index % GROUP_COLOURS.length]!;
}

/** As in the fragment: `110B90,110B91.ff8800`; a colour is written only if it differs from the one of its index. */
export function writeGroup(group: Group | undefined): Fields {
  if (!group || group.members.length === 0) return {};
  const members = group.members.map(({ device, colour }, i) => formatAddress(device) + (colour === colourAt(i) ? '' : `.${colour.slice(1)}`));
  return {
    group: members.join(','),
    ...(group.title !== '' && { 'group-title': encodeURIComponent(group.title) }),
    ...(group.endsAt !== undefined && { 'group-end': new Date(group.endsAt).toISOString().slice(0, 16) }),
  };
}

/** Takes over what makes sense; undefined without a member. */
export function parseGroup(fields: URLSearchParams): Group | undefined {
  const members = new Map<number, Member>();
  for (const [index, part] of (fields.get('group') ?? '').split(',').slice(0, MAX_MEMBERS).entries()) {
    const [address = '', colour = ''] = part.split('.');
    const device = parseAddress(address);
    if (device === undefined || members.has(device)) continue;
    members.set(device, { device, colour: /^[0-9a-f]{6}$/i.test(colour) ? `#${colour.toLowerCase()}` : colourAt(index) });
  }
  if (members.size === 0) return undefined;
  const end = fields.get('group-end') ?? '';
  const endsAt = /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(end) ? Date.parse(`${end}Z`) : NaN;
  return { title: (fields.get('group-title') ?? '').slice(0, MAX_TITLE), members: [...members.values()], ...(Number.isFinite(endsAt) && { endsAt }) };
}

export function isOver({ endsAt }: Group, now: number): boolean {
  return endsAt !== undefined && now >= endsAt;
}

/** The colours of its members by device; none after its end. */
export function coloursOf(group: Group | undefined, now: number): ReadonlyMap<number, string> {
  return new Map(!group || isOver(group, now) ? [] : group.members.map(({ device, colour }) => [device, colour]));
}

export function withMember(group: Group | undefined, device: number): Group {
  const members = group?.members ?? [];
  if (members.length >= MAX_MEMBERS || members.some((member) => member.device === device)) return group ?? { title: '', members };
  return { ...(group ?? { title: '' }), members: [...members, { device, colour: freeColour(members) }] };
}

/** The first colour that no member has, else the one of its index. */
function freeColour(members: readonly Member[]): string {
  return GROUP_COLOURS.find((colour) => !members.some((member) => member.colour === colour)) ?? colourAt(members.length);
}

/** Undefined: no member is left. */
export function withoutMember(group: Group, device: number): Group | undefined {
  const members = group.members.filter((member) => member.device !== device);
  return members.length === 0 ? undefined : { ...group, members };
}

export function withColour(group: Group, device: number, colour: string): Group {
  return { ...group, members: group.members.map((member) => (member.device === device ? { device, colour } : member)) };
}
