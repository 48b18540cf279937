import type { Values } from './values.ts';

/** Values that apply to all tabs. The other values apply to the tab in which they were found. */
const SHARED: ReadonlySet<string> = new Set<keyof Values>(['accessToken', 'refreshToken', 'sessionId']);

interface Entry {
  readonly value: string;
  readonly from: string;
  readonly serial: number;
}

/** Shares values between tabs. Each tab gets a value once, so that later edits by the user are not overwritten. */
export class AutofillStore {
  readonly #entries = new Map<string, Entry>();
  readonly #delivered = new Map<string, number>();
  #serial = 0;

  add(values: Values, from: string): void {
    this.#serial += 1;
    for (const [name, value] of Object.entries(values) as [string, string | undefined][]) {
      if (value !== undefined) this.#entries.set(name, { value, from, serial: this.#serial });
    }
  }

  /** The values that are new for a tab since the last call. */
  takeNew(tab: string): Values {
    const since = this.#delivered.get(tab) ?? 0;
    this.#delivered.set(tab, this.#serial);
    const due = [...this.#entries].filter(
      ([name, { from, serial }]) => serial > since && (SHARED.has(name) || from === tab),
    );
    return Object.fromEntries(due.map(([name, { value }]) => [name, value]));
  }
}

const listeners = new Set<(values: Values) => void>();

/** Publishes values found in a response or in the outbox. */
export function publishValues(values: Values): void {
  for (const listener of listeners) listener(values);
}

/** Returns the function that unsubscribes. */
export function onValues(listener: (values: Values) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
