import type { Locator } from '@playwright/test';

import { expectAccessible } from './support/axe.ts';
import { expect, test } from './support/test.ts';
import { phoneNumber, somebody, type Person, type Visitor, type Way } from './support/visitor.ts';

/** No sign-in is recent, so whatever decides who owns an account asks. */
test.use({ serverOptions: { reauthMaxAgeSeconds: 0 } });

const WAY = { client: 'apollo', stream: 'websocket' } as const;
/** Each client once, and each transport. */
const CLIENTS: readonly Way[] = [WAY, { client: 'urql', stream: 'sse' }];

async function askForNewPhone({ page }: Visitor, phone: string): Promise<void> {
  await page.getByRole('link', { name: 'Change the phone number' }).click();
  await page.getByLabel('New phone number').fill(phone);
  await page.getByRole('button', { name: 'Send a code' }).click();
}

/** An account with a phone and an address, both proved before anything was changed. */
async function withBothContacts(visitor: Visitor): Promise<Person & { readonly email: string }> {
  const person = somebody();
  const email = `${person.username}@example.com`;
  await visitor.server.createUser({ ...person, email });
  await visitor.open(WAY);
  await visitor.signIn(person.username, person.password);
  await visitor.seesAccount();
  return { ...person, email };
}

for (const way of CLIENTS) {
  test.describe(`${way.client} over ${way.stream}`, () => {
    test('a new phone number takes the password first, once', async ({ visitor }) => {
      const person = somebody();
      const next = phoneNumber();
      await visitor.open(way);
      await visitor.signUp(person);
      await askForNewPhone(visitor, next.phone);

      await visitor.confirmByPassword('Wrong-horse-7');
      await expect(visitor.dialog().getByText('This is not your password.')).toBeVisible();
      // Asked before a message is paid.
      expect(await visitor.newest(next.e164)).toBeUndefined();
      await visitor.confirmByPassword(person.password);
      await visitor.enterCodeSentTo(next.e164);
      await expect(visitor.page.getByText('Your phone number is changed.')).toBeVisible();
    });

    test('a new phone number takes a code to the old one first', async ({ visitor }) => {
      const person = somebody();
      const next = phoneNumber();
      await visitor.open(way);
      await visitor.signUp(person);
      await askForNewPhone(visitor, next.phone);
      await visitor.confirmByCode('Phone', person.e164);
      await expect(visitor.heading('Enter the code')).toBeVisible();
      await visitor.enterCodeSentTo(next.e164);
      await expect(visitor.page.getByText('Your phone number is changed.')).toBeVisible();
    });

    test('an account is deleted after the password', async ({ visitor }) => {
      const person = somebody();
      await visitor.open(way);
      await visitor.signUp(person);
      await deleteAccount(visitor);
      await visitor.confirmByPassword(person.password);
      await expect(visitor.page.getByText('Your account is deleted.')).toBeVisible();
      await visitor.signIn(person.username, person.password);
      await expect(visitor.page.getByRole('alert')).toBeVisible();
    });

    test('an account is deleted without a password, after a code', async ({ visitor }) => {
      const person = somebody();
      await visitor.open(way);
      await visitor.signUp(person);
      await deleteAccount(visitor);
      await visitor.confirmByCode('Phone', person.e164);
      await expect(visitor.page.getByText('Your account is deleted.')).toBeVisible();
    });

    test('a new password takes the current one', async ({ visitor }) => {
      const person = somebody();
      await visitor.open(way);
      await visitor.signUp(person);
      await visitor.page.getByRole('link', { name: 'Change the password' }).click();
      await visitor.page.getByLabel('Current password', { exact: true }).fill(person.password);
      await visitor.page.getByLabel('New password', { exact: true }).fill('Battery-staple-8');
      await visitor.press('Save the password');
      await expect(visitor.page.getByText('Your password is changed.')).toBeVisible();
      await visitor.signOut();
      await visitor.signIn(person.username, 'Battery-staple-8');
      await visitor.seesAccount();
    });

    test('the old number undoes a change once the other contact has confirmed it', async ({
      visitor,
      anotherVisitor,
    }) => {
      const person = await withBothContacts(visitor);
      const next = phoneNumber();
      await askForNewPhone(visitor, next.phone);
      await visitor.confirmByPassword(person.password);
      await visitor.enterCodeSentTo(next.e164);
      await expect(visitor.page.getByText('Your phone number is changed.')).toBeVisible();

      const owner = await anotherVisitor();
      await owner.openUndoLink(person.e164, way);
      const before = await owner.newest(person.email);
      await owner.press('Undo the change');
      await expect(owner.page.getByText('Please confirm with your other contact')).toBeVisible();
      await owner.receives(person.email, before);
      await owner.enterCodeSentTo(person.email);
      await expect(owner.page.getByText('your previous contact is back')).toBeVisible();

      await visitor.page.reload();
      await expect(visitor.page.getByText('You were signed out.')).toBeVisible();
    });

    test('the old number alone undoes a change where there is no other contact', async ({
      visitor,
      anotherVisitor,
    }) => {
      const person = somebody();
      const next = phoneNumber();
      await visitor.open(way);
      await visitor.signUp(person);
      await askForNewPhone(visitor, next.phone);
      await visitor.confirmByPassword(person.password);
      await visitor.enterCodeSentTo(next.e164);
      await expect(visitor.page.getByText('Your phone number is changed.')).toBeVisible();

      const owner = await anotherVisitor();
      await owner.openUndoLink(person.e164, way);
      await owner.press('Undo the change');
      await expect(owner.page.getByText('your previous contact is back')).toBeVisible();
      // The link was good once.
      await owner.openUndoLink(person.e164, way);
      await owner.press('Undo the change');
      await expect(owner.page.getByRole('alert')).toBeVisible();
    });
  });
}

async function deleteAccount(visitor: Visitor): Promise<void> {
  await visitor.page.getByRole('link', { name: 'Delete the account' }).click();
  await visitor.page.getByRole('checkbox').check();
  await visitor.press('Delete the account');
}

test('a deletion is held back while a change of contact can be undone', async ({ visitor }) => {
  const person = await withBothContacts(visitor);
  const next = phoneNumber();
  await askForNewPhone(visitor, next.phone);
  await visitor.confirmByPassword(person.password);
  await visitor.enterCodeSentTo(next.e164);
  await expect(visitor.page.getByText('Your phone number is changed.')).toBeVisible();
  await deleteAccount(visitor);
  await expect(visitor.page.getByRole('alert')).toContainText('You can delete the account from');
});

test('the dialog keeps the keyboard, is closed by Escape, and gives the focus back', async ({ visitor }) => {
  const { page } = visitor;
  const { keyboard } = page;
  await visitor.open(WAY);
  await visitor.signUp(somebody());
  await page.getByRole('link', { name: 'Change the e-mail address' }).click();
  await page.getByLabel('New e-mail address').fill('next@example.com');
  await page.getByRole('button', { name: 'Send a code' }).focus();
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
  await expect(page.getByRole('button', { name: 'Send a code' })).toBeFocused();
  await expect(page.getByRole('alert')).toBeVisible();

  // By the keyboard alone: the arrow keys choose the method.
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

/** Whether the focus is on the page behind a dialog. (Between two rounds the browser has it.) */
function isBehind(dialog: Locator): Promise<boolean> {
  return dialog.evaluate((element) => {
    const { activeElement, body } = document;
    return activeElement !== body && !element.contains(activeElement);
  });
}
