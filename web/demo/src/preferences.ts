import { useSyncExternalStore } from 'react';

/** What a visitor may choose, and what each choice can be. */
export const CHOICES = {
  client: ['apollo', 'urql'],
  stream: ['websocket', 'sse'],
  language: ['en', 'ko'],
  theme: ['system', 'light', 'dark'],
} as const;

export type Preferences = { readonly [Name in keyof typeof CHOICES]: (typeof CHOICES)[Name][number] };
export type PreferenceName = keyof Preferences;

const KEY = 'countersign.preferences';
const listeners = new Set<() => void>();
let current = read();

export function getPreferences(): Preferences {
  return current;
}

export function usePreferences(): Preferences {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, getPreferences);
}

export function prefer(change: Partial<Preferences>): void {
  current = { ...current, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // Not kept beyond this page.
  }
  for (const listener of listeners) listener();
}

/** From the address (`?client=urql`), else as chosen before, else by what the browser asks for. */
function read(): Preferences {
  const address = new URLSearchParams(location.search);
  const stored = storedChoices();
  const pick = <Choice extends string>(name: PreferenceName, choices: readonly Choice[], fallback: Choice): Choice =>
    choices.find((choice) => choice === address.get(name)) ??
    choices.find((choice) => choice === stored[name]) ??
    fallback;
  return {
    client: pick('client', CHOICES.client, 'apollo'),
    stream: pick('stream', CHOICES.stream, 'websocket'),
    language: pick('language', CHOICES.language, navigator.language.startsWith('ko') ? 'ko' : 'en'),
    theme: pick('theme', CHOICES.theme, 'system'),
  };
}

function storedChoices(): Record<string, unknown> {
  try {
    return (JSON.parse(localStorage.getItem(KEY) ?? '{}') ?? {}) as Record<string, unknown>;
  } catch {
    return {};
  }
}
