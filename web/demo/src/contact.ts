import type { ContactInput } from '@countersign/client';

/** Distinguishes an e-mail address from a phone number. The service validates it. */
export function parseContact(typed: string): ContactInput {
  return typed.includes('@') ? { email: typed.trim() } : { phone: typed.trim() };
}
