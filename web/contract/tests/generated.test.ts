import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { generate } from '@graphql-codegen/cli';
import { buildOperationNodeForField } from '@graphql-tools/utils';
import { buildSchema, isScalarType, isSpecifiedScalarType, OperationTypeNode, print } from 'graphql';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';

/**
 * GQ-09: codegen for operations that select every field of the schema produces valid TypeScript. `npm run check:schema` lints the
 * schema.
 */

const sdl = readFileSync(new URL('../../../schema.graphql', import.meta.url), 'utf8');
const schema = buildSchema(sdl);
const roots = {
  [OperationTypeNode.QUERY]: schema.getQueryType(),
  [OperationTypeNode.MUTATION]: schema.getMutationType(),
  [OperationTypeNode.SUBSCRIPTION]: schema.getSubscriptionType(),
};

/** One operation for each root field that selects everything. */
const operations = Object.values(OperationTypeNode).flatMap((kind) =>
  Object.keys(roots[kind]?.getFields() ?? {}).map((field) =>
    print(buildOperationNodeForField({ schema, kind, field, depthLimit: 12 })),
  ),
);

const scalars = Object.values(schema.getTypeMap())
  .filter((type) => isScalarType(type) && !isSpecifiedScalarType(type))
  .map(({ name }) => name);

/** Runs codegen's client preset with these scalar types and returns the files by name. */
async function generated(types: Record<string, string>): Promise<Map<string, string>> {
  // Nothing is written there, but module resolution needs an existing directory.
  const folder = fileURLToPath(new URL('./', import.meta.url));
  const config = { strictScalars: true, scalars: types };
  const generates = { [folder]: { preset: 'client' as const, config } };
  const files: unknown = await generate({ schema: sdl, documents: operations, generates, silent: true }, false);
  return new Map(
    (files as { filename: string; content: string }[]).map(({ filename, content }) => [filename, content]),
  );
}

/** Compiles in-memory files and returns the diagnostics. */
function diagnostics(files: Map<string, string>): string[] {
  const options: ts.CompilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck: true, exactOptionalPropertyTypes: true },
    ...{ target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, types: [] },
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  };
  const host = ts.createCompilerHost(options);
  const fileExists = host.fileExists.bind(host);
  const readFile = host.readFile.bind(host);
  host.fileExists = (name) => files.has(name) || fileExists(name);
  host.readFile = (name) => files.get(name) ?? readFile(name);
  const program = ts.createProgram([...files.keys()], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

describe('GQ-09 the client preset with strict scalars', () => {
  let files: Map<string, string>;
  let name: string;
  let types: string;

  beforeAll(async () => {
    files = await generated(Object.fromEntries(scalars.map((scalar) => [scalar, 'string'])));
    [name, types] = [...files].find(([file]) => file.endsWith('/graphql.ts')) ?? ['', ''];
  }, 60_000);

  it('generates types for every operation', () => {
    expect(operations.length).toBeGreaterThan(20);
    expect(types.match(/^export type \w+(Query|Mutation|Subscription) = /gm)).toHaveLength(operations.length);
  });

  it('compiles in strict mode', () => {
    expect(diagnostics(files)).toEqual([]);
    const wrong = new Map(files).set(name, `${types}\nexport const wrong: number = 'text';\n`);
    expect(diagnostics(wrong)).toHaveLength(1);
  }, 60_000);

  it('contains no any', () => {
    const found: string[] = [];
    const visit = (node: ts.Node): void => {
      if (node.kind === ts.SyntaxKind.AnyKeyword) found.push(node.parent.getText());
      ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile(name, types, ts.ScriptTarget.ES2023, true));
    expect(found).toEqual([]);
  });

  it('needs a type for every scalar', async () => {
    expect(scalars).toEqual(['Date', 'DateTime', 'EmailAddress', 'PhoneNumber']);
    await expect(generated({})).rejects.toThrow(/Unknown scalar type/);
  }, 60_000);
});
