import type { ContactInput } from '@countersign/client';

/** What somebody typed into a field that takes either. Whether it is a good one is for the service to say. */
export function contactOf(typed: string): ContactInput {
  return typed.includes('@') ? { email: typed.trim() } : { phone: typed.trim() };
}
