export function encodeServerMessage(message: object): Uint8Array<ArrayBuffer>;
