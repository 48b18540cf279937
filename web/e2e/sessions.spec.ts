import { setTimeout as pause } from 'node:timers/promises';

import type { Response } from '@playwright/test';

import { expect, test } from './support/test.ts';
import { phoneNumber, somebody, STACKS, type Visitor, type Way } from './support/visitor.ts';

/** The shortest that the service takes. */
const ACCESS_TOKEN_SECONDS = 60;

test.use({ serverOptions: { accessTokenSeconds: ACCESS_TOKEN_SECONDS } });
test.describe.configure({ mode: 'parallel' });

const expired = (): Promise<void> => pause((ACCESS_TOKEN_SECONDS + 1) * 1_000);

/** The refresh token that was sent, and its successor; null where the service was busy. */
interface Renewal {
  readonly sent: string;
  readonly answered: string | null;
}

async function renewalIn(response: Response): Promise<Renewal> {
  const token = (text: string): string | null => /"refreshToken":"([^"]+)"/.exec(text)?.[1] ?? null;
  const sent = token(response.request().postData() ?? '');
  if (sent === null) throw new Error('a renewal without a refresh token');
  return { sent, answered: token(await response.text()) };
}

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
  const renewals: Promise<Renewal>[] = [];
  for (const tab of tabs) {
    tab.on('response', (response) => {
      if (response.request().postData()?.includes('"RefreshSession"')) renewals.push(renewalIn(response));
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
  // A browser does not promise that a tab which gets the lock reads what the one before it stored. Such a tab sends the
  // same refresh token again, and the service answers the same successor: each token has one.
  const successors = new Map<string, Set<string>>();
  for (const { sent, answered } of await Promise.all(renewals)) {
    if (answered) successors.set(sent, (successors.get(sent) ?? new Set()).add(answered));
  }
  expect(successors.size, `${way.client} over ${way.stream}`).toBeGreaterThan(0);
  for (const answered of successors.values()) expect(answered.size, `${way.client} over ${way.stream}`).toBe(1);
}

test('an expired token is renewed once for all tabs, whichever client is in them', async ({ anotherVisitor }) => {
  await Promise.all(STACKS.map(async (way) => renewInThreeTabs(way, await anotherVisitor())));
});

test('a stream that was opened signed in goes on past the end of its token', async ({ anotherVisitor }) => {
  await Promise.all(
    STACKS.map(async (way) => {
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
