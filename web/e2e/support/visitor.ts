import { expect, type Locator, type Page } from '@playwright/test';

import { messageTo, type OutboxMessage, type TestServer } from './server.ts';

/** A combination of GraphQL client and transport in the demo. */
export interface StackVariant {
  readonly client: 'apollo' | 'urql';
  readonly stream: 'websocket' | 'sse';
}

export const STACKS: readonly StackVariant[] = (['apollo', 'urql'] as const).flatMap((client) =>
  (['websocket', 'sse'] as const).map((stream) => ({ client, stream })),
);

/** A person with a unique phone number. */
export interface Person {
  readonly name: string;
  readonly birthDate: string;
  readonly username: string;
  readonly password: string;
  /** In national format. */
  readonly phone: string;
  /** In E.164 format. */
  readonly e164: string;
}

let personCount = 0;

export function newPerson(): Person {
  personCount += 1;
  const number = phoneNumber();
  const username = `gildong${String(personCount)}${number.e164.slice(-4)}`;
  return { name: '홍길동', birthDate: '1990-05-15', username, password: 'Correct-horse-7', ...number };
}

let phoneNumberCount = 0;

/** A mobile number that is unique for this worker and its server. Consecutive numbers have different prefixes. */
export function phoneNumber(): { phone: string; e164: string } {
  phoneNumberCount += 1;
  const digits = String(20_000_000 + ((phoneNumberCount * 1_234_567) % 20_000_000));
  return { phone: `010-${digits.slice(0, 4)}-${digits.slice(4)}`, e164: `+8210${digits}` };
}

/** The actions of a user of the demo. */
export class Visitor {
  readonly page: Page;
  readonly server: TestServer;

  constructor(page: Page, server: TestServer) {
    this.page = page;
    this.server = server;
  }

  async open({ client, stream }: StackVariant, route = '/sign-in'): Promise<void> {
    await this.page.goto(`/demo/?client=${client}&stream=${stream}&language=en#${route}`);
    await expect(this.page.locator('h1')).toBeVisible();
  }

  /** Opens the undo link of the newest message to the replaced contact. */
  async openUndoLink(to: string, { client, stream }: StackVariant): Promise<void> {
    const message = (await this.server.outbox()).find((sent) => sent.to === to && sent.text.includes('/undo?'));
    const token = /undo\?([0-9a-f]{64})/.exec(message?.text ?? '')?.[1] ?? '';
    await this.page.goto(`/demo/?client=${client}&stream=${stream}&language=en#/undo?${token}`);
    await expect(this.heading('Undo contact change')).toBeVisible();
  }

  heading(name: string | RegExp): Locator {
    return this.page.getByRole('heading', { level: 1, name });
  }

  /** The reauthentication dialog. */
  dialog(): Locator {
    return this.page.getByRole('dialog', { name: 'Confirm your identity' });
  }

  async confirmByPassword(password: string): Promise<void> {
    await this.dialog().getByLabel('Password', { exact: true }).last().fill(password);
    await this.dialog().getByRole('button', { name: 'Confirm' }).click();
  }

  async confirmByCode(method: string, contact: string): Promise<void> {
    await this.dialog().getByRole('radio', { name: method }).check();
    const before = await this.newest(contact);
    await this.dialog().getByRole('button', { name: 'Send code' }).click();
    const { code } = await this.waitForMessage(contact, before);
    await this.codeField().fill(code ?? '');
  }

  codeField(): Locator {
    return this.page.getByRole('textbox', { name: 'Code', exact: true });
  }

  statusHistory(): Locator {
    return this.page.getByRole('complementary', { name: 'Status updates' });
  }

  /** Expects that the status history contains a snapshot with this delivery status. */
  async expectStatus(status: 'SENT' | 'DELIVERED' | 'UNDELIVERED'): Promise<void> {
    await expect(this.page.locator('.status-history').getByText(status, { exact: true }).first()).toBeVisible();
  }

  async press(name: string): Promise<void> {
    await this.page.getByRole('button', { name, exact: true }).click();
  }

  async choose(name: string): Promise<void> {
    await this.page.getByRole('radio', { name, exact: true }).check();
  }

  /** Waits for the newest message, or for one that is newer than `after`. */
  waitForMessage(e164: string, after?: OutboxMessage): Promise<OutboxMessage> {
    return messageTo(this.server, e164, after?.id);
  }

  /** The newest message, if there is one. */
  async newest(to: string): Promise<OutboxMessage | undefined> {
    return (await this.server.outbox()).find((message) => message.to === to);
  }

  enterCodeSentTo(e164: string): Promise<void> {
    return this.enterCodeTo(this.codeField(), e164);
  }

  async enterCodeTo(field: Locator, e164: string): Promise<void> {
    const { code } = await this.waitForMessage(e164);
    // The form submits when the code is complete.
    await field.fill(code ?? '');
  }

  async askForSignUpCode({ phone }: Person): Promise<void> {
    await this.page.getByRole('link', { name: 'Create an account' }).click();
    await this.page.getByLabel('Phone number or e-mail').fill(phone);
    await this.press('Send code');
    await expect(this.heading('Enter the code')).toBeVisible();
  }

  async signUp(person: Person): Promise<void> {
    await this.askForSignUpCode(person);
    await this.enterCodeSentTo(person.e164);
    await expect(this.heading('Your details')).toBeVisible();
    await this.page.getByLabel('Username').fill(person.username);
    await this.page.getByLabel('Password', { exact: true }).fill(person.password);
    await this.page.getByLabel('Name', { exact: true }).fill(person.name);
    await this.page.getByLabel('Date of birth').fill(person.birthDate);
    await this.press('Create account');
    await this.expectAccount();
  }

  async signIn(identifier: string, password: string): Promise<void> {
    await this.page.getByLabel('Username, e-mail or phone').fill(identifier);
    await this.page.getByLabel('Password', { exact: true }).last().fill(password);
    await this.press('Sign in');
  }

  async signOut(): Promise<void> {
    await this.press('Sign out');
    await expect(this.heading('Sign in')).toBeVisible();
  }

  async expectAccount(): Promise<void> {
    await expect(this.heading(/^Hello/)).toBeVisible();
  }
}
