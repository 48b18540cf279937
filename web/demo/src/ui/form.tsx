import { useEffect, useRef, type ReactNode } from 'react';

import { keep, keptTexts } from '../kept.ts';

export type Values = Readonly<Record<string, string>>;

export interface FormProps {
  readonly children: ReactNode;
  readonly onSubmit: (values: Values) => void;
  /** While the answer is awaited nothing is submitted twice. */
  readonly busy?: boolean;
  /** Changes with each answer: the first field that it finds fault with takes the focus. */
  readonly answer?: unknown;
  readonly label?: string;
  /** A key under which what was typed outlives a reload of the tab, passwords excepted. */
  readonly keptAs?: string;
}

/** A form whose values are read when it is submitted; the browser's own validation stays on. */
export function Form({ children, onSubmit, busy = false, answer, label, keptAs }: FormProps): ReactNode {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    form.current?.querySelector<HTMLInputElement>('[aria-invalid=true]')?.focus();
  }, [answer]);
  useEffect(() => {
    if (keptAs === undefined || !form.current) return;
    const texts = keptTexts(keptAs);
    for (const input of textInputs(form.current)) input.value ||= texts[input.name] ?? '';
  }, [keptAs]);
  return (
    <form
      ref={form}
      className="form"
      aria-label={label}
      onInput={({ currentTarget }) => {
        if (keptAs === undefined) return;
        keep(keptAs, Object.fromEntries(textInputs(currentTarget).map(({ name, value }) => [name, value])));
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

/** The inputs whose text may be kept: of the password fields neither the masked nor the shown ones. */
function textInputs(form: HTMLFormElement): readonly HTMLInputElement[] {
  const inputs = [...form.querySelectorAll('input')];
  return inputs.filter(
    ({ type, autocomplete }) => /^(text|date|tel|email|url)$/.test(type) && !autocomplete.includes('password'),
  );
}
