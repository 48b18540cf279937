import type { DeliveryStatus, Verification } from '@countersign/client';
import type { ReactNode } from 'react';

import { useWords } from '../words/index.ts';

/** How far each status is along the way. */
const STEP: Readonly<Record<DeliveryStatus, number>> = {
  QUEUED: 0,
  SENT: 1,
  UNKNOWN: 1,
  FAILED: 1,
  DELIVERED: 2,
  UNDELIVERED: 2,
};

/** Where the message is, as the carrier tells it. */
export function DeliveryTrack({ verification }: { readonly verification: Verification }): ReactNode {
  const { delivery: words } = useWords();
  const { status, channel, failure } = verification.delivery;
  const failed = status === 'FAILED' || status === 'UNDELIVERED';
  const steps: readonly DeliveryStatus[] = [
    'QUEUED',
    status === 'FAILED' || status === 'UNKNOWN' ? status : 'SENT',
    status === 'UNDELIVERED' ? 'UNDELIVERED' : 'DELIVERED',
  ];
  return (
    <div className="track" data-failed={failed}>
      <p className="unseen" role="status">{`${words.label}: ${words[status]}, ${words.by[channel]}`}</p>
      <ol aria-hidden="true">
        {steps.map((step, index) => (
          <li key={step} data-reached={index <= STEP[status]} data-here={step === status}>
            {words[step]}
          </li>
        ))}
      </ol>
      {failed && <p className="track-trouble">{failure ? words.failure[failure] : words.trouble}</p>}
      {status === 'UNKNOWN' && <p className="track-doubt">{words.doubt}</p>}
    </div>
  );
}
