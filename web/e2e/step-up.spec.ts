import type { Locator } from '@playwright/test';

import { expectAccessible } from './support/axe.ts';
import { expect, test } from './support/test.ts';
import { newPerson, phoneNumber, type Person, type StackVariant, type Visitor } from './support/visitor.ts';

/** No sign-in counts as recent, so sensitive operations always need a reauthentication. */
test.use({ serverOptions: { reauthMaxAgeSeconds: 0 } });

const VARIANT = { client: 'apollo', stream: 'websocket' } as const;
/** Each client and each transport once. */
const CLIENTS: readonly StackVariant[] = [VARIANT, { client: 'urql', stream: 'sse' }];

async function askForNewPhone({ page }: Visitor, phone: string): Promise<void> {
  await page.getByRole('link', { name: 'Change phone number' }).click();
  await page.getByLabel('New phone number').fill(phone);
  await page.getByRole('button', { name: 'Send code' }).click();
}

/** Creates an account with a verified phone number and a verified e-mail address. */
async function withBothContacts(visitor: Visitor): Promise<Person & { readonly email: string }> {
  const person = newPerson();
  const email = `${person.username}@example.com`;
  await visitor.server.createUser({ ...person, email });
  await visitor.open(VARIANT);
  await visitor.signIn(person.username, person.password);
  await visitor.expectAccount();
  return { ...person, email };
}

for (const variant of CLIENTS) {
  test.describe(`${variant.client} over ${variant.stream}`, () => {
    test('changing the phone number prompts for the password once', async ({ visitor }) => {
      const person = newPerson();
      const next = phoneNumber();
      await visitor.open(variant);
      await visitor.signUp(person);
      await askForNewPhone(visitor, next.phone);

      await visitor.confirmByPassword('Wrong-horse-7');
      await expect(visitor.dialog().getByText('Incorrect password.')).toBeVisible();
      // No message is sent before the reauthentication.
      expect(await visitor.newest(next.e164)).toBeUndefined();
      await visitor.confirmByPassword(person.password);
      await visitor.enterCodeSentTo(next.e164);
      await expect(visitor.page.getByText('Your phone number has been changed.')).toBeVisible();
    });

    test('changing the phone number accepts a code to the old number', async ({ visitor }) => {
      const person = newPerson();
      const next = phoneNumber();
      await visitor.open(variant);
      await visitor.signUp(person);
      await askForNewPhone(visitor, next.phone);
      await visitor.confirmByCode('Phone', person.e164);
      await expect(visitor.heading('Enter the code')).toBeVisible();
      await visitor.enterCodeSentTo(next.e164);
      await expect(visitor.page.getByText('Your phone number has been changed.')).toBeVisible();
    });

    test('deleting the account accepts the password', async ({ visitor }) => {
      const person = newPerson();
      await visitor.open(variant);
      await visitor.signUp(person);
      await deleteAccount(visitor);
      await visitor.confirmByPassword(person.password);
      await expect(visitor.page.getByText('Your account has been deleted.')).toBeVisible();
      await visitor.signIn(person.username, person.password);
      await expect(visitor.page.getByRole('alert')).toBeVisible();
    });

    test('deleting the account accepts a code', async ({ visitor }) => {
      const person = newPerson();
      await visitor.open(variant);
      await visitor.signUp(person);
      await deleteAccount(visitor);
      await visitor.confirmByCode('Phone', person.e164);
      await expect(visitor.page.getByText('Your account has been deleted.')).toBeVisible();
    });

    test('changing the password needs the current one', async ({ visitor }) => {
      const person = newPerson();
      await visitor.open(variant);
      await visitor.signUp(person);
      await visitor.page.getByRole('link', { name: 'Change password' }).click();
      await visitor.page.getByLabel('Current password', { exact: true }).fill(person.password);
      await visitor.page.getByLabel('New password', { exact: true }).fill('Battery-staple-8');
      await visitor.press('Save password');
      await expect(visitor.page.getByText('Your password has been changed.')).toBeVisible();
      await visitor.signOut();
      await visitor.signIn(person.username, 'Battery-staple-8');
      await visitor.expectAccount();
    });

    test('the old number can undo a change after confirmation by the other contact', async ({
      visitor,
      anotherVisitor,
    }) => {
      const person = await withBothContacts(visitor);
      const next = phoneNumber();
      await askForNewPhone(visitor, next.phone);
      await visitor.confirmByPassword(person.password);
      await visitor.enterCodeSentTo(next.e164);
      await expect(visitor.page.getByText('Your phone number has been changed.')).toBeVisible();

      const owner = await anotherVisitor();
      await owner.openUndoLink(person.e164, variant);
      const before = await owner.newest(person.email);
      await owner.press('Undo change');
      await expect(owner.page.getByText('Please confirm your identity with your other contact')).toBeVisible();
      await owner.waitForMessage(person.email, before);
      await owner.enterCodeSentTo(person.email);
      await expect(owner.page.getByText('your previous contact has been restored')).toBeVisible();

      await visitor.page.reload();
      await expect(visitor.page.getByText('You have been signed out.')).toBeVisible();
    });

    test('the old number can undo a change without another contact', async ({ visitor, anotherVisitor }) => {
      const person = newPerson();
      const next = phoneNumber();
      await visitor.open(variant);
      await visitor.signUp(person);
      await askForNewPhone(visitor, next.phone);
      await visitor.confirmByPassword(person.password);
      await visitor.enterCodeSentTo(next.e164);
      await expect(visitor.page.getByText('Your phone number has been changed.')).toBeVisible();

      const owner = await anotherVisitor();
      await owner.openUndoLink(person.e164, variant);
      await owner.press('Undo change');
      await expect(owner.page.getByText('your previous contact has been restored')).toBeVisible();
      // The link works once.
      await owner.openUndoLink(person.e164, variant);
      await owner.press('Undo change');
      await expect(owner.page.getByRole('alert')).toBeVisible();
    });
  });
}

async function deleteAccount(visitor: Visitor): Promise<void> {
  await visitor.page.getByRole('link', { name: 'Delete account' }).click();
  await visitor.page.getByRole('checkbox').check();
  await visitor.press('Delete account');
}

test('deletion is refused while a contact change can be undone', async ({ visitor }) => {
  const person = await withBothContacts(visitor);
  const next = phoneNumber();
  await askForNewPhone(visitor, next.phone);
  await visitor.confirmByPassword(person.password);
  await visitor.enterCodeSentTo(next.e164);
  await expect(visitor.page.getByText('Your phone number has been changed.')).toBeVisible();
  await deleteAccount(visitor);
  await expect(visitor.page.getByRole('alert')).toContainText('You can delete your account from');
});

test('the dialog traps the focus, closes on Escape, and restores the focus', async ({ visitor }) => {
  const { page } = visitor;
  const { keyboard } = page;
  await visitor.open(VARIANT);
  await visitor.signUp(newPerson());
  await page.getByRole('link', { name: 'Change e-mail address' }).click();
  await page.getByLabel('New e-mail address').fill('next@example.com');
  await page.getByRole('button', { name: 'Send code' }).focus();
  await keyboard.press('Enter');

  const dialog = visitor.dialog();
  await expect(dialog.getByLabel('Password', { exact: true }).last()).toBeFocused();
  await expect(dialog).toHaveAccessibleDescription(/You signed in a while ago/);
  await expectAccessible(page);
  for (let presses = 0; presses < 8; presses += 1) {
    await keyboard.press('Tab');
    expect(await isBehind(dialog)).toBe(false);
  }
  await keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(page.getByRole('button', { name: 'Send code' })).toBeFocused();
  await expect(page.getByRole('alert')).toBeVisible();

  // Keyboard only: arrow keys select the method.
  await keyboard.press('Enter');
  await expect(dialog.getByLabel('Password', { exact: true }).last()).toBeFocused();
  await keyboard.press('Shift+Tab');
  await keyboard.press('ArrowRight');
  await expect(dialog.getByRole('radio', { name: 'Phone' })).toBeChecked();
  await keyboard.press('Tab');
  await keyboard.press('Enter');
  await expect(visitor.codeField()).toBeFocused();
  await expectAccessible(page);
});

/** Whether the focus is on the page behind the dialog. While it wraps around, `activeElement` is the body. */
function isBehind(dialog: Locator): Promise<boolean> {
  return dialog.evaluate((element) => {
    const { activeElement, body } = document;
    return activeElement !== body && !element.contains(activeElement);
  });
}
