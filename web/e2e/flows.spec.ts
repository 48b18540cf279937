import { expect, test } from './support/test.ts';
import { newPerson, phoneNumber, STACKS } from './support/visitor.ts';

for (const variant of STACKS) {
  test.describe(`${variant.client} over ${variant.stream}`, () => {
    test('sign up, view the account, sign out, sign in with the password', async ({ visitor }) => {
      const person = newPerson();
      await visitor.open(variant);
      await visitor.signUp(person);
      await expect(visitor.page.getByText(person.username)).toBeVisible();
      await expect(visitor.page.getByText('This device')).toBeVisible();
      await visitor.signOut();

      await visitor.signIn(person.username, 'Wrong-horse-7');
      await expect(visitor.page.getByRole('alert')).toBeVisible();
      await visitor.signIn(person.username, person.password);
      await visitor.expectAccount();
    });

    test('delivery is shown live, and a wrong code uses an attempt', async ({ visitor }) => {
      const person = newPerson();
      await visitor.open(variant);
      await visitor.askForSignUpCode(person);
      await visitor.expectStatus('SENT');
      await expect(visitor.statusHistory().getByText(/^Live over/)).toBeVisible();

      const { code } = await visitor.waitForMessage(person.e164);
      await visitor.codeField().fill(code === '000000' ? '000001' : '000000');
      await expect(visitor.page.getByRole('alert')).toContainText('4 attempts left');
      await visitor.codeField().fill(code ?? '');
      await expect(visitor.heading('Your details')).toBeVisible();
    });

    test('sign in with a code', async ({ visitor }) => {
      const person = newPerson();
      await visitor.open(variant);
      await visitor.signUp(person);
      await visitor.signOut();

      const before = await visitor.waitForMessage(person.e164);
      await visitor.choose('Code');
      await visitor.page.getByLabel('Phone number or e-mail').fill(person.phone);
      await visitor.press('Send code');
      await visitor.waitForMessage(person.e164, before);
      await visitor.enterCodeSentTo(person.e164);
      await visitor.expectAccount();
    });

    test('reset the password by name, date of birth and phone', async ({ visitor }) => {
      const person = newPerson();
      await visitor.open(variant);
      await visitor.signUp(person);
      await visitor.signOut();

      const before = await visitor.waitForMessage(person.e164);
      await visitor.page.getByRole('link', { name: 'Forgot your password?' }).click();
      await visitor.page.getByLabel('Name').fill(person.name);
      await visitor.page.getByLabel('Date of birth').fill(person.birthDate);
      await visitor.page.getByLabel('Phone number').fill(person.phone);
      await visitor.press('Send code');
      // The page does not disclose whether the account exists.
      await expect(visitor.page.getByText(/^If an account matches, we sent a code to/)).toBeVisible();
      await visitor.waitForMessage(person.e164, before);
      await visitor.enterCodeSentTo(person.e164);

      await expect(visitor.heading('Choose a new password')).toBeVisible();
      await visitor.page.reload();
      await visitor.page.getByLabel('New password').fill('weak');
      await visitor.press('Save password');
      await expect(visitor.page.getByText(/too short/)).toBeVisible();
      await visitor.page.getByLabel('New password').fill('Battery-staple-8');
      await visitor.press('Save password');
      await expect(visitor.page.getByText('Your password has been changed.')).toBeVisible();
      await visitor.signIn(person.username, person.password);
      await expect(visitor.page.getByRole('alert')).toBeVisible();
      await visitor.signIn(person.username, 'Battery-staple-8');
      await visitor.expectAccount();
    });

    test('change the phone number', async ({ visitor }) => {
      const person = newPerson();
      const next = phoneNumber();
      await visitor.open(variant);
      await visitor.signUp(person);
      await visitor.page.getByRole('link', { name: 'Change phone number' }).click();
      await visitor.page.getByLabel('New phone number').fill(next.phone);
      await visitor.press('Send code');
      await visitor.enterCodeSentTo(next.e164);
      await expect(visitor.page.getByText('Your phone number has been changed.')).toBeVisible();
      await expect(visitor.page.getByText(next.phone.slice(4).replace('-', ' '))).toBeVisible();
    });

    test('change the nickname, with an error for an invalid one', async ({ visitor }) => {
      const { page } = visitor;
      await visitor.open(variant);
      await visitor.signUp(newPerson());
      await page.getByRole('link', { name: 'Change profile' }).click();
      await expect(page.getByLabel('Name', { exact: true })).toHaveValue('홍길동');
      await page.getByLabel('Nickname').fill('x');
      await visitor.press('Save profile');
      await expect(page.locator('.field-error')).toBeVisible();
      await expect(page.getByLabel('Nickname')).toBeFocused();
      const nickname = `Leni ${variant.client} ${variant.stream}`;
      await page.getByLabel('Nickname').fill(nickname);
      await visitor.press('Save profile');
      await expect(page.getByText('Your profile has been updated.')).toBeVisible();
      await expect(visitor.heading(`Hello, ${nickname}`)).toBeVisible();
    });

    test('sign out another device', async ({ visitor, anotherVisitor }) => {
      const person = newPerson();
      await visitor.open(variant);
      await visitor.signUp(person);

      const { page } = await anotherVisitor({ userAgent: 'Mozilla/5.0 (iPhone) Safari/604.1' });
      await page.goto('/demo/?language=en');
      await page.getByLabel('Username, e-mail or phone').fill(person.username);
      await page.getByLabel('Password', { exact: true }).last().fill(person.password);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await expect(page.getByText('This device')).toBeVisible();

      await visitor.page.reload();
      await visitor.press('Sign out Safari · iOS');
      await expect(visitor.page.getByText('Safari · iOS')).toBeHidden();
      await page.reload();
      await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
      await expect(page.getByText('You have been signed out.')).toBeVisible();
    });
  });
}
