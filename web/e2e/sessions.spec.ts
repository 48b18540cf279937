import { setTimeout as pause } from 'node:timers/promises';

import type { Response } from '@playwright/test';

import { expect, test } from './support/test.ts';
import { newPerson, phoneNumber, STACKS, type StackVariant, type Visitor } from './support/visitor.ts';

/** The minimum that the service accepts. */
const ACCESS_TOKEN_SECONDS = 60;

test.use({ serverOptions: { accessTokenSeconds: ACCESS_TOKEN_SECONDS } });
test.describe.configure({ mode: 'parallel' });

const expired = (): Promise<void> => pause((ACCESS_TOKEN_SECONDS + 1) * 1_000);

/** The refresh token that was sent, and its successor; null if the service was unavailable. */
interface Renewal {
  readonly sent: string;
  readonly successor: string | null;
}

async function renewalIn(response: Response): Promise<Renewal> {
  const token = (text: string): string | null => /"refreshToken":"([^"]+)"/.exec(text)?.[1] ?? null;
  const sent = token(response.request().postData() ?? '');
  if (sent === null) throw new Error('The refresh request has no refresh token.');
  return { sent, successor: token(await response.text()) };
}

/**
 * Signs up, opens three tabs, waits until the access token has expired, and starts an operation in each tab. Returns the number
 * of refresh requests and of tabs.
 */
async function renewInThreeTabs(variant: StackVariant, visitor: Visitor): Promise<{ requests: number; tabs: number }> {
  const context = visitor.page.context();
  await visitor.open(variant);
  await visitor.signUp(newPerson());
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
  await Promise.all(tabs.map((tab) => tab.getByRole('link', { name: 'Change phone number' }).click()));
  await Promise.all(
    tabs.map(async (tab) => {
      await tab.getByLabel('New phone number').fill(phoneNumber().phone);
      await tab.getByRole('button', { name: 'Send code' }).click();
      await expect(tab.getByRole('heading', { name: 'Enter the code' })).toBeVisible();
    }),
  );
  // Browsers do not guarantee that the next holder of the lock reads the latest stored value. Such a tab sends the same refresh
  // token again, and the service returns the same successor: each token has exactly one.
  const successors = new Map<string, Set<string>>();
  for (const { sent, successor } of await Promise.all(renewals)) {
    if (successor) successors.set(sent, (successors.get(sent) ?? new Set()).add(successor));
  }
  expect(successors.size, `${variant.client} over ${variant.stream}`).toBeGreaterThan(0);
  for (const successor of successors.values())
    expect(successor.size, `${variant.client} over ${variant.stream}`).toBe(1);
  return { requests: renewals.length, tabs: tabs.length };
}

test('an expired token is renewed once for all tabs', async ({ anotherVisitor }) => {
  const counts = await Promise.all(STACKS.map(async (variant) => renewInThreeTabs(variant, await anotherVisitor())));
  // If tabs did not share tokens, each would send a request of its own.
  const total = (count: 'requests' | 'tabs'): number => counts.reduce((sum, each) => sum + each[count], 0);
  expect(total('requests')).toBeLessThan(total('tabs'));
});

test('an authenticated stream continues after its token has expired', async ({ anotherVisitor }) => {
  await Promise.all(
    STACKS.map(async (variant) => {
      const visitor = await anotherVisitor();
      const next = phoneNumber();
      await visitor.open(variant);
      await visitor.signUp(newPerson());
      await visitor.page.getByRole('link', { name: 'Change phone number' }).click();
      await visitor.page.getByLabel('New phone number').fill(next.phone);
      await visitor.press('Send code');
      await visitor.expectStatus('SENT');
      await expired();
      await expect(visitor.statusHistory().getByText(/^Live over/)).toBeVisible();
      await visitor.enterCodeSentTo(next.e164);
      await expect(visitor.page.getByText('Your phone number has been changed.')).toBeVisible();
    }),
  );
});

test('signing out in one tab signs out the others', async ({ visitor, context }) => {
  await visitor.open({ client: 'apollo', stream: 'websocket' });
  await visitor.signUp(newPerson());
  const other = await context.newPage();
  await other.goto(visitor.page.url());
  await expect(other.getByText('This device')).toBeVisible();
  await visitor.signOut();
  await expect(other.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});
