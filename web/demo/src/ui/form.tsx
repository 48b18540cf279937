import { useEffect, useRef, type ReactNode } from 'react';

import { loadTexts, save } from '../tab-storage.ts';

export type Values = Readonly<Record<string, string>>;

export interface FormProps {
  readonly children: ReactNode;
  readonly onSubmit: (values: Values) => void;
  /** Prevents a second submission while a request is in progress. */
  readonly busy?: boolean;
  /** The latest result. When it changes, the first invalid field takes the focus. */
  readonly result?: unknown;
  readonly label?: string;
  /** Persists the values, except passwords, under this `sessionStorage` key across reloads. */
  readonly storageKey?: string;
}

/** An uncontrolled form with the browser's validation. */
export function Form({ children, onSubmit, busy = false, result, label, storageKey }: FormProps): ReactNode {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    form.current?.querySelector<HTMLInputElement>('[aria-invalid=true]')?.focus();
  }, [result]);
  useEffect(() => {
    if (storageKey === undefined || !form.current) return;
    const texts = loadTexts(storageKey);
    for (const input of textInputs(form.current)) input.value ||= texts[input.name] ?? '';
  }, [storageKey]);
  return (
    <form
      ref={form}
      className="form"
      aria-label={label}
      onInput={({ currentTarget }) => {
        if (storageKey === undefined) return;
        save(storageKey, Object.fromEntries(textInputs(currentTarget).map(({ name, value }) => [name, value])));
      }}
      onSubmit={(event) => {
        event.preventDefault();
        if (busy) return;
        const entries = [...new FormData(event.currentTarget)].filter(([, value]) => typeof value === 'string');
        onSubmit(Object.fromEntries(entries) as Values);
      }}
    >
      {children}
    </form>
  );
}

/** The inputs whose values may be persisted. Password fields are excluded, also while their text is visible. */
function textInputs(form: HTMLFormElement): readonly HTMLInputElement[] {
  const inputs = [...form.querySelectorAll('input')];
  return inputs.filter(
    ({ type, autocomplete }) => /^(text|date|tel|email|url)$/.test(type) && !autocomplete.includes('password'),
  );
}
