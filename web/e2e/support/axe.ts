import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

import { expect, type Page } from '@playwright/test';
import type { AxeResults, RunOptions } from 'axe-core';

const source = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const RULES: RunOptions = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
};

/** Fails if axe reports violations on the current page. */
export async function expectAccessible(page: Page): Promise<void> {
  // Wait for animations: axe would measure the contrast of half-transparent elements.
  await page.evaluate(() =>
    Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => null))),
  );
  await page.evaluate(await source);
  const { violations } = await page.evaluate(
    (rules): Promise<AxeResults> =>
      (globalThis as unknown as { axe: { run(r: RunOptions): Promise<AxeResults> } }).axe.run(rules),
    RULES,
  );
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  expect(found).toEqual([]);
}
