import { useId, useLayoutEffect, useRef, type ReactNode } from 'react';

export interface DialogProps {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly children: ReactNode;
  /** Called when the browser closes the dialog, for example after Escape. */
  readonly onClose: () => void;
}

/**
 * A modal dialog that is open while it is rendered. The browser traps the focus, handles Escape and restores the focus. The
 * first field takes the focus.
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
        // StrictMode closes and reopens the dialog before this event arrives.
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
