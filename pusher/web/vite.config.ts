import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { basename, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { defaultClientConditions, defineConfig, type Plugin } from 'vite';

const COMPRESSIBLE = /\.(js|css|svg|html|json|webmanifest)$/;

const SERVICE_WORKER = 'src/worker/service-worker.js';
const WORKER_FILE = 'sw.js';
/** The mode that builds the operators' page, and how the names of its files begin. */
const OPERATE = 'operate';

/** Modules that the map needs at once. */
const LOADED_AT_ONCE = /clients\/web\/src|src\/(?:settings|live|address-bar|selection|basemap\/theme|map\/(?:symbols|layers|camera)|motion|travel\/present|ui\/(?:dom|icon|calls|account-problem|filter|status)|sign-in\/problem)/;

/** Writes the service worker, with the files that it keeps and a version that changes with any of them. */
async function writeServiceWorker(root: string, folder: string): Promise<void> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && !/\.(br|gz|map)$/.test(entry.name) && entry.name !== WORKER_FILE)
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/')).sort();
  const hash = createHash('sha256');
  const source = await readFile(join(root, SERVICE_WORKER), 'utf8');
  hash.update(source);
  for (const file of files) hash.update(file).update(await readFile(join(folder, file)));
  const kept = files.filter((file) => file !== 'index.html').map((file) => `./${file}`);
  const written = (mark: string, value: unknown, text: string) => {
    const parts = text.split(`/*${mark}*/`);
    if (parts.length !== 3) throw new Error(`${SERVICE_WORKER} has no ${mark}: expected two marks /*${mark}*/`);
    return parts[0] + JSON.stringify(value) + parts[2];
  };
  await writeFile(join(folder, WORKER_FILE), written('files', kept, written('version', hash.digest('hex').slice(0, 12), source)));
}

/** Writes the map's service worker, then each text file compressed beside itself, so that the server need not do it for every request. */
function finish(isOperate: boolean): Plugin {
  let folder = 'dist', root = '.';
  return {
    name: 'service-worker-and-compression',
    apply: 'build',
    configResolved(config) {
      root = config.root;
      folder = join(root, config.build.outDir);
    },
    async closeBundle() {
      if (!isOperate) await writeServiceWorker(root, folder);
      const isOwn = (file: string) => !isOperate || basename(file).startsWith(OPERATE);
      const files = (await readdir(folder, { recursive: true })).filter((file) => COMPRESSIBLE.test(file) && isOwn(file));
      await Promise.all(files.map(async (file) => {
        const bytes = await readFile(join(folder, file));
        const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
        await writeFile(join(folder, `${file}.br`), await promisify(brotliCompress)(bytes, { params }));
        await writeFile(join(folder, `${file}.gz`), await promisify(gzip)(bytes, { level: constants.Z_BEST_COMPRESSION }));
      }));
    },
  };
}

/**
 * The map, or with `--mode operate` the operators' page beside it. They are built apart, so that the map loads no file because of
 * the other page and its service worker keeps none of it.
 */
export default defineConfig(({ mode }) => {
  const isOperate = mode === OPERATE;
  const named = `assets/${isOperate ? `${OPERATE}-` : ''}[name]-[hash]`;
  return {
    plugins: [finish(isOperate)],
    // Relative, so that the page works under any path of the server.
    base: './',
    publicDir: isOperate ? false : 'public',
    // The client of clients/web is taken from its source: nothing of it has to be built first.
    resolve: { conditions: ['updraft-source', ...defaultClientConditions] },
    build: {
      target: 'es2023',
      emptyOutDir: !isOperate,
      assetsInlineLimit: 0,
      chunkSizeWarningLimit: 1500,
      modulePreload: { polyfill: false },
      rolldownOptions: {
        input: isOperate ? `${OPERATE}.html` : 'index.html',
        output: {
          entryFileNames: `${named}.js`,
          chunkFileNames: `${named}.js`,
          // Parts that the map loads at once and later parts use, too: together they compress better than as a dozen files.
          ...(!isOperate && { codeSplitting: { groups: [{ name: 'shared', test: LOADED_AT_ONCE, minShareCount: 2 }] } }),
          // MapLibre's worker ends in .mjs, which some servers do not serve as JavaScript.
          assetFileNames: ({ names }) => `${named}${names.some((name) => name.endsWith('.mjs')) ? '.js' : '[extname]'}`,
        },
      },
    },
    server: {
      // `npx vite` develops against a running pusher.
      proxy: {
        '/api': 'http://localhost:8090',
        '/config.json': 'http://localhost:8090',
        '/map': 'http://localhost:8090',
        '/ws': { target: 'ws://localhost:8090', ws: true },
      },
    },
  };
});
