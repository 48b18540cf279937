import { useId, type ComponentPropsWithoutRef, type ReactNode } from 'react';

export interface FieldProps extends ComponentPropsWithoutRef<'input'> {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: string | null | undefined;
  /** Something at the end of the field, such as the way to show a password. */
  readonly addition?: ReactNode;
}

/** A labelled input, with its hint and its error tied to it for screen readers. */
export function Field({ label, hint, error, addition, ...input }: FieldProps): ReactNode {
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
        {addition}
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
