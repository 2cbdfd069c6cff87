// Validates an AsyncAPI document with the official parser: `node asyncapi.mjs FILE`.

import { readFileSync } from 'node:fs';
import parser from '@asyncapi/parser';

const { document, diagnostics } = await new parser.Parser().parse(readFileSync(process.argv[2], 'utf8'));
// 0: error, 1: warning; higher numbers are hints.
const errors = diagnostics.filter(({ severity }) => severity <= 1);
for (const { path, message } of errors) console.error(`${path.join('.')}: ${message}`);
const channels = document?.channels().all().length ?? 0;
console.log(`${channels} channels`);
process.exit(errors.length === 0 && channels > 10 ? 0 : 1);
