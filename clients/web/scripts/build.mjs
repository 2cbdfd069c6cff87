// Makes dist/ for the registry: JavaScript and types from TypeScript, and the generated reader of the protocol as it is.
import { execFileSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { resolve } = createRequire(import.meta.url);
const compiler = join(dirname(resolve('typescript/package.json')), 'bin/tsc');

rmSync(join(root, 'dist'), { recursive: true, force: true });
execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
for (const file of ['live.js', 'live.d.ts', 'rest.js', 'rest.d.ts']) cpSync(join(root, 'src/proto', file), join(root, 'dist/proto', file));
