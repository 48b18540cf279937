import { useEffect, useRef, type ReactNode } from 'react';

export type Values = Readonly<Record<string, string>>;

export interface FormProps {
  readonly children: ReactNode;
  readonly onSubmit: (values: Values) => void;
  /** While the answer is awaited nothing is submitted twice. */
  readonly busy?: boolean;
  /** Changes with each answer: the first field that it finds fault with takes the focus. */
  readonly answer?: unknown;
  readonly label?: string;
}

/** A form whose values are read when it is submitted; the browser's own validation stays on. */
export function Form({ children, onSubmit, busy = false, answer, label }: FormProps): ReactNode {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    form.current?.querySelector<HTMLInputElement>('[aria-invalid=true]')?.focus();
  }, [answer]);
  return (
    <form
      ref={form}
      className="form"
      aria-label={label}
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
