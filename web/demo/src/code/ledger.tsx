import type { Verification, VerificationState } from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { usePreferences } from '../preferences.ts';
import { useWords } from '../words/index.ts';

/** Every snapshot that came in, oldest first: what the subscription tells, for developers who wonder. */
export function Ledger({ state }: { readonly state: VerificationState }): ReactNode {
  const words = useWords();
  const { client, stream } = usePreferences();
  const { choices } = words.settings;
  const lines = useHistory(state.verification);
  return (
    <aside className="ledger" aria-label={words.ledger.title}>
      <h2>{words.ledger.title}</h2>
      <p>{words.ledger.lead}</p>
      <ol>
        {lines.map(({ snapshot: line, receivedAt }) => (
          <li key={line.sequence}>
            <span className="ledger-sequence">{line.sequence}</span>
            <time dateTime={receivedAt.toISOString()}>{timeOf(receivedAt, words.locale)}</time>
            <span className="ledger-status" data-status={line.status}>
              {line.status}
            </span>
            <span>
              {line.delivery.status}
              {line.delivery.failure && `: ${words.ledger.failure[line.delivery.failure]}`}
            </span>
            <span className="ledger-attempts">{words.ledger.attempts(line.attemptsRemaining)}</span>
          </li>
        ))}
      </ol>
      {state.phase === 'waiting' && state.news !== 'none' && (
        <p className="ledger-live" data-news={state.news}>
          {state.news === 'live' ? words.ledger.live(choices[stream], choices[client]) : words.ledger.waiting}
        </p>
      )}
    </aside>
  );
}

interface Line {
  readonly snapshot: Verification;
  /** When it came in, by this device's clock. */
  readonly receivedAt: Date;
}

/** The snapshots so far of the verification at hand. */
function useHistory(verification: Verification | null): readonly Line[] {
  const [history, setHistory] = useState<readonly Line[]>([]);
  const last = history.at(-1)?.snapshot;
  if (verification && (last?.id !== verification.id || last.sequence < verification.sequence)) {
    // Adjusted while rendering, as React recommends for state that follows from earlier values.
    const line = received(verification);
    const next = last?.id === verification.id ? [...history, line] : [line];
    setHistory(next);
    return next;
  }
  return history;
}

function received(snapshot: Verification): Line {
  return { snapshot, receivedAt: new Date() };
}

function timeOf(instant: Date, locale: string): string {
  return instant.toLocaleTimeString(locale, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hour12: false,
  });
}
