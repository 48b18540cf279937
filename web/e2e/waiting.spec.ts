import { DELIVERED_TO, UNDELIVERED_TO } from './support/server.ts';
import { expect, test } from './support/test.ts';
import { somebody, STACKS } from './support/visitor.ts';

/** Short enough to wait for, long enough to see. */
const RESEND_COOLDOWN_SECONDS = 4;

test.use({ serverOptions: { resendCooldownSeconds: RESEND_COOLDOWN_SECONDS } });

for (const way of STACKS) {
  test.describe(`${way.client} over ${way.stream}`, () => {
    test('the service is killed and started again in the middle of a wait (FD-09)', async ({ visitor, server }) => {
      const person = somebody();
      await visitor.open(way);
      await visitor.askForSignUpCode(person);
      await expect(visitor.ledger().getByText(/^Live by/)).toBeVisible();
      const { code } = await visitor.receives(person.e164);

      await server.kill();
      await expect(visitor.page.getByText('Connection lost.')).toBeVisible();
      await server.restart();
      await expect(visitor.ledger().getByText(/^Live by/)).toBeVisible();
      await expect(visitor.page.getByText('Connection lost.')).toBeHidden();
      await visitor.codeField().fill(code ?? '');
      await expect(visitor.heading('About you')).toBeVisible();
    });

    test('a resend waits its time, and carries the same code', async ({ visitor }) => {
      const person = somebody();
      await visitor.open(way);
      await visitor.askForSignUpCode(person);
      const first = await visitor.receives(person.e164);
      await expect(visitor.page.getByRole('button', { name: /^Resend in 0:0/ })).toBeDisabled();
      await expect(visitor.page.getByRole('button', { name: 'Resend', exact: true })).toBeEnabled();
      await visitor.press('Resend');
      const second = await visitor.receives(person.e164, first);
      expect(second.code).toBe(first.code);
    });
  });
}

const [way] = STACKS;
if (!way) throw new Error('There is no way.');

test('a reload in the middle of a wait goes on where it was', async ({ visitor }) => {
  const person = somebody();
  await visitor.open(way);
  await visitor.askForSignUpCode(person);
  await visitor.page.reload();
  await expect(visitor.heading('Enter the code')).toBeVisible();
  await visitor.enterCodeSentTo(person.e164);
  await expect(visitor.heading('About you')).toBeVisible();
});

test('a reload after the code keeps the proof, and what was typed but the password', async ({ visitor }) => {
  const { page } = visitor;
  const person = somebody();
  await visitor.open(way);
  await visitor.askForSignUpCode(person);
  await visitor.enterCodeSentTo(person.e164);
  await expect(visitor.heading('About you')).toBeVisible();
  await page.getByLabel('Username').fill(person.username);
  await page.getByLabel('Password', { exact: true }).fill(person.password);
  await page.getByLabel('Date of birth').fill(person.birthDate);
  await page.reload();
  await expect(visitor.heading('About you')).toBeVisible();
  await expect(page.getByLabel('Username')).toHaveValue(person.username);
  await expect(page.getByLabel('Date of birth')).toHaveValue(person.birthDate);
  await expect(page.getByLabel('Password', { exact: true })).toHaveValue('');
  const stored = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage]));
  expect(stored).not.toContain(person.password);
  await page.getByLabel('Password', { exact: true }).fill(person.password);
  await page.getByLabel('Name', { exact: true }).fill(person.name);
  await visitor.press('Create the account');
  await visitor.seesAccount();
  expect(await page.evaluate(() => Object.keys(sessionStorage))).toEqual([]);
});

for (const stored of ['{', '5', '{"verification":{"id":"ver_1","expiresAt":"2999-01-01T00:00:00Z"}}']) {
  test(`the page begins anew where ${stored} is stored`, async ({ visitor }) => {
    const { page } = visitor;
    await page.addInitScript((value) => {
      for (const route of ['/sign-up', '/sign-in']) sessionStorage.setItem(`countersign.verification ${route}`, value);
    }, stored);
    await visitor.open(way, '/sign-up');
    await expect(visitor.heading('Create an account')).toBeVisible();
  });
}

test('no page waits for an outbox that does not answer', async ({ visitor }) => {
  const { page } = visitor;
  const person = somebody();
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/dev/outbox', async (route) => {
    await released;
    await route.abort();
  });
  await visitor.open(way);
  await visitor.askForSignUpCode(person);
  await visitor.enterCodeSentTo(person.e164);
  await expect(visitor.heading('About you')).toBeVisible();
  release();
});

test('the ledger shows when each line came in', async ({ visitor }) => {
  const { page } = visitor;
  await visitor.open(way);
  await visitor.askForSignUpCode(somebody());
  await visitor.seesStatus('SENT');
  const before = await page.evaluate(() => Date.now());
  await visitor.codeField().fill('000000');
  await expect(page.getByRole('alert')).toBeVisible();
  const last = await visitor.ledger().locator('time').last().getAttribute('datetime');
  expect(Date.parse(last ?? '')).toBeGreaterThanOrEqual(before);
});

test('the client and the transport can be changed in the middle of a wait', async ({ visitor }) => {
  const person = somebody();
  await visitor.open(way);
  await visitor.askForSignUpCode(person);
  for (const [choice, shown] of [
    ['urql', 'Live by WebSocket, through urql'],
    ['SSE', 'Live by SSE, through urql'],
    ['Apollo', 'Live by SSE, through Apollo'],
  ] as const) {
    await visitor.press('Settings');
    await visitor.choose(choice);
    await visitor.page.keyboard.press('Escape');
    await expect(visitor.ledger().getByText(shown)).toBeVisible();
  }
  await visitor.enterCodeSentTo(person.e164);
  await expect(visitor.heading('About you')).toBeVisible();
});

for (const [contact, status, told] of [
  [DELIVERED_TO, 'DELIVERED', 'Delivered'],
  [UNDELIVERED_TO, 'UNDELIVERED', 'The message did not reach you.'],
] as const) {
  test(`what the carrier says of a message is shown: ${status}`, async ({ visitor }) => {
    await visitor.open(way, '/sign-up');
    await visitor.page.getByLabel('Phone number or e-mail').fill(contact);
    await visitor.press('Send me a code');
    await visitor.seesStatus(status);
    await expect(visitor.page.getByText(told).last()).toBeVisible();
  });
}

test('five wrong codes lock the verification', async ({ visitor }) => {
  const person = somebody();
  await visitor.open(way);
  await visitor.askForSignUpCode(person);
  const { code } = await visitor.receives(person.e164);
  for (const attempt of [1, 2, 3, 4, 5]) {
    const wrong = `00000${String(attempt)}`;
    await visitor.codeField().fill(wrong === code ? '000009' : wrong);
    if (attempt < 5) await expect(visitor.page.getByRole('alert')).toContainText(`${String(5 - attempt)} attempt`);
  }
  await expect(visitor.heading('This code is no longer good')).toBeVisible();
  await expect(visitor.page.getByText('It was entered wrongly too often.')).toBeVisible();
});

test('a double click sends one message', async ({ visitor, server }) => {
  const person = somebody();
  await visitor.open(way, '/sign-up');
  await visitor.page.getByLabel('Phone number or e-mail').fill(person.phone);
  await visitor.page.getByRole('button', { name: 'Send me a code' }).dblclick();
  await visitor.seesStatus('SENT');
  const messages = await server.outbox();
  expect(messages.filter(({ to }) => to === person.e164)).toHaveLength(1);
});
