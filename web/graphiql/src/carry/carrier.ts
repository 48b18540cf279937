import type { Values } from './values.ts';

/** Good in every tab; the others belong to the flow of the tab that they came up in. */
const SHARED: ReadonlySet<string> = new Set<keyof Values>(['accessToken', 'refreshToken', 'sessionId']);

interface Entry {
  readonly value: string;
  readonly from: string;
  readonly serial: number;
}

/** Carries values between tabs: each tab gets a value once, so that what is typed over it stays. */
export class Carrier {
  readonly #entries = new Map<string, Entry>();
  readonly #delivered = new Map<string, number>();
  #serial = 0;

  take(values: Values, from: string): void {
    this.#serial += 1;
    for (const [name, value] of Object.entries(values) as [string, string | undefined][]) {
      if (value !== undefined) this.#entries.set(name, { value, from, serial: this.#serial });
    }
  }

  /** What has come up for a tab since it was asked for last. */
  deliver(tab: string): Values {
    const since = this.#delivered.get(tab) ?? 0;
    this.#delivered.set(tab, this.#serial);
    const due = [...this.#entries].filter(
      ([name, { from, serial }]) => serial > since && (SHARED.has(name) || from === tab),
    );
    return Object.fromEntries(due.map(([name, { value }]) => [name, value]));
  }
}

const listeners = new Set<(values: Values) => void>();

/** Something came up, in an answer or in the outbox. */
export function found(values: Values): void {
  for (const listener of listeners) listener(values);
}

/** Returns the way to stop listening. */
export function onFound(listener: (values: Values) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
