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
  const item = page.getByRole('menuitem', { name: operation, exact: true });
  // The menu closes when GraphiQL draws itself anew, as when an editor or the schema has come in.
  await expect(async () => {
    if (!(await item.isVisible()))
      await page.getByRole('button', { name: /^Execute query/ }).click({ timeout: 15_000 });
    await item.click({ timeout: 15_000 });
  }).toPass();
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

  await page.screenshot({ path: 'e2e/artefacts/looks/graphiql-light.png' });
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.screenshot({ path: 'e2e/artefacts/looks/graphiql-dark.png' });
});

test('the headers of a tab are there again after a reload, and go into the init payload of its socket', async ({
  page,
  complaints,
}) => {
  await page.goto('/');
  await write(page, 'Headers', '{"authorization": "Bearer remembered"}');
  await page.waitForFunction(() => localStorage.getItem('graphiql:tabState')?.includes('Bearer remembered'));
  await page.reload();
  await page.getByRole('button', { name: 'Headers' }).click();
  await expect(page.getByRole('region', { name: 'Headers' })).toContainText('Bearer remembered');
  await expect(page.getByRole('tab', { selected: true })).toHaveText(/SendCode/);
  await expect(page.getByRole('tab')).toHaveCount(5);

  const sent: unknown[] = [];
  page.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => sent.push(JSON.parse(String(payload))));
  });
  await run(page, 'Watch');
  // There is no such token, and the socket says so.
  await expect(response(page)).toContainText('4403');
  // GraphiQL's toolkit shows it, and throws it besides.
  await expect.poll(() => complaints.splice(0)).toEqual(['Socket closed with event 4403 Forbidden']);
  expect(sent).toEqual([{ type: 'connection_init', payload: { authorization: 'Bearer remembered' } }]);
});
