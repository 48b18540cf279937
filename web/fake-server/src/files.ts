import { readFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { extname, join, normalize } from 'node:path';

const TYPES: Record<string, string> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.ttf': 'font/ttf',
  '.woff2': 'font/woff2',
};

const STRICT = "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/**
 * The Content-Security-Policy of the pages, as documented in the README. Tests serve the pages with it, so that a violation
 * fails the test. Monaco, the editor of GraphiQL, creates style elements and starts workers.
 */
export function policyOf(path: string): string {
  return path.startsWith('/demo/')
    ? `${STRICT}; style-src 'self'; img-src 'self'; form-action 'none'; require-trusted-types-for 'script'`
    : `${STRICT}; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; worker-src 'self'; form-action 'none'`;
}

/** Serves a file of the built pages. */
export async function serveFile(root: string, path: string, response: ServerResponse): Promise<void> {
  const file = normalize(path.endsWith('/') ? `${path}index.html` : path);
  try {
    const content = await readFile(join(root, file));
    response.writeHead(200, {
      'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
      'content-security-policy': policyOf(path),
    });
    response.end(content);
  } catch {
    response.writeHead(404).end();
  }
}
