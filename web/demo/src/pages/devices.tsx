import { RevokeSessionDocument, type MySessionsQuery } from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { describeDevice } from '../device.ts';
import { useStack } from '../stack/stack.ts';
import { useTexts } from '../texts/index.ts';
import { Button } from '../ui/button.tsx';
import type { OperationError } from '../ui/explain.ts';
import { ErrorNotice } from '../ui/notice.tsx';

type Device = NonNullable<MySessionsQuery['me']>['sessions']['nodes'][number];

export interface DevicesProps {
  readonly sessions: readonly Device[];
  readonly onEnded: () => void;
}

/** The sessions of the account, newest first, with a button to end each of them. */
export function Devices({ sessions, onEnded }: DevicesProps): ReactNode {
  const { account, locale } = useTexts();
  const revoke = useStack().useMutation(RevokeSessionDocument);
  const [ending, setEnding] = useState<string | null>(null);
  const [error, setError] = useState<OperationError | null>(null);

  const end = async (sessionId: string): Promise<void> => {
    setEnding(sessionId);
    const { data, failure } = await revoke({ input: { sessionId } });
    setEnding(null);
    if (failure) setError(failure);
    else setError(data.revokeSession.__typename === 'RevokeSessionPayload' ? null : data.revokeSession);
    onEnded();
  };

  return (
    <section aria-labelledby="devices">
      <h2 id="devices">{account.devices}</h2>
      <ErrorNotice error={error} />
      <ul className="devices">
        {sessions.map((device) => {
          const name = device.deviceName ?? describeDevice(device.userAgent ?? '') ?? account.unknownDevice;
          const used = new Date(device.lastUsedAt).toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'short' });
          return (
            <li key={device.id}>
              <div>
                <strong>{name}</strong>
                <small>{[account.lastUsed(used), device.ipAddress].filter(Boolean).join(' · ')}</small>
              </div>
              {device.current ? (
                <span className="badge">{account.thisDevice}</span>
              ) : (
                <Button
                  variant="link"
                  busy={ending === device.id}
                  aria-label={account.endDevice(name)}
                  onClick={() => void end(device.id)}
                >
                  {account.end}
                </Button>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}
