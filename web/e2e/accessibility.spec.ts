import { expectAccessible } from './support/axe.ts';
import { expect, test } from './support/test.ts';
import { somebody } from './support/visitor.ts';

const WAY = { client: 'apollo', stream: 'websocket' } as const;

for (const { name, ...use } of [
  { name: 'on a phone, in the light', viewport: { width: 360, height: 740 }, colorScheme: 'light' },
  { name: 'on a desk, in the dark', viewport: { width: 1280, height: 860 }, colorScheme: 'dark' },
] as const) {
  test.describe(name, () => {
    test.use(use);

    test('axe finds no fault with any page', async ({ visitor }) => {
      const { page } = visitor;
      const person = somebody();
      await visitor.open(WAY);
      await expectAccessible(page);
      await visitor.press('Settings');
      await expectAccessible(page);
      await page.keyboard.press('Escape');
      await page.getByRole('link', { name: 'Forgot the password?' }).click();
      await expect(visitor.heading('A new password')).toBeVisible();
      await expectAccessible(page);
      await page.getByRole('link', { name: 'Back to sign in' }).click();

      await page.getByRole('link', { name: 'Create an account' }).click();
      await page.getByLabel('Phone number or e-mail').fill('02-123-4567');
      await visitor.press('Send me a code');
      await expect(page.locator('.field-error')).toBeVisible();
      await expectAccessible(page);
      await page.getByRole('link', { name: 'Sign in' }).click();

      await visitor.askForSignUpCode(person);
      await expectAccessible(page);
      await visitor.codeField().fill('000000');
      await expect(page.getByRole('alert')).toBeVisible();
      await expectAccessible(page);
      await visitor.enterCodeSentTo(person.e164);
      await expect(visitor.heading('About you')).toBeVisible();
      await expectAccessible(page);
      await page.getByLabel('Username').fill(person.username);
      await page.getByLabel('Password', { exact: true }).fill(person.password);
      await page.getByLabel('Name', { exact: true }).fill(person.name);
      await page.getByLabel('Date of birth').fill(person.birthDate);
      await visitor.press('Create the account');
      await expect(page.getByText('This device')).toBeVisible();
      await expectAccessible(page);
      await page.getByRole('link', { name: 'Change the e-mail address' }).click();
      await expect(visitor.heading('A new e-mail address')).toBeVisible();
      await expectAccessible(page);
      await page.getByRole('link', { name: 'Back to the account' }).click();
      await page.getByRole('link', { name: 'Change the profile' }).click();
      await expect(visitor.heading('Your profile')).toBeVisible();
      await expectAccessible(page);
      await page.getByRole('link', { name: 'Back to the account' }).click();
      await page.getByRole('link', { name: 'Change the password' }).click();
      await expect(visitor.heading('Change the password')).toBeVisible();
      await expectAccessible(page);
      await page.getByRole('link', { name: 'Back to the account' }).click();
      await page.getByRole('link', { name: 'Delete the account' }).click();
      await expect(visitor.heading('Delete the account')).toBeVisible();
      await expectAccessible(page);
      await page.goto('/demo/#/undo');
      await expect(visitor.heading('Undo the change')).toBeVisible();
      await expectAccessible(page);
    });

    test('nothing is wider than the screen', async ({ visitor }) => {
      await visitor.open(WAY);
      await visitor.askForSignUpCode(somebody());
      const overflow = await visitor.page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow).toBe(0);
    });
  });
}

test('an account can be made with the keyboard alone', async ({ visitor }) => {
  const { page } = visitor;
  const { keyboard } = page;
  const person = somebody();
  const focused = page.locator(':focus');
  await visitor.open(WAY, '/sign-up');
  // The heading has the focus, so the field is one step away.
  await expect(focused).toHaveText('Create an account');
  await keyboard.press('Tab');
  await keyboard.type(person.phone);
  await keyboard.press('Enter');
  await expect(visitor.codeField()).toBeFocused();
  const { code } = await visitor.receives(person.e164);
  await keyboard.type(code ?? '');
  await expect(focused).toHaveText('About you');
  await keyboard.press('Tab');
  await keyboard.type(person.username);
  await keyboard.press('Tab');
  await keyboard.type(person.password);
  // Ended the way to show the password.
  await keyboard.press('Tab');
  await keyboard.press('Tab');
  await keyboard.type(person.name);
  await keyboard.press('Tab');
  await page.getByLabel('Date of birth').fill(person.birthDate);
  await keyboard.press('Enter');
  await visitor.seesAccount();
});

test('a screen reader is told where the message is, and what is wrong with a code', async ({ visitor }) => {
  const { page } = visitor;
  await visitor.open(WAY);
  await visitor.askForSignUpCode(somebody());
  await expect(page.getByRole('status').filter({ hasText: /^Delivery: (Sent|Delivered), by text/ })).toBeAttached();
  const field = visitor.codeField();
  await expect(field).toHaveAttribute('autocomplete', 'one-time-code');
  await expect(field).toHaveAccessibleDescription(/^6 digits/);
  await field.fill('000000');
  await expect(field).toHaveAccessibleDescription(/attempts left/);
});

test('Korean, as the browser asks for it', async ({ anotherVisitor }) => {
  const { page } = await anotherVisitor({ locale: 'ko-KR' });
  await page.goto('/demo/');
  await expect(page.getByRole('heading', { name: '로그인' })).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('lang', 'ko-KR');
  await page.getByRole('link', { name: '회원가입' }).click();
  await page.getByLabel('휴대전화 번호 또는 이메일').fill('02-123-4567');
  await page.getByRole('button', { name: '인증번호 받기' }).click();
  // The refusal is the service's own, in the language of the page.
  await expect(page.locator('.field-error')).toContainText(/휴대/);
});
