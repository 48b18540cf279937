import { act, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

export interface Rendered<Result> {
  /** The last return value of the hook. */
  current(): Result;
  unmount(): void;
}

/** Renders a hook in StrictMode, which mounts it twice. */
export async function renderHook<Result>(useIt: () => Result): Promise<Rendered<Result>> {
  const results: Result[] = [];
  function Probe(): null {
    results.push(useIt());
    return null;
  }
  const root = createRoot(document.createElement('div'));
  await act(async () => {
    root.render(
      <StrictMode>
        <Probe />
      </StrictMode>,
    );
    await Promise.resolve();
  });
  return {
    current: () => {
      const last = results.at(-1);
      if (last === undefined) throw new Error('The hook was not rendered.');
      return last;
    },
    unmount: () => {
      act(() => {
        root.unmount();
      });
    },
  };
}
