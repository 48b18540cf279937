import { act, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

export interface Rendered<Result> {
  /** What the hook returned last. */
  current(): Result;
  unmount(): void;
}

/** Runs a hook as an app would, in StrictMode: whatever cannot bear to be mounted twice shows it here. */
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
      if (last === undefined) throw new Error('It was not rendered.');
      return last;
    },
    unmount: () => {
      act(() => {
        root.unmount();
      });
    },
  };
}
