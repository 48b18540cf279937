import { expect, test } from './support/test.ts';
import { phoneNumber, somebody, STACKS } from './support/visitor.ts';

for (const way of STACKS) {
  test.describe(`${way.client} over ${way.stream}`, () => {
    test('sign up, see the account, sign out, sign in with the password', async ({ visitor }) => {
      const person = somebody();
      await visitor.open(way);
      await visitor.signUp(person);
      await expect(visitor.page.getByText(person.username)).toBeVisible();
      await expect(visitor.page.getByText('This device')).toBeVisible();
      await visitor.signOut();

      await visitor.signIn(person.username, 'Wrong-horse-7');
      await expect(visitor.page.getByRole('alert')).toBeVisible();
      await visitor.signIn(person.username, person.password);
      await visitor.seesAccount();
    });

    test('a code goes out in sight, and a wrong one costs an attempt', async ({ visitor }) => {
      const person = somebody();
      await visitor.open(way);
      await visitor.askForSignUpCode(person);
      await visitor.seesStatus('SENT');
      await expect(visitor.ledger().getByText(/^Live by/)).toBeVisible();

      const { code } = await visitor.receives(person.e164);
      await visitor.codeField().fill(code === '000000' ? '000001' : '000000');
      await expect(visitor.page.getByRole('alert')).toContainText('4 attempts left');
      await visitor.codeField().fill(code ?? '');
      await expect(visitor.heading('About you')).toBeVisible();
    });

    test('sign in with a code instead of a password', async ({ visitor }) => {
      const person = somebody();
      await visitor.open(way);
      await visitor.signUp(person);
      await visitor.signOut();

      const before = await visitor.receives(person.e164);
      await visitor.choose('Code');
      await visitor.page.getByLabel('Phone number or e-mail').fill(person.phone);
      await visitor.press('Send me a code');
      await visitor.receives(person.e164, before);
      await visitor.enterCodeSentTo(person.e164);
      await visitor.seesAccount();
    });

    test('a new password by name, date of birth and phone', async ({ visitor }) => {
      const person = somebody();
      await visitor.open(way);
      await visitor.signUp(person);
      await visitor.signOut();

      const before = await visitor.receives(person.e164);
      await visitor.page.getByRole('link', { name: 'Forgot the password?' }).click();
      await visitor.page.getByLabel('Name').fill(person.name);
      await visitor.page.getByLabel('Date of birth').fill(person.birthDate);
      await visitor.page.getByLabel('Phone number').fill(person.phone);
      await visitor.press('Send me a code');
      // Whether there is such an account is not for everybody to know.
      await expect(visitor.page.getByText(/^If an account fits, we sent a code to/)).toBeVisible();
      await visitor.receives(person.e164, before);
      await visitor.enterCodeSentTo(person.e164);

      await expect(visitor.heading('Choose a new password')).toBeVisible();
      await visitor.page.reload();
      await visitor.page.getByLabel('New password').fill('weak');
      await visitor.press('Save the password');
      await expect(visitor.page.getByText(/too short/)).toBeVisible();
      await visitor.page.getByLabel('New password').fill('Battery-staple-8');
      await visitor.press('Save the password');
      await expect(visitor.page.getByText('Your password is changed.')).toBeVisible();
      await visitor.signIn(person.username, person.password);
      await expect(visitor.page.getByRole('alert')).toBeVisible();
      await visitor.signIn(person.username, 'Battery-staple-8');
      await visitor.seesAccount();
    });

    test('a new phone number', async ({ visitor }) => {
      const person = somebody();
      const next = phoneNumber();
      await visitor.open(way);
      await visitor.signUp(person);
      await visitor.page.getByRole('link', { name: 'Change the phone number' }).click();
      await visitor.page.getByLabel('New phone number').fill(next.phone);
      await visitor.press('Send a code');
      await visitor.enterCodeSentTo(next.e164);
      await expect(visitor.page.getByText('Your phone number is changed.')).toBeVisible();
      await expect(visitor.page.getByText(next.phone.slice(4).replace('-', ' '))).toBeVisible();
    });

    test('a nickname, and what is wrong with another', async ({ visitor }) => {
      const { page } = visitor;
      await visitor.open(way);
      await visitor.signUp(somebody());
      await page.getByRole('link', { name: 'Change the profile' }).click();
      await expect(page.getByLabel('Name', { exact: true })).toHaveValue('홍길동');
      await page.getByLabel('Nickname').fill('x');
      await visitor.press('Save the profile');
      await expect(page.locator('.field-error')).toBeVisible();
      await expect(page.getByLabel('Nickname')).toBeFocused();
      const nickname = `Leni ${way.client} ${way.stream}`;
      await page.getByLabel('Nickname').fill(nickname);
      await visitor.press('Save the profile');
      await expect(page.getByText('Your profile is changed.')).toBeVisible();
      await expect(visitor.heading(`Hello, ${nickname}`)).toBeVisible();
    });

    test('another device is signed out from here', async ({ visitor, anotherVisitor }) => {
      const person = somebody();
      await visitor.open(way);
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
      await expect(page.getByText('You were signed out.')).toBeVisible();
    });
  });
}
