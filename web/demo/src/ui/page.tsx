import { useEffect, useRef, type ReactNode } from 'react';

import { useWords } from '../words/index.ts';

export interface PageProps {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly children: ReactNode;
  /** What stands below the card: the ways to other pages. */
  readonly foot?: ReactNode;
}

/**
 * One step of a flow. Its heading takes the focus as it appears, so that a screen reader says where the person is, and
 * the next press of Tab goes to its first field; unless a field inside has taken it already.
 */
export function Page({ title, lead, children, foot }: PageProps): ReactNode {
  const { brand } = useWords();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    window.scrollTo({ top: 0 });
    const isTaken = heading.current?.parentElement?.contains(document.activeElement) ?? false;
    if (!isTaken) heading.current?.focus({ preventScroll: true });
  }, []);
  return (
    <section className="card">
      <title>{`${title} · ${brand}`}</title>
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {lead !== undefined && <p className="lead">{lead}</p>}
      {children}
      {foot !== undefined && <footer className="card-foot">{foot}</footer>}
    </section>
  );
}
