import type { ReactNode } from 'react';

export interface CheckFieldProps {
  readonly name: string;
  readonly label: string;
}

/** A box that has to be ticked before the form is taken. */
export function CheckField({ name, label }: CheckFieldProps): ReactNode {
  return (
    <label className="check">
      <input type="checkbox" name={name} required />
      <span>{label}</span>
    </label>
  );
}
