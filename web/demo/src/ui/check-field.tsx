import type { ReactNode } from 'react';

export interface CheckFieldProps {
  readonly name: string;
  readonly label: string;
}

/** A required checkbox. */
export function CheckField({ name, label }: CheckFieldProps): ReactNode {
  return (
    <label className="check">
      <input type="checkbox" name={name} required />
      <span>{label}</span>
    </label>
  );
}
