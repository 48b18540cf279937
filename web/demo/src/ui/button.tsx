import type { ComponentPropsWithoutRef, ReactNode } from 'react';

export interface ButtonProps extends ComponentPropsWithoutRef<'button'> {
  readonly variant?: 'primary' | 'secondary' | 'danger' | 'link';
  /** Its action is in progress. The button is not disabled, so that it keeps the focus. */
  readonly busy?: boolean;
}

export function Button({
  variant = 'primary',
  busy = false,
  type = 'button',
  children,
  ...rest
}: ButtonProps): ReactNode {
  return (
    <button {...rest} type={type} className={`button button-${variant}`} aria-busy={busy}>
      {children}
    </button>
  );
}
