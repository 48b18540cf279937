import type { Proof, Verification } from '@countersign/client';

/**
 * Values that outlive a reload of their tab, in its `sessionStorage`. A browser that lets pages keep nothing throws at the
 * access; a value may come from another version of the page, or from somebody who tried something in the console.
 */
export function keep(key: string, value: unknown): void {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Not kept: after a reload the page starts from the beginning.
  }
}

export function kept(key: string): unknown {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? 'null') as unknown;
  } catch {
    return null;
  }
}

export function forget(key: string): void {
  try {
    sessionStorage.removeItem(key);
  } catch {
    // Nothing was kept.
  }
}

/** A verification, and its proof once it is confirmed. */
export interface KeptVerification {
  readonly verification: Verification;
  readonly proof?: Proof | undefined;
}

/** Null for everything that is not one, and for one that can't be used any more. */
export function keptVerification(key: string, now: number): KeptVerification | null {
  const value = kept(key);
  if (!isObject(value) || !isVerification(value['verification'])) return null;
  const { verification, proof } = value;
  if (proof === undefined) return isAfter(verification.expiresAt, now) ? { verification } : null;
  return isProof(proof) && isAfter(proof.expiresAt, now) ? { verification, proof } : null;
}

/** The texts of a form, by the names of its fields. */
export function keptTexts(key: string): Readonly<Record<string, string>> {
  const value = kept(key);
  if (!isObject(value)) return {};
  const texts = Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(texts);
}

const VERIFICATION = {
  ...{ id: 'string', purpose: 'string', maskedTo: 'string', status: 'string', createdAt: 'string' },
  ...{ expiresAt: 'string', codeFormat: 'string', codeLength: 'number', attemptsRemaining: 'number' },
  sequence: 'number',
} satisfies Partial<Record<keyof Verification, string>>;
const DELIVERY = { channel: 'string', status: 'string' } satisfies Partial<
  Record<keyof Verification['delivery'], string>
>;
const PROOF = { token: 'string', purpose: 'string', expiresAt: 'string' } satisfies Partial<
  Record<keyof Proof, string>
>;

function isVerification(value: unknown): value is Verification {
  return has(VERIFICATION, value) && has(DELIVERY, value['delivery']);
}

function isProof(value: unknown): value is Proof {
  return has(PROOF, value);
}

function has(shape: Readonly<Record<string, string>>, value: unknown): value is Record<string, unknown> {
  return isObject(value) && Object.entries(shape).every(([name, type]) => typeof value[name] === type);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isAfter(instant: string, now: number): boolean {
  return Date.parse(instant) > now;
}
