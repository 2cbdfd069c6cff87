// The package as the registry gets it: what is in it, that Node runs it, and that its types serve a program.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const COMPILER = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
/** Of a program that uses the package from the registry. */
const CONFIG = { compilerOptions: { target: 'es2022', lib: ['es2023', 'dom'], module: 'nodenext', strict: true, noEmit: true, types: [] }, files: ['program.ts'] };

let folder = '';
let files: string[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'updraft-client-'));
  // As `prepack` does it, without generating again what other tests read at the same time.
  execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: ROOT });
  const [packed] = JSON.parse(execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], { cwd: ROOT, encoding: 'utf8' })) as { filename: string; files: { path: string }[] }[];
  files = packed!.files.map(({ path }) => path);
  execFileSync('tar', ['-xzf', join(folder, packed!.filename), '-C', folder]);
  mkdirSync(join(folder, 'node_modules'));
  cpSync(join(folder, 'package'), join(folder, 'node_modules/updraft-client'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules/pbf'), join(folder, 'node_modules/pbf'));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('has no sources and no tests', () => {
  expect(files).toEqual(expect.arrayContaining(['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE-MIT', 'LICENSE-APACHE', 'dist/index.js', 'dist/index.d.ts', 'dist/proto/live.js', 'dist/proto/live.d.ts']));
  expect(files.filter((path) => !/^(dist\/(proto\/)?[\w-]+(\.d)?\.(js|ts)|package\.json|README\.md|CHANGELOG\.md|LICENSE-(MIT|APACHE))$/.test(path))).toEqual([]);
  expect(files.filter((path) => /test|(?<!\.d)\.ts$/.test(path))).toEqual([]);
});

it('states its version and licence', () => {
  const { version, license, private: isPrivate } = JSON.parse(readFileSync(join(folder, 'package/package.json'), 'utf8')) as Record<string, unknown>;
  expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  expect([license, isPrivate]).toEqual(['MIT OR Apache-2.0', undefined]);
  expect(readFileSync(join(folder, 'package/CHANGELOG.md'), 'utf8')).toContain(`## ${String(version)}`);
});

it('runs in Node', () => {
  const program = "import { AirPicture, encode, formatAddress, Session } from 'updraft-client'; console.log(formatAddress(0x110b90), new Session(new AirPicture()).status, typeof encode);";
  writeFileSync(join(folder, 'program.mjs'), program);
  expect(execFileSync(process.execPath, ['program.mjs'], { cwd: folder, encoding: 'utf8' })).toBe('110B90 idle function\n');
});

it('has the types that the example of its README needs', () => {
  cpSync(join(ROOT, 'tests/readme-example.ts'), join(folder, 'program.ts'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(CONFIG));
  expect(execFileSync(process.execPath, [COMPILER, '-p', '.'], { cwd: folder, encoding: 'utf8' })).toBe('');
}, 60_000);
