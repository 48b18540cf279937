import type { Verification, VerificationState } from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { usePreferences } from '../preferences.ts';
import { useTexts } from '../texts/index.ts';

/** Lists the received snapshots, oldest first, for developers. */
export function StatusHistory({ state }: { readonly state: VerificationState }): ReactNode {
  const texts = useTexts();
  const { client, stream } = usePreferences();
  const { choices } = texts.settings;
  const lines = useHistory(state.verification);
  return (
    <aside className="status-history" aria-label={texts.history.title}>
      <h2>{texts.history.title}</h2>
      <p>{texts.history.lead}</p>
      <ol>
        {lines.map(({ snapshot: line, receivedAt }) => (
          <li key={line.sequence}>
            <span className="status-history-sequence">{line.sequence}</span>
            <time dateTime={receivedAt.toISOString()}>{timeOf(receivedAt, texts.locale)}</time>
            <span className="status-history-status" data-status={line.status}>
              {line.status}
            </span>
            <span>
              <span>{line.delivery.status}</span>
              {line.delivery.failure && <span>: {texts.history.failure[line.delivery.failure]}</span>}
            </span>
            <span className="status-history-attempts">{texts.history.attempts(line.attemptsRemaining)}</span>
          </li>
        ))}
      </ol>
      {state.phase === 'waiting' && state.updates !== 'none' && (
        <p className="status-history-live" data-updates={state.updates}>
          {state.updates === 'live' ? texts.history.live(choices[stream], choices[client]) : texts.history.reconnecting}
        </p>
      )}
    </aside>
  );
}

interface Line {
  readonly snapshot: Verification;
  /** When it was received, by the device's clock. */
  readonly receivedAt: Date;
}

/** The snapshots of the current verification. */
function useHistory(verification: Verification | null): readonly Line[] {
  const [history, setHistory] = useState<readonly Line[]>([]);
  const last = history.at(-1)?.snapshot;
  if (verification && (last?.id !== verification.id || last.sequence < verification.sequence)) {
    // State is adjusted during rendering, as React recommends for state derived from previous values.
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
