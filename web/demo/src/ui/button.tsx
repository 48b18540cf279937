import type { ComponentPropsWithoutRef, ReactNode } from 'react';

export interface ButtonProps extends ComponentPropsWithoutRef<'button'> {
  readonly look?: 'primary' | 'quiet' | 'danger' | 'link';
  /** What it set off is under way. It keeps its place in the tab order, so that the focus is not lost. */
  readonly busy?: boolean;
}

export function Button({ look = 'primary', busy = false, type = 'button', children, ...rest }: ButtonProps): ReactNode {
  return (
    <button {...rest} type={type} className={`button button-${look}`} aria-busy={busy}>
      {children}
    </button>
  );
}
