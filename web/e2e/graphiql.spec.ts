import type { Locator, Page } from '@playwright/test';

import { expect, test } from './support/test.ts';

const TABS = ['Verify a contact', 'Sign up', 'Sign in', 'Reset the password', 'Account'] as const;

const titled = (tab: string): RegExp => new RegExp(`^${tab}( Close Tab)?$`);
const response = (page: Page): Locator => page.locator('.graphiql-response');
const variables = (page: Page): Locator => page.getByRole('region', { name: 'Variables' });

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
  for (const tab of TABS) await expect(page.getByRole('tab', { name: titled(tab) })).toBeVisible();

  await run(page, 'SendCode');
  await expect(response(page)).toContainText('PENDING');
  const card = page.getByRole('article').first();
  await expect(card).toContainText('+14155552671');
  await card.getByRole('button').click();
  await expect(card.getByRole('button')).toContainText('Copied');
  const code = await page.evaluate(() => navigator.clipboard.readText());
  expect(code).toMatch(/^\d{6}$/);

  // Filled in, from the answer and from the outbox.
  await expect(variables(page)).toContainText(/ver_\w+/);
  await expect(variables(page)).toContainText(code);
  await run(page, 'Watch');
  await expect(response(page)).toContainText(/SENT|DELIVERED/);
  await page.getByRole('button', { name: /^Stop query/ }).click();
  await run(page, 'Confirm');
  await expect(response(page)).toContainText('attestation');
  // Whichever operation ran last.
  await expect(page.getByRole('tab', { selected: true })).toHaveText(/^Verify a contact/);
  expect(elsewhere).toEqual([]);

  await page.screenshot({ path: 'e2e/artefacts/looks/graphiql-light.png' });
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.screenshot({ path: 'e2e/artefacts/looks/graphiql-dark.png' });
});

test('an account, from its code to its devices, with nothing copied by hand', async ({ page }) => {
  await page.goto('/');
  // Tabs can be changed once the editors are there.
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
  await page.screenshot({ path: 'e2e/artefacts/looks/graphiql-account.png' });

  await page.reload();
  for (const tab of TABS) await expect(page.getByRole('tab', { name: titled(tab) })).toBeVisible();
  await expect(page.getByRole('tab')).toHaveCount(TABS.length);
  await expect(page.getByRole('tab', { selected: true })).toHaveText(/^Account/);
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
  await expect(page.getByRole('tab', { selected: true })).toHaveText(/^Verify a contact/);
  await expect(page.getByRole('tab')).toHaveCount(TABS.length);

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
