import type { Proof, Verification } from '@countersign/client';

/**
 * Stores a value in `sessionStorage`, so that it survives a reload of the tab. Browsers that block storage throw on access.
 * Stored values are validated when they are read: they may come from another version of the page.
 */
export function save(key: string, value: unknown): void {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Storage is blocked: the page starts over after a reload.
  }
}

export function load(key: string): unknown {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? 'null') as unknown;
  } catch {
    return null;
  }
}

export function remove(key: string): void {
  try {
    sessionStorage.removeItem(key);
  } catch {
    // Storage is blocked, so there is nothing to remove.
  }
}

/** A verification, with its proof once it is confirmed. */
export interface StoredVerification {
  readonly verification: Verification;
  readonly proof?: Proof | undefined;
}

/** Loads a verification. Null if there is none, or if it is invalid or expired. */
export function loadVerification(key: string, now: number): StoredVerification | null {
  const value = load(key);
  if (!isObject(value) || !isVerification(value['verification'])) return null;
  const { verification, proof } = value;
  if (proof === undefined) return isAfter(verification.expiresAt, now) ? { verification } : null;
  return isProof(proof) && isAfter(proof.expiresAt, now) ? { verification, proof } : null;
}

/** Loads the text values of a form by field name. */
export function loadTexts(key: string): Readonly<Record<string, string>> {
  const value = load(key);
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
