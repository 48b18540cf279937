import { setTimeout as pause } from 'node:timers/promises';

import { expect, test } from './support/test.ts';
import { phoneNumber, somebody, WAYS, type Visitor, type Way } from './support/visitor.ts';

/** The shortest that the service takes. */
const ACCESS_TOKEN_SECONDS = 60;

test.use({ serverOptions: { accessTokenSeconds: ACCESS_TOKEN_SECONDS } });
test.describe.configure({ mode: 'parallel' });

const expired = (): Promise<void> => pause((ACCESS_TOKEN_SECONDS + 1) * 1_000);

/** Signs up, waits for the token to expire in three tabs, and has each of them do something that needs one. */
async function renewInThreeTabs(way: Way, visitor: Visitor): Promise<void> {
  const context = visitor.page.context();
  await visitor.open(way);
  await visitor.signUp(somebody());
  const tabs = [visitor.page, await context.newPage(), await context.newPage()];
  for (const tab of tabs.slice(1)) {
    await tab.goto(visitor.page.url());
    await expect(tab.getByText('This device')).toBeVisible();
  }
  const renewed: string[] = [];
  for (const tab of tabs) {
    tab.on('request', (request) => {
      const body = request.postData();
      if (body?.includes('"RefreshSession"')) renewed.push(/"refreshToken":"([^"]+)"/.exec(body)?.[1] ?? body);
    });
  }
  await expired();
  await Promise.all(tabs.map((tab) => tab.getByRole('link', { name: 'Change the phone number' }).click()));
  await Promise.all(
    tabs.map(async (tab) => {
      await tab.getByLabel('New phone number').fill(phoneNumber().phone);
      await tab.getByRole('button', { name: 'Send a code' }).click();
      await expect(tab.getByRole('heading', { name: 'Enter the code' })).toBeVisible();
    }),
  );
  // On a machine so slow that the new token expires meanwhile there is a second renewal, but of another refresh token.
  expect(renewed.length, `${way.client} over ${way.stream}`).toBeGreaterThan(0);
  expect(new Set(renewed).size, `${way.client} over ${way.stream}`).toBe(renewed.length);
}

test('an expired token is renewed once for all tabs, whichever client is in them', async ({ anotherVisitor }) => {
  await Promise.all(WAYS.map(async (way) => renewInThreeTabs(way, await anotherVisitor())));
});

test('a stream that was opened signed in goes on past the end of its token', async ({ anotherVisitor }) => {
  await Promise.all(
    WAYS.map(async (way) => {
      const visitor = await anotherVisitor();
      const next = phoneNumber();
      await visitor.open(way);
      await visitor.signUp(somebody());
      await visitor.page.getByRole('link', { name: 'Change the phone number' }).click();
      await visitor.page.getByLabel('New phone number').fill(next.phone);
      await visitor.press('Send a code');
      await visitor.seesStatus('SENT');
      await expired();
      await expect(visitor.ledger().getByText(/^Live by/)).toBeVisible();
      await visitor.enterCodeSentTo(next.e164);
      await expect(visitor.page.getByText('Your phone number is changed.')).toBeVisible();
    }),
  );
});

test('signing out in one tab signs out the others', async ({ visitor, context }) => {
  await visitor.open({ client: 'apollo', stream: 'websocket' });
  await visitor.signUp(somebody());
  const other = await context.newPage();
  await other.goto(visitor.page.url());
  await expect(other.getByText('This device')).toBeVisible();
  await visitor.signOut();
  await expect(other.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});
