import { randomInt, randomUUID } from 'node:crypto';

import { mask, type Contact } from './contacts.ts';
import type { Settings } from './settings.ts';

type Status = 'PENDING' | 'VERIFIED' | 'EXPIRED' | 'LOCKED' | 'CANCELED';
type DeliveryStatus = 'QUEUED' | 'SENT' | 'DELIVERED' | 'UNDELIVERED' | 'FAILED';

export interface Message {
  readonly id: string;
  readonly createdAt: string;
  readonly channel: string;
  readonly to: string;
  readonly subject: string | null;
  readonly text: string;
  readonly code: string;
}

/** A verification with its server-side fields. */
export class Verification {
  readonly id = `ver_${randomUUID().replaceAll('-', '')}`;
  readonly code = String(randomInt(1_000_000)).padStart(6, '0');
  readonly createdAt = new Date();
  readonly listeners = new Set<() => void>();
  status: Status = 'PENDING';
  delivery: { channel: string; status: DeliveryStatus; failure: 'RECIPIENT' | null; updatedAt: Date };
  updatedAt = this.createdAt;
  resendAvailableAt: Date;
  sequence = 1;
  readonly purpose: string;
  readonly contact: Contact;
  readonly expiresAt: Date;
  attemptsRemaining: number;
  sendsRemaining: number;
  /** A decoy is indistinguishable from other verifications and sends nothing. */
  readonly decoy: boolean;

  constructor(purpose: string, contact: Contact, channel: string, settings: Settings, decoy: boolean) {
    this.purpose = purpose;
    this.contact = contact;
    this.decoy = decoy;
    this.expiresAt = new Date(this.createdAt.getTime() + settings.codeTtlSeconds * 1_000);
    this.attemptsRemaining = settings.maxAttempts;
    this.sendsRemaining = settings.dailySends;
    this.delivery = { channel, status: 'QUEUED', failure: null, updatedAt: new Date() };
    this.resendAvailableAt = new Date();
  }

  change(change: () => void): void {
    change();
    this.sequence += 1;
    this.updatedAt = new Date();
    for (const listener of this.listeners) listener();
  }

  snapshot(): Record<string, unknown> {
    return {
      __typename: 'Verification',
      id: this.id,
      purpose: this.purpose,
      maskedTo: mask(this.contact),
      status: this.status,
      delivery: { ...this.delivery, updatedAt: this.delivery.updatedAt.toISOString() },
      attemptsRemaining: this.attemptsRemaining,
      codeLength: 6,
      codeFormat: 'NUMERIC',
      createdAt: this.createdAt.toISOString(),
      updatedAt: this.updatedAt.toISOString(),
      expiresAt: this.expiresAt.toISOString(),
      resendAvailableAt: this.status === 'PENDING' ? this.resendAvailableAt.toISOString() : null,
      sendsRemaining: this.sendsRemaining,
      sequence: this.sequence,
    };
  }
}

export class Verifications {
  readonly outbox: Message[] = [];
  readonly #byId = new Map<string, Verification>();
  readonly #byKey = new Map<string, Verification>();
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  get(id: string): Verification | undefined {
    return this.#byId.get(id);
  }

  start(
    purpose: string,
    contact: Contact,
    options: { channel: string; key?: string | null; decoy?: boolean },
  ): Verification {
    const key = options.key ? `${options.key} ${purpose} ${contact.value}` : null;
    const existing = key === null ? undefined : this.#byKey.get(key);
    if (existing?.status === 'PENDING') return existing;
    const verification = new Verification(purpose, contact, options.channel, this.#settings, options.decoy ?? false);
    this.#byId.set(verification.id, verification);
    if (key !== null) this.#byKey.set(key, verification);
    setTimeout(() => {
      if (verification.status === 'PENDING') verification.change(() => (verification.status = 'EXPIRED'));
    }, this.#settings.codeTtlSeconds * 1_000).unref();
    this.send(verification, options.channel);
    return verification;
  }

  /** Sends the code and updates the delivery step by step. Messages to some contacts stay undelivered. */
  send(verification: Verification, channel: string): void {
    const { contact, code } = verification;
    const text = `[Countersign] ${code} is your code. Do not share it.`;
    verification.change(() => {
      verification.delivery = { channel, status: 'QUEUED', failure: null, updatedAt: new Date() };
      verification.sendsRemaining -= 1;
      verification.resendAvailableAt = new Date(Date.now() + this.#settings.resendCooldownSeconds * 1_000);
    });
    if (!verification.decoy) {
      const subject = contact.kind === 'email' ? 'Your code' : null;
      const createdAt = new Date().toISOString();
      this.outbox.unshift({ id: randomUUID(), createdAt, channel, to: contact.value, subject, text, code });
    }
    const end = /^undelivered@|0001$/.test(contact.value) ? 'UNDELIVERED' : 'DELIVERED';
    this.#advance(verification, ['SENT', end]);
  }

  #advance(verification: Verification, steps: DeliveryStatus[]): void {
    const [status, ...rest] = steps;
    if (status === undefined) return;
    setTimeout(() => {
      if (verification.status !== 'PENDING') return;
      const failure = status === 'UNDELIVERED' ? 'RECIPIENT' : null;
      const updatedAt = new Date();
      verification.change(() => (verification.delivery = { ...verification.delivery, status, failure, updatedAt }));
      this.#advance(verification, rest);
    }, this.#settings.deliveryStepMs).unref();
  }
}

/** The snapshots of a verification from now on, until it has ended. */
export async function* watch(verification: Verification): AsyncGenerator<Record<string, unknown>> {
  let wake: () => void = () => undefined;
  const listener = (): void => {
    wake();
  };
  verification.listeners.add(listener);
  try {
    for (;;) {
      const changed = new Promise<void>((resolve) => (wake = resolve));
      const { status } = verification;
      yield verification.snapshot();
      if (status !== 'PENDING') return;
      await changed;
    }
  } finally {
    verification.listeners.delete(listener);
  }
}
