import { expectAccessible } from './support/axe.ts';
import { expect, test } from './support/test.ts';
import { newPerson } from './support/visitor.ts';

const VARIANT = { client: 'apollo', stream: 'websocket' } as const;

for (const { name, ...use } of [
  { name: 'phone, light', viewport: { width: 360, height: 740 }, colorScheme: 'light' },
  { name: 'desktop, dark', viewport: { width: 1280, height: 860 }, colorScheme: 'dark' },
] as const) {
  test.describe(name, () => {
    test.use(use);

    test('axe reports no violations on any page', async ({ visitor }) => {
      const { page } = visitor;
      const person = newPerson();
      await visitor.open(VARIANT);
      await expectAccessible(page);
      await visitor.press('Settings');
      await expectAccessible(page);
      await page.keyboard.press('Escape');
      await page.getByRole('link', { name: 'Forgot your password?' }).click();
      await expect(visitor.heading('Reset your password')).toBeVisible();
      await expectAccessible(page);
      await page.getByRole('link', { name: 'Back to sign in' }).click();

      await page.getByRole('link', { name: 'Create an account' }).click();
      await page.getByLabel('Phone number or e-mail').fill('02-123-4567');
      await visitor.press('Send code');
      await expect(page.locator('.field-error')).toBeVisible();
      await expectAccessible(page);
      await page.getByRole('link', { name: 'Sign in' }).click();

      await visitor.askForSignUpCode(person);
      await expectAccessible(page);
      await visitor.codeField().fill('000000');
      await expect(page.getByRole('alert')).toBeVisible();
      await expectAccessible(page);
      await visitor.enterCodeSentTo(person.e164);
      await expect(visitor.heading('Your details')).toBeVisible();
      await expectAccessible(page);
      await page.getByLabel('Username').fill(person.username);
      await page.getByLabel('Password', { exact: true }).fill(person.password);
      await page.getByLabel('Name', { exact: true }).fill(person.name);
      await page.getByLabel('Date of birth').fill(person.birthDate);
      await visitor.press('Create account');
      await expect(page.getByText('This device')).toBeVisible();
      await expectAccessible(page);
      await page.getByRole('link', { name: 'Change e-mail address' }).click();
      await expect(visitor.heading('New e-mail address')).toBeVisible();
      await expectAccessible(page);
      await page.getByRole('link', { name: 'Back to account' }).click();
      await page.getByRole('link', { name: 'Change profile' }).click();
      await expect(visitor.heading('Edit profile')).toBeVisible();
      await expectAccessible(page);
      await page.getByRole('link', { name: 'Back to account' }).click();
      await page.getByRole('link', { name: 'Change password' }).click();
      await expect(visitor.heading('Change password')).toBeVisible();
      await expectAccessible(page);
      await page.getByRole('link', { name: 'Back to account' }).click();
      await page.getByRole('link', { name: 'Delete account' }).click();
      await expect(visitor.heading('Delete account')).toBeVisible();
      await expectAccessible(page);
      await page.goto('/demo/#/undo');
      await expect(visitor.heading('Undo contact change')).toBeVisible();
      await expectAccessible(page);
    });

    test('the page does not overflow horizontally', async ({ visitor }) => {
      await visitor.open(VARIANT);
      await visitor.askForSignUpCode(newPerson());
      const overflow = await visitor.page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow).toBe(0);
    });
  });
}

test('sign-up works with the keyboard only', async ({ visitor }) => {
  const { page } = visitor;
  const { keyboard } = page;
  const person = newPerson();
  const focused = page.locator(':focus');
  await visitor.open(VARIANT, '/sign-up');
  // The heading has the focus, so the field is the next tab stop.
  await expect(focused).toHaveText('Create an account');
  await keyboard.press('Tab');
  await keyboard.type(person.phone);
  await keyboard.press('Enter');
  await expect(visitor.codeField()).toBeFocused();
  const { code } = await visitor.waitForMessage(person.e164);
  await keyboard.type(code ?? '');
  await expect(focused).toHaveText('Your details');
  await keyboard.press('Tab');
  await keyboard.type(person.username);
  await keyboard.press('Tab');
  await keyboard.type(person.password);
  // Skip the button that shows the password.
  await keyboard.press('Tab');
  await keyboard.press('Tab');
  await keyboard.type(person.name);
  await keyboard.press('Tab');
  await page.getByLabel('Date of birth').fill(person.birthDate);
  await keyboard.press('Enter');
  await visitor.expectAccount();
});

test('screen readers announce the delivery status and code errors', async ({ visitor }) => {
  const { page } = visitor;
  await visitor.open(VARIANT);
  await visitor.askForSignUpCode(newPerson());
  await expect(page.getByRole('status').filter({ hasText: /^Delivery: (Sent|Delivered), by text/ })).toBeAttached();
  const field = visitor.codeField();
  await expect(field).toHaveAttribute('autocomplete', 'one-time-code');
  await expect(field).toHaveAccessibleDescription(/^6 digits/);
  await field.fill('000000');
  await expect(field).toHaveAccessibleDescription(/attempts left/);
});

test('the language follows the browser locale (Korean)', async ({ anotherVisitor }) => {
  const { page } = await anotherVisitor({ locale: 'ko-KR' });
  await page.goto('/demo/');
  await expect(page.getByRole('heading', { name: '로그인' })).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('lang', 'ko-KR');
  await page.getByRole('link', { name: '회원가입' }).click();
  await page.getByLabel('휴대전화 번호 또는 이메일').fill('02-123-4567');
  await page.getByRole('button', { name: '인증번호 받기' }).click();
  // The message of the refusal comes from the service, in the language of the page.
  await expect(page.locator('.field-error')).toContainText(/휴대/);
});
