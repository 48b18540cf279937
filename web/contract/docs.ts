import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A fenced code block of the documentation in TypeScript, JavaScript or GraphQL.
 *
 * The first word after the fence is the language. Attributes may follow, which GitHub does not show:
 * - `file=src/main.tsx`: the block is this file of the page's project, and other blocks can import it
 * - `continues=src/main.tsx`: the block is appended to that file
 * - `no-run=reason`: the block is not checked; every such block is listed in `not-run.json`
 */
export interface Block {
  /** The path of the page, relative to the repository root. */
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly text: string;
}

export const CODE = ['ts', 'tsx', 'js', 'jsx', 'typescript', 'javascript'];
const LANGUAGES = new Set([...CODE, 'graphql']);

/** README.md, the pages of docs/ and the READMEs below web/, relative to the repository root. */
export function pages(root: string): readonly string[] {
  const folders = readdirSync(join(root, 'web'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
    .map(({ name }) => `web/${name}`);
  return ['.', 'docs', 'web', ...folders].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  );
}

export function blocksOf(page: string, markdown: string): readonly Block[] {
  const fence = /^( *)```(\w+)([^\n]*)\n([\s\S]*?)^\1```$/gm;
  return [...markdown.matchAll(fence)].flatMap(
    ({ index, 1: indent = '', 2: language = '', 3: info = '', 4: text = '' }) => {
      if (!LANGUAGES.has(language)) return [];
      return {
        page,
        line: markdown.slice(0, index).split('\n').length,
        language,
        attributes: attributesOf(info),
        text: indent === '' ? text : text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
      };
    },
  );
}

export function allBlocks(root: string): readonly Block[] {
  return pages(root).flatMap((page) => blocksOf(page, readFileSync(join(root, page), 'utf8')));
}

/**
 * Assembles the blocks to files, by path: one directory for each page, with `file` and `continues` inside it, and a separate
 * file for every other block.
 */
export function filesOf(blocks: readonly Block[]): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const { page, line, language, attributes, text } of blocks) {
    const folder = page.replaceAll(/[^\w]/g, '_');
    const continued = attributes.get('continues');
    const path = continued ?? attributes.get('file') ?? `line-${String(line)}.${extensionOf(language)}`;
    const name = join(folder, path);
    const before = files.get(name);
    if (continued !== undefined && before === undefined)
      throw new Error(`${page}:${String(line)} continues a file that does not exist.`);
    if (continued === undefined && before !== undefined)
      throw new Error(`${page}:${String(line)} defines ${path} again.`);
    files.set(name, before === undefined ? text : `${before}\n${text}`);
  }
  return files;
}

function attributesOf(info: string): ReadonlyMap<string, string> {
  const found = info.matchAll(/([\w-]+)=(?:"([^"]*)"|(\S+))/g);
  return new Map([...found].map(([, name = '', quoted, bare]) => [name, quoted ?? bare ?? '']));
}

function extensionOf(language: string): string {
  return { typescript: 'ts', javascript: 'js' }[language] ?? language;
}
