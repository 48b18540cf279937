import type { Locator, Page } from '@playwright/test';

import { expect, test } from './support/test.ts';

const TABS = ['Verify a contact', 'Sign up', 'Sign in', 'Reset the password', 'Account'] as const;

const titled = (tab: string): RegExp => new RegExp(`^${tab}( Close Tab)?$`);
const response = (page: Page): Locator => page.locator('.graphiql-response');
const variables = (page: Page): Locator => page.getByRole('region', { name: 'Variables' });

/** Replaces the content of an editor by pasting: Monaco would auto-close typed brackets. */
async function write(page: Page, editor: 'Variables' | 'Headers', text: string): Promise<void> {
  await page.getByRole('button', { name: editor }).click();
  await page.getByRole('region', { name: editor }).locator('.monaco-editor:visible').first().click();
  await page.evaluate((copied) => navigator.clipboard.writeText(copied), text);
  await page.keyboard.press('Control+A');
  await page.keyboard.press('Control+V');
  // GraphiQL persists edits after a debounce delay.
  await page.waitForFunction(([key, written]) => localStorage.getItem(key) === written, [
    `graphiql:${editor.toLowerCase()}`,
    text,
  ] as const);
}

async function run(page: Page, operation: string): Promise<void> {
  const item = page.getByRole('menuitem', { name: operation, exact: true });
  // The menu closes when GraphiQL rerenders, for example after an editor or the schema has loaded.
  await expect(async () => {
    if (!(await item.isVisible()))
      await page.getByRole('button', { name: /^Execute query/ }).click({ timeout: 15_000 });
    await item.click({ timeout: 15_000 });
  }).toPass();
}

test('a verification up to its proof, without requests to other origins', async ({ page, server }) => {
  const externalRequests: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(server.origin) && /^https?:/.test(request.url()))
      externalRequests.push(request.url());
  });
  await page.goto('/');
  await expect(page.getByRole('heading', { name: 'Outbox' })).toBeVisible();
  for (const tab of TABS) await expect(page.getByRole('tab', { name: titled(tab) })).toBeVisible();

  await run(page, 'SendCode');
  await expect(response(page)).toContainText('PENDING');
  const card = page.getByRole('article').first();
  await expect(card).toContainText('+14155552671');
  await card.getByRole('button').click();
  await expect(card.getByRole('button')).toContainText('Copied');
  const code = await page.evaluate(() => navigator.clipboard.readText());
  expect(code).toMatch(/^\d{6}$/);

  // Filled in from the response and from the outbox.
  await expect(variables(page)).toContainText(/ver_\w+/);
  await expect(variables(page)).toContainText(code);
  await run(page, 'Watch');
  await expect(response(page)).toContainText(/SENT|DELIVERED/);
  await page.getByRole('button', { name: /^Stop query/ }).click();
  await run(page, 'Confirm');
  await expect(response(page)).toContainText('attestation');
  // The tab keeps its title after operations have run.
  await expect(page.getByRole('tab', { selected: true })).toHaveText(/^Verify a contact/);
  expect(externalRequests).toEqual([]);

  await page.screenshot({ path: 'e2e/artefacts/screenshots/graphiql-light.png' });
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.screenshot({ path: 'e2e/artefacts/screenshots/graphiql-dark.png' });
});

test('sign-up and account, with all values filled in automatically', async ({ page }) => {
  await page.goto('/');
  // Tabs can be switched after the editors have loaded.
  await expect(variables(page)).toContainText('+14155552671');
  await page.getByRole('tab', { name: titled('Sign up') }).click();
  await run(page, 'SignUpCode');
  await expect(variables(page)).toContainText(/"code":\s"\d{6}"/);
  await run(page, 'ConfirmSignUp');
  await expect(variables(page)).toContainText(/"proof":\s"[0-9a-f]{20}/);
  await run(page, 'SignUp');
  await expect(response(page)).toContainText('refreshToken');
  await page.getByRole('tab', { name: titled('Account') }).click();
  await run(page, 'Me');
  await expect(response(page)).toContainText('"lena"');
  await page.getByRole('button', { name: 'Headers' }).click();
  await expect(page.getByRole('region', { name: 'Headers' })).toContainText('Bearer ey');
  await page.screenshot({ path: 'e2e/artefacts/screenshots/graphiql-account.png' });

  await page.reload();
  for (const tab of TABS) await expect(page.getByRole('tab', { name: titled(tab) })).toBeVisible();
  await expect(page.getByRole('tab')).toHaveCount(TABS.length);
  await expect(page.getByRole('tab', { selected: true })).toHaveText(/^Account/);
});

test('headers survive a reload and are sent in connection_init', async ({ page, consoleErrors }) => {
  await page.goto('/');
  await write(page, 'Headers', '{"authorization": "Bearer stored"}');
  await page.waitForFunction(() => localStorage.getItem('graphiql:tabState')?.includes('Bearer stored'));
  await page.reload();
  await page.getByRole('button', { name: 'Headers' }).click();
  await expect(page.getByRole('region', { name: 'Headers' })).toContainText('Bearer stored');
  await expect(page.getByRole('tab', { selected: true })).toHaveText(/^Verify a contact/);
  await expect(page.getByRole('tab')).toHaveCount(TABS.length);

  const sent: unknown[] = [];
  page.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => sent.push(JSON.parse(String(payload))));
  });
  await run(page, 'Watch');
  // The token is invalid, so the socket is closed with 4403.
  await expect(response(page)).toContainText('4403');
  // GraphiQL's toolkit shows the error and also throws it.
  await expect.poll(() => consoleErrors.splice(0)).toEqual(['Socket closed with event 4403 Forbidden']);
  expect(sent).toEqual([{ type: 'connection_init', payload: { authorization: 'Bearer stored' } }]);
});
