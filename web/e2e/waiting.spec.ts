import { DELIVERED_TO, UNDELIVERED_TO } from './support/server.ts';
import { expect, test } from './support/test.ts';
import { newPerson, STACKS } from './support/visitor.ts';

/** Long enough to observe the countdown. */
const RESEND_COOLDOWN_SECONDS = 4;

test.use({ serverOptions: { resendCooldownSeconds: RESEND_COOLDOWN_SECONDS } });

for (const variant of STACKS) {
  test.describe(`${variant.client} over ${variant.stream}`, () => {
    test('the page reconnects after the service was killed and restarted (FD-09)', async ({ visitor, server }) => {
      const person = newPerson();
      await visitor.open(variant);
      await visitor.askForSignUpCode(person);
      await expect(visitor.statusHistory().getByText(/^Live over/)).toBeVisible();
      const { code } = await visitor.waitForMessage(person.e164);

      await server.kill();
      await expect(visitor.page.getByText('Connection lost.')).toBeVisible();
      await server.restart();
      await expect(visitor.statusHistory().getByText(/^Live over/)).toBeVisible();
      await expect(visitor.page.getByText('Connection lost.')).toBeHidden();
      await visitor.codeField().fill(code ?? '');
      await expect(visitor.heading('Your details')).toBeVisible();
    });

    test('a resend is possible after the cooldown and contains the same code', async ({ visitor }) => {
      const person = newPerson();
      await visitor.open(variant);
      await visitor.askForSignUpCode(person);
      const first = await visitor.waitForMessage(person.e164);
      await expect(visitor.page.getByRole('button', { name: /^Resend in 0:0/ })).toBeDisabled();
      await expect(visitor.page.getByRole('button', { name: 'Resend', exact: true })).toBeEnabled();
      await visitor.press('Resend');
      const second = await visitor.waitForMessage(person.e164, first);
      expect(second.code).toBe(first.code);
    });
  });
}

const [variant] = STACKS;
if (!variant) throw new Error('There is no variant.');

test('a reload resumes a pending verification', async ({ visitor }) => {
  const person = newPerson();
  await visitor.open(variant);
  await visitor.askForSignUpCode(person);
  await visitor.page.reload();
  await expect(visitor.heading('Enter the code')).toBeVisible();
  await visitor.enterCodeSentTo(person.e164);
  await expect(visitor.heading('Your details')).toBeVisible();
});

test('a reload after the confirmation keeps the proof and the input except the password', async ({ visitor }) => {
  const { page } = visitor;
  const person = newPerson();
  await visitor.open(variant);
  await visitor.askForSignUpCode(person);
  await visitor.enterCodeSentTo(person.e164);
  await expect(visitor.heading('Your details')).toBeVisible();
  await page.getByLabel('Username').fill(person.username);
  await page.getByLabel('Password', { exact: true }).fill(person.password);
  await page.getByLabel('Date of birth').fill(person.birthDate);
  await page.reload();
  await expect(visitor.heading('Your details')).toBeVisible();
  await expect(page.getByLabel('Username')).toHaveValue(person.username);
  await expect(page.getByLabel('Date of birth')).toHaveValue(person.birthDate);
  await expect(page.getByLabel('Password', { exact: true })).toHaveValue('');
  const stored = await page.evaluate(() => JSON.stringify([localStorage, sessionStorage]));
  expect(stored).not.toContain(person.password);
  await page.getByLabel('Password', { exact: true }).fill(person.password);
  await page.getByLabel('Name', { exact: true }).fill(person.name);
  await visitor.press('Create account');
  await visitor.expectAccount();
  expect(await page.evaluate(() => Object.keys(sessionStorage))).toEqual([]);
});

for (const stored of ['{', '5', '{"verification":{"id":"ver_1","expiresAt":"2999-01-01T00:00:00Z"}}']) {
  test(`the page starts over if ${stored} is stored`, async ({ visitor }) => {
    const { page } = visitor;
    await page.addInitScript((value) => {
      for (const route of ['/sign-up', '/sign-in']) sessionStorage.setItem(`countersign.verification ${route}`, value);
    }, stored);
    await visitor.open(variant, '/sign-up');
    await expect(visitor.heading('Create an account')).toBeVisible();
  });
}

test('pages do not wait for an unresponsive outbox', async ({ visitor }) => {
  const { page } = visitor;
  const person = newPerson();
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.route('**/dev/outbox', async (route) => {
    await released;
    await route.abort();
  });
  await visitor.open(variant);
  await visitor.askForSignUpCode(person);
  await visitor.enterCodeSentTo(person.e164);
  await expect(visitor.heading('Your details')).toBeVisible();
  release();
});

test('the status history shows when each snapshot was received', async ({ visitor }) => {
  const { page } = visitor;
  await visitor.open(variant);
  await visitor.askForSignUpCode(newPerson());
  await visitor.expectStatus('SENT');
  const before = await page.evaluate(() => Date.now());
  await visitor.codeField().fill('000000');
  await expect(page.getByRole('alert')).toBeVisible();
  const last = await visitor.statusHistory().locator('time').last().getAttribute('datetime');
  expect(Date.parse(last ?? '')).toBeGreaterThanOrEqual(before);
});

test('the client and the transport can be changed during a verification', async ({ visitor }) => {
  const person = newPerson();
  await visitor.open(variant);
  await visitor.askForSignUpCode(person);
  for (const [choice, shown] of [
    ['urql', 'Live over WebSocket with urql'],
    ['SSE', 'Live over SSE with urql'],
    ['Apollo', 'Live over SSE with Apollo'],
  ] as const) {
    await visitor.press('Settings');
    await visitor.choose(choice);
    await visitor.page.keyboard.press('Escape');
    await expect(visitor.statusHistory().getByText(shown)).toBeVisible();
  }
  await visitor.enterCodeSentTo(person.e164);
  await expect(visitor.heading('Your details')).toBeVisible();
});

for (const [contact, status, shownTexts] of [
  [DELIVERED_TO, 'DELIVERED', ['Delivered']],
  [UNDELIVERED_TO, 'UNDELIVERED', ['The message was not delivered. Check the contact', ': recipient not reached']],
] as const) {
  test(`the delivery status is shown: ${status}`, async ({ visitor }) => {
    await visitor.open(variant, '/sign-up');
    await visitor.page.getByLabel('Phone number or e-mail').fill(contact);
    await visitor.press('Send code');
    await visitor.expectStatus(status);
    for (const text of shownTexts) await expect(visitor.page.getByText(text).last()).toBeVisible();
  });
}

test('five wrong codes lock the verification', async ({ visitor }) => {
  const person = newPerson();
  await visitor.open(variant);
  await visitor.askForSignUpCode(person);
  const { code } = await visitor.waitForMessage(person.e164);
  for (const attempt of [1, 2, 3, 4, 5]) {
    const wrong = `00000${String(attempt)}`;
    await visitor.codeField().fill(wrong === code ? '000009' : wrong);
    if (attempt < 5) await expect(visitor.page.getByRole('alert')).toContainText(`${String(5 - attempt)} attempt`);
  }
  await expect(visitor.heading('This code is no longer valid')).toBeVisible();
  await expect(visitor.page.getByText('Too many attempts.')).toBeVisible();
});

test('a double click sends one message', async ({ visitor, server }) => {
  const person = newPerson();
  await visitor.open(variant, '/sign-up');
  await visitor.page.getByLabel('Phone number or e-mail').fill(person.phone);
  await visitor.page.getByRole('button', { name: 'Send code' }).dblclick();
  await visitor.expectStatus('SENT');
  const messages = await server.outbox();
  expect(messages.filter(({ to }) => to === person.e164)).toHaveLength(1);
});
