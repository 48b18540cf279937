import { useId, type ComponentPropsWithoutRef, type ReactNode } from 'react';

export interface FieldProps extends ComponentPropsWithoutRef<'input'> {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: string | null | undefined;
  /** An element at the end of the field, such as a button that shows the password. */
  readonly suffix?: ReactNode;
}

/** A labelled input. Its hint and its error are associated with it for screen readers. */
export function Field({ label, hint, error, suffix, ...input }: FieldProps): ReactNode {
  const id = useId();
  const described = [hint !== undefined && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <div className="field-box">
        <input
          required
          {...input}
          id={id}
          aria-invalid={error ? true : undefined}
          aria-describedby={described === '' ? undefined : described}
        />
        {suffix}
      </div>
      {hint !== undefined && (
        <div id={`${id}-hint`} className="field-hint">
          {hint}
        </div>
      )}
      {error && (
        <div id={`${id}-error`} className="field-error">
          {error}
        </div>
      )}
    </div>
  );
}
