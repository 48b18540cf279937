import { expect, test } from './support/test.ts';
import { somebody, WAYS } from './support/visitor.ts';

const ACCESS_TOKEN_SECONDS = 4;

test.use({ serverOptions: { accessTokenSeconds: ACCESS_TOKEN_SECONDS } });

for (const way of WAYS) {
  test(`an expired token is renewed once for all tabs: ${way.client} over ${way.stream}`, async ({
    visitor,
    context,
  }) => {
    const renewals: number[] = [];
    await visitor.open(way);
    await visitor.signUp(somebody());
    const tabs = [visitor.page, await context.newPage(), await context.newPage()];
    for (const tab of tabs.slice(1)) {
      await tab.goto(visitor.page.url());
      await expect(tab.getByText('This device')).toBeVisible();
    }
    for (const tab of tabs) {
      tab.on('request', (request) => {
        if (request.postData()?.includes('"RefreshSession"')) renewals.push(Date.now());
      });
    }
    await visitor.page.waitForTimeout(ACCESS_TOKEN_SECONDS * 1_000);
    // Each of them asks for something that needs the token, at once.
    await Promise.all(tabs.map((tab) => tab.getByRole('link', { name: 'Change the phone number' }).click()));
    await Promise.all(
      tabs.map(async (tab, index) => {
        await tab.getByLabel('New phone number').fill(`010-2222-333${String(index)}`);
        await tab.getByRole('button', { name: 'Send a code' }).click();
        await expect(tab.getByRole('heading', { name: 'Enter the code' })).toBeVisible();
      }),
    );
    expect(renewals).toHaveLength(1);
  });
}

test('signing out in one tab signs out the others', async ({ visitor, context }) => {
  await visitor.open({ client: 'apollo', stream: 'websocket' });
  await visitor.signUp(somebody());
  const other = await context.newPage();
  await other.goto(visitor.page.url());
  await expect(other.getByText('This device')).toBeVisible();
  await visitor.signOut();
  await expect(other.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});

test('a stream that was opened signed in goes on past the end of its token', async ({ visitor }) => {
  await visitor.open({ client: 'urql', stream: 'sse' });
  await visitor.signUp(somebody());
  await visitor.page.getByRole('link', { name: 'Change the phone number' }).click();
  await visitor.page.getByLabel('New phone number').fill('010-4444-5555');
  await visitor.press('Send a code');
  await visitor.seesStatus('SENT');
  await visitor.page.waitForTimeout((ACCESS_TOKEN_SECONDS + 1) * 1_000);
  await expect(visitor.ledger().getByText(/^Live by/)).toBeVisible();
  await visitor.enterCodeSentTo('+821044445555');
  await expect(visitor.page.getByText('Your phone number is changed.')).toBeVisible();
});
