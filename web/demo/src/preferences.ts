import { useSyncExternalStore } from 'react';

/** The preferences and their options. */
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

export function setPreferences(change: Partial<Preferences>): void {
  current = { ...current, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // Storage is blocked: the choice applies to this page only.
  }
  for (const listener of listeners) listener();
}

/** In order of precedence: the URL (`?client=urql`), the stored choice, the default. */
function read(): Preferences {
  const query = new URLSearchParams(location.search);
  const stored = storedChoices();
  const pick = <Choice extends string>(name: PreferenceName, choices: readonly Choice[], fallback: Choice): Choice =>
    choices.find((choice) => choice === query.get(name)) ??
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
