// Compiles the live protocol's schema into src/proto: `live.js` by pbf, and `live.d.ts` for its types; `rest.js` has the bodies of
// REST that the map reads as Protobuf.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileRaw } from 'pbf/compile';
import { parse } from 'protocol-buffers-schema';

const here = dirname(fileURLToPath(import.meta.url));
const schemas = join(here, '../../../schemas/proto');
const out = join(here, '../src/proto');

const NUMBERS = new Set([
  'double', 'float', 'int32', 'int64', 'uint32', 'uint64', 'sint32', 'sint64',
  'fixed32', 'sfixed32', 'sfixed64',
]);

/** The parser forgets proto3's `optional`; it is kept as an option of the field. */
function keepOptional(source) {
  const marked = (_, indent, field, options) => `${indent}${field} [${options ? `${options}, ` : ''}presence = explicit];`;
  return source.replace(/^(\s*)optional (\S+ \w+ = \d+)(?: \[([^\]]*)\])?;/gm, marked);
}

function isOptional(field) {
  return field.options.presence === 'explicit';
}

/** Reads a file and everything it imports, import paths being relative to the schema root. */
function load(path, seen = new Set()) {
  seen.add(path);
  const schema = parse(keepOptional(readFileSync(join(schemas, path), 'utf8')));
  for (const imported of schema.imports) {
    // Files of google/ declare options, which the page does not read.
    if (seen.has(imported) || imported.startsWith('google/')) continue;
    const child = load(imported, seen);
    schema.messages.push(...child.messages);
    schema.enums.push(...child.enums);
  }
  return schema;
}

/**
 * Gives each proto3 `optional` field the synthetic oneof that Protobuf defines for it, so that pbf writes an explicit
 * zero; `dropSyntheticOneofs` takes its traces out of the generated code again.
 */
function markOptionals(schema) {
  for (const { fields } of schema.messages) {
    for (const field of fields) {
      if (isOptional(field)) field.oneof = `_${field.name}`;
    }
  }
}

/** Absent optional fields become `undefined` and not zero. */
function dropSyntheticOneofs(code) {
  return code
    .replace(/\b(\w+): [^,{}]+, _\1: undefined/g, '$1: undefined')
    .replace(/; obj\._(\w+) = "\1"/g, '');
}

function typeOf(field) {
  if (NUMBERS.has(field.type)) return 'number';
  if (field.type === 'fixed64') return 'string';
  if (field.type === 'bool') return 'boolean';
  if (field.type === 'bytes') return 'Uint8Array';
  return field.type;
}

function interfaceOf(message, messages) {
  const oneofs = new Map();
  const lines = message.fields.map((field) => {
    const real = field.oneof && !field.oneof.startsWith('_');
    if (real) oneofs.set(field.oneof, [...(oneofs.get(field.oneof) ?? []), field.name]);
    const maybe = real || isOptional(field) || messages.has(field.type);
    return field.repeated ? `  ${field.name}: ${typeOf(field)}[];` : `  ${field.name}${maybe ? '?' : ''}: ${typeOf(field)};`;
  });
  for (const [name, members] of oneofs) lines.push(`  ${name}?: ${members.map((m) => `'${m}'`).join(' | ')};`);
  return [
    `export interface ${message.name} {`, ...lines, '}',
    `export function read${message.name}(pbf: PbfReader, end?: number): ${message.name};`,
    `export function write${message.name}(obj: Partial<${message.name}>, pbf: PbfWriter): void;`,
  ].join('\n');
}

function enumOf({ name, values }) {
  const members = Object.entries(values).map(([key, { value }]) => `  readonly ${key}: ${value};`);
  return `export const ${name}: {\n${members.join('\n')}\n};\nexport type ${name} = number;`;
}

/** Of a schema only these messages and what they are made of. */
function only(schema, names) {
  const used = new Set(names);
  for (const name of used) {
    for (const { type } of schema.messages.find((message) => message.name === name)?.fields ?? []) used.add(type);
  }
  const isUsed = ({ name }) => used.has(name);
  return { ...schema, messages: schema.messages.filter(isUsed), enums: schema.enums.filter(isUsed) };
}

function generate(name, schema) {
  const messages = new Set(schema.messages.map((message) => message.name));
  const types = [
    "import type { PbfReader, PbfWriter } from 'pbf';",
    ...schema.messages.map((message) => interfaceOf(message, messages)),
    ...schema.enums.map(enumOf),
  ].join('\n');
  markOptionals(schema);
  const code = dropSyntheticOneofs(compileRaw(schema));
  if (/\b_[a-z]/.test(code)) throw new Error('a synthetic oneof is left in the generated code: has pbf changed its output?');
  writeFileSync(join(out, `${name}.js`), code);
  writeFileSync(join(out, `${name}.d.ts`), `// Generated from schemas/proto.\n${types}\n`);
}

mkdirSync(out, { recursive: true });
generate('live', load('updraft/v1/live.proto'));
generate('rest', only(load('updraft/v1/rest.proto'), ['RegionHistory']));

/** The constants of a Rust file, under the same names. */
function constantsOf(path) {
  const source = readFileSync(join(here, '../../..', path), 'utf8');
  const found = [...source.matchAll(/^pub const (\w+): (?:&str|u32|f64) = ("[^"]*"|[\d.e]+);$/gm)];
  if (found.length === 0) throw new Error(`${path} has no constants: has their form changed?`);
  const lines = found.map(([, name, value]) => `export const ${name} = ${value};`);
  return `// Generated from ${path}.\n${lines.join('\n')}\n`;
}

writeFileSync(join(out, 'wire.ts'), constantsOf('schemas/src/wire.rs'));
writeFileSync(join(out, 'units.ts'), constantsOf('crates/flight/src/units.rs'));
