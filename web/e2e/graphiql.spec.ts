import type { Locator, Page } from '@playwright/test';

import { expect, test } from './support/test.ts';

const response = (page: Page): Locator => page.locator('.graphiql-response');

/** Replaces what an editor holds. Pasted, for Monaco closes brackets that are typed. */
async function write(page: Page, editor: 'Variables' | 'Headers', text: string): Promise<void> {
  await page.getByRole('button', { name: editor }).click();
  await page.getByRole('region', { name: editor }).locator('.monaco-editor:visible').first().click();
  await page.evaluate((copied) => navigator.clipboard.writeText(copied), text);
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Control+V');
  // GraphiQL writes down what was edited once it has been still for a moment.
  await page.waitForFunction(([key, written]) => localStorage.getItem(key) === written, [
    `graphiql:${editor.toLowerCase()}`,
    text,
  ] as const);
}

async function run(page: Page, operation: string): Promise<void> {
  await page.getByRole('button', { name: /^Execute query/ }).click();
  await page.getByRole('menuitem', { name: operation, exact: true }).click();
}

test('a verification, from the first tab to the proof, with nothing from elsewhere', async ({ page, server }) => {
  const elsewhere: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(server.origin) && /^https?:/.test(request.url())) elsewhere.push(request.url());
  });
  await page.goto('/');
  await expect(page.getByRole('heading', { name: 'Outbox' })).toBeVisible();
  for (const tab of ['SendCode', 'SignUpCode', 'SignIn', 'RequestReset', 'Me']) {
    await expect(page.getByRole('tab', { name: new RegExp(`^${tab}( Close Tab)?$`) })).toBeVisible();
  }

  const answered = page.waitForResponse(async (answer) => (await answer.text()).includes('"ver_'));
  await run(page, 'SendCode');
  const id = /ver_[\w-]+/.exec(await (await answered).text())?.[0];
  await expect(response(page)).toContainText('PENDING');
  const card = page.getByRole('article').first();
  await expect(card).toContainText('+821012345678');
  await card.getByRole('button').click();
  await expect(card.getByRole('button')).toContainText('Copied');
  const code = await page.evaluate(() => navigator.clipboard.readText());
  expect(code).toMatch(/^\d{6}$/);

  await write(page, 'Variables', JSON.stringify({ id, code }));
  await run(page, 'Watch');
  await expect(response(page)).toContainText(/SENT|DELIVERED/);
  await page.getByRole('button', { name: /^Stop query/ }).click();
  await run(page, 'Confirm');
  await expect(response(page)).toContainText('attestation');
  expect(elsewhere).toEqual([]);
});

test('tabs and headers are there again after a reload', async ({ page }) => {
  await page.goto('/');
  await page.getByRole('tab', { name: 'Me', exact: true }).click();
  await write(page, 'Headers', '{"authorization": "Bearer remembered"}');
  await page.reload();
  await page.getByRole('button', { name: 'Headers' }).click();
  await expect(page.getByRole('region', { name: 'Headers' })).toContainText('Bearer remembered');
});
