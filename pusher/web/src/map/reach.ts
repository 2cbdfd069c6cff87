// How near to an object a click selects it.

/** A finger is wider than a symbol. Pixels. */
export const PICK_PX = 12;
/** Within this distance of an object a click is on its symbol, farther away on its label. Pixels. */
export const SYMBOL_PX = 35;
