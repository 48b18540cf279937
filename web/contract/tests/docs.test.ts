import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { buildSchema, parse, validate } from 'graphql';
import ts from 'typescript';
import { afterAll, describe, expect, it } from 'vitest';

import { allBlocks, blocksOf, CODE, filesOf, type Block } from '../docs.ts';
import listed from '../not-run.json' with { type: 'json' };

/** Code blocks of the documentation compile against the client package, and GraphQL blocks are valid for the schema. */

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** Inside web/, so that npm packages are resolved. */
const FOLDER = fileURLToPath(new URL('../.docs/', import.meta.url));

const blocks = allBlocks(ROOT);
const checked = blocks.filter(({ attributes }) => !attributes.has('no-run'));

/** Compiles the files with the options of a new Vite app and returns the diagnostics. */
function diagnostics(files: ReadonlyMap<string, string>, folder: string): string[] {
  for (const [name, text] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const names = [...files.keys()].map((name) => join(folder, name));
  const scripts = names.filter((name) => /\.jsx?$/.test(name));
  return [
    ...compile(
      names.filter((name) => !scripts.includes(name)),
      {},
    ),
    // JavaScript has no parameter types.
    ...compile(scripts, { allowJs: true, checkJs: true, noImplicitAny: false }),
  ];
}

function compile(names: readonly string[], more: ts.CompilerOptions): string[] {
  const options: ts.CompilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck: true, moduleDetection: ts.ModuleDetectionKind.Force },
    ...{ target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, jsx: ts.JsxEmit.ReactJSX },
    ...{ moduleResolution: ts.ModuleResolutionKind.Bundler, allowImportingTsExtensions: true },
    ...{ types: ['vite/client', 'node'], customConditions: ['source'], resolveJsonModule: true },
    ...more,
  };
  const program = ts.createProgram(names, options);
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
    const where = file?.fileName.split('.docs/').at(-1) ?? '';
    return `${where}:${String(line)} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}

const isCode = ({ language }: Block): boolean => CODE.includes(language);

describe('the documentation', () => {
  afterAll(() => {
    rmSync(FOLDER, { recursive: true, force: true });
  });

  it('has code that compiles', () => {
    rmSync(FOLDER, { recursive: true, force: true });
    expect(checked.filter(isCode).length).toBeGreaterThan(10);
    expect(diagnostics(filesOf(checked.filter(isCode)), FOLDER)).toEqual([]);
  });

  it('reports errors in code blocks', () => {
    const page = '```ts\nexport const wrong: number = "text";\n```\n\n```js\nexport const token = attestation;\n```\n';
    expect(diagnostics(filesOf(blocksOf('wrong.md', page)), join(FOLDER, 'wrong'))).toHaveLength(2);
  });

  it.each(
    checked
      .filter(({ language }) => language === 'graphql')
      .map((block) => [`${block.page}:${String(block.line)}`, block] as const),
  )('has valid GraphQL: %s', (_, { text }) => {
    const schema = buildSchema(readFileSync(join(ROOT, 'schema.graphql'), 'utf8'));
    expect(validate(schema, parse(text))).toEqual([]);
  });

  it('lists the unchecked blocks with a reason', () => {
    const left = blocks.flatMap(({ page, text, attributes }) => {
      const reason = attributes.get('no-run');
      return reason === undefined ? [] : [{ page, begins: text.split('\n')[0], reason }];
    });
    expect(left).toEqual(listed);
  });
});

describe('the blocks of a page', () => {
  const page = [
    '```tsx file=src/a.tsx',
    'const a = 1;',
    '```',
    '- x',
    '',
    '  ```ts continues=src/a.tsx',
    '  const b = 2;',
    '  ```',
    '',
  ].join('\n');

  it('are assembled to files', () => {
    const found = blocksOf('docs/x.md', page);
    expect(found.map(({ line, language }) => [line, language])).toEqual([
      [1, 'tsx'],
      [6, 'ts'],
    ]);
    expect([...filesOf(found)]).toEqual([['docs_x_md/src/a.tsx', 'const a = 1;\n\nconst b = 2;\n']]);
  });

  it('define each file once and continue existing files', () => {
    expect(() => filesOf(blocksOf('x.md', page.replace('continues', 'file')))).toThrow('again');
    expect(() => filesOf(blocksOf('x.md', page.replace('file', 'continues')))).toThrow(
      'continues a file that does not exist',
    );
  });
});
