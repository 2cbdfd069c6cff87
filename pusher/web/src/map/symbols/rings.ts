/** The colours of the rings about aircraft; members of a group have their own. */
export const RINGS = { alert: '#f0324f', selected: '#31b5ff', followed: '#f5b301' } as const;
