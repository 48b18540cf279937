import { RevokeSessionDocument, type MySessionsQuery } from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { deviceOf } from '../device.ts';
import { useStack } from '../stack/stack.ts';
import { Button } from '../ui/button.tsx';
import type { Trouble } from '../ui/explain.ts';
import { TroubleNotice } from '../ui/notice.tsx';
import { useWords } from '../words/index.ts';

type Device = NonNullable<MySessionsQuery['me']>['sessions']['nodes'][number];

export interface DevicesProps {
  readonly sessions: readonly Device[];
  readonly onEnded: () => void;
}

/** Where the person is signed in, newest first, each with the way to end it. */
export function Devices({ sessions, onEnded }: DevicesProps): ReactNode {
  const { account, locale } = useWords();
  const revoke = useStack().useMutation(RevokeSessionDocument);
  const [ending, setEnding] = useState<string | null>(null);
  const [trouble, setTrouble] = useState<Trouble | null>(null);

  const end = async (sessionId: string): Promise<void> => {
    setEnding(sessionId);
    const { data, failure } = await revoke({ input: { sessionId } });
    setEnding(null);
    if (failure) setTrouble(failure);
    else setTrouble(data.revokeSession.__typename === 'RevokeSessionPayload' ? null : data.revokeSession);
    onEnded();
  };

  return (
    <section aria-labelledby="devices">
      <h2 id="devices">{account.devices}</h2>
      <TroubleNotice trouble={trouble} />
      <ul className="devices">
        {sessions.map((device) => {
          const name = device.deviceName ?? deviceOf(device.userAgent ?? '') ?? account.unknownDevice;
          const used = new Date(device.lastUsedAt).toLocaleString(locale, { dateStyle: 'medium', timeStyle: 'short' });
          return (
            <li key={device.id}>
              <div>
                <strong>{name}</strong>
                <small>{[account.lastUsed(used), device.ipAddress].filter(Boolean).join(' · ')}</small>
              </div>
              {device.current ? (
                <span className="confirmed">{account.thisDevice}</span>
              ) : (
                <Button
                  look="link"
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
