import { useId, useLayoutEffect, useRef, type ReactNode } from 'react';

export interface DialogProps {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly children: ReactNode;
  /** By Escape, or by whatever else closes a dialog. */
  readonly onClose: () => void;
}

/**
 * A modal dialog, open for as long as it is rendered: the browser keeps the focus in it, closes it by Escape, and gives the
 * focus back. Its first field takes the focus.
 */
export function Dialog({ title, lead, children, onClose }: DialogProps): ReactNode {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const { current } = dialog;
    current?.showModal();
    current?.querySelector<HTMLElement>('.field input')?.focus();
    return () => {
      current?.close();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby={`${id}-title`}
      aria-describedby={lead === undefined ? undefined : `${id}-lead`}
      onClose={() => {
        // Opened again at once, as StrictMode does, it is not closed when the browser says so.
        if (dialog.current?.open === false) onClose();
      }}
    >
      <h2 id={`${id}-title`}>{title}</h2>
      {lead !== undefined && (
        <p id={`${id}-lead`} className="lead">
          {lead}
        </p>
      )}
      {children}
    </dialog>
  );
}
