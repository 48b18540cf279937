import { useEffect, useRef, type ReactNode } from 'react';

import { useTexts } from '../texts/index.ts';

export interface PageProps {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly children: ReactNode;
  /** Links to other pages. */
  readonly footer?: ReactNode;
}

/**
 * One step of a flow. Its heading takes the focus on mount, so that screen readers announce the page and Tab moves to the
 * first field. If a field inside already has the focus, the field keeps it.
 */
export function Page({ title, lead, children, footer }: PageProps): ReactNode {
  const { brand } = useTexts();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    window.scrollTo({ top: 0 });
    const hasFocus = heading.current?.parentElement?.contains(document.activeElement) ?? false;
    if (!hasFocus) heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <section className="card">
      <title>{`${title} · ${brand}`}</title>
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {lead !== undefined && <p className="lead">{lead}</p>}
      {children}
      {footer !== undefined && <footer className="card-footer">{footer}</footer>}
    </section>
  );
}
