import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { gql, InMemoryCache } from '@apollo/client';
import { buildClientSchema, buildSchema, lexicographicSortSchema, printSchema, type IntrospectionQuery } from 'graphql';
import ts from 'typescript';
import { build } from 'vite';
import { describe, expect, it, vi } from 'vitest';

import manifest from '../package.json' with { type: 'json' };

/** Properties of the package that apps rely on, in addition to its types. */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): Promise<string> => readFile(join(ROOT, path), 'utf8');

/** The modules that a source file imports at run time, including transitive ones, with the imported names. */
async function importsOf(path: string, found = new Map<string, Set<string>>()): Promise<Map<string, Set<string>>> {
  const source = ts.createSourceFile(path, await read(path), ts.ScriptTarget.ES2023);
  for (const statement of source.statements) {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) continue;
    if (!statement.moduleSpecifier || !ts.isStringLiteral(statement.moduleSpecifier)) continue;
    const { names, isType } = namesOf(statement);
    if (isType) continue;
    const { text } = statement.moduleSpecifier;
    const module = text.startsWith('.') ? join(dirname(path), text) : text;
    const known = found.get(module);
    found.set(module, new Set([...(known ?? []), ...names]));
    if (module !== text && !known && !module.endsWith('.json')) await importsOf(module, found);
  }
  return found;
}

function namesOf(statement: ts.ImportDeclaration | ts.ExportDeclaration): { names: string[]; isType: boolean } {
  if (ts.isExportDeclaration(statement)) return { names: [], isType: statement.isTypeOnly };
  const clause = statement.importClause;
  const bindings = clause?.namedBindings;
  const elements = bindings && ts.isNamedImports(bindings) ? bindings.elements : [];
  const values = elements.filter(({ isTypeOnly }) => !isTypeOnly);
  return {
    names: values.map(({ name, propertyName }) => (propertyName ?? name).text),
    isType: clause?.phaseModifier === ts.SyntaxKind.TypeKeyword || (elements.length > 0 && values.length === 0),
  };
}

const entries = Object.entries(manifest.exports).flatMap(([name, target]) =>
  typeof target === 'string' ? [] : [[name, target.source] as const],
);
const isForReact = (name: string): boolean => name.endsWith('/react');

describe('the entry points', () => {
  it.each(entries.filter(([name]) => !isForReact(name)))('%s does not load React', async (_, source) => {
    const modules = [...(await importsOf(source)).keys()];
    expect(modules.filter((module) => /^(react|urql)\b|\/react(\/|$)/.test(module))).toEqual([]);
  });

  it.each(entries.filter(([name]) => isForReact(name)))('%s uses only APIs of React 18.3', async (_, source) => {
    const names = (await importsOf(source)).get('react') ?? new Set();
    const in18 = ['useEffect', 'useMemo', 'useReducer', 'useRef', 'useSyncExternalStore'];
    expect(in18).toEqual(expect.arrayContaining([...names]));
  });

  it('import only declared dependencies', async () => {
    const declared = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)];
    for (const [, source] of entries) {
      const packages = [...(await importsOf(source)).keys()].filter(
        (module) => !module.startsWith('src/') && !module.startsWith('.'),
      );
      for (const module of packages) {
        expect(declared).toContain(
          module
            .split('/')
            .slice(0, module.startsWith('@') ? 2 : 1)
            .join('/'),
        );
      }
    }
  });

  it('refer to existing files', async () => {
    for (const target of Object.values(manifest.exports)) {
      await expect(read(typeof target === 'string' ? target : target.source)).resolves.not.toBe('');
    }
  });
});

describe('the schema files', () => {
  it('match the schema of the service', async () => {
    const sdl = await read('../../schema.graphql');
    expect(await read(manifest.exports['./schema.graphql'])).toBe(sdl);
    const introspection = JSON.parse(await read(manifest.exports['./introspection.json'])) as IntrospectionQuery;
    const types = printSchema(lexicographicSortSchema(buildClientSchema(introspection)));
    const plain = sdl.replaceAll(/"""[\s\S]*?"""\n/g, '');
    expect(types).toBe(printSchema(lexicographicSortSchema(buildSchema(plain))));
  });

  it('make an InMemoryCache keep the fields of an interface', async () => {
    const { possibleTypes } = JSON.parse(await read(manifest.exports['./possible-types.json'])) as {
      possibleTypes: Record<string, string[]>;
    };
    const query = gql`
      query {
        availability(input: { username: "lena" }) {
          ... on Problem {
            code
            message
          }
        }
      }
    `;
    const refusal = { __typename: 'QuotaExceeded', code: 'QUOTA_EXCEEDED', message: 'Later.' };
    const cached = (cache: InMemoryCache): string => {
      cache.writeQuery({ query, data: { availability: refusal } });
      return JSON.stringify(cache.extract());
    };
    // Apollo logs the dropped fields in development mode.
    for (const level of ['warn', 'error'] as const) vi.spyOn(console, level).mockImplementation(() => undefined);
    expect(cached(new InMemoryCache({ possibleTypes }))).toContain('Later.');
    expect(cached(new InMemoryCache())).not.toContain('Later.');
  });
});

it('a session does not keep a Node process alive', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-client-'));
  const script = `
    import { Session, renewOverHttp } from ${JSON.stringify(join(ROOT, 'src/index.ts'))};
    import { createWebSocketTransport } from ${JSON.stringify(join(ROOT, 'src/transport/websocket.ts'))};
    const url = 'http://127.0.0.1:9/graphql';
    const session = new Session({ renew: renewOverHttp({ url }) });
    createWebSocketTransport({ url, session });
    console.log(session.isSignedIn());
  `;
  const entry = join(folder, 'entry.mjs');
  await writeFile(entry, script);
  const output = { entryFileNames: 'built.mjs' };
  await build({
    configFile: false,
    logLevel: 'error',
    root: ROOT,
    ssr: { noExternal: true },
    build: { ssr: entry, outDir: folder, emptyOutDir: false, rolldownOptions: { output } },
  });
  // The time limit catches an open handle, which would keep the process alive forever.
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'built.mjs')], { timeout: 60_000 });
  expect(stdout.trim()).toBe('false');
  await rm(folder, { recursive: true });
});
