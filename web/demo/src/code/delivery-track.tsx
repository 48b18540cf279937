import type { DeliveryStatus, Verification } from '@countersign/client';
import type { ReactNode } from 'react';

import { useTexts } from '../texts/index.ts';

/** The position of each status in the progress display. */
const STEP: Readonly<Record<DeliveryStatus, number>> = {
  QUEUED: 0,
  SENT: 1,
  UNKNOWN: 1,
  FAILED: 1,
  DELIVERED: 2,
  UNDELIVERED: 2,
};

/** Shows the delivery status of the message. */
export function DeliveryTrack({ verification }: { readonly verification: Verification }): ReactNode {
  const { delivery: texts } = useTexts();
  const { status, channel, failure } = verification.delivery;
  const failed = status === 'FAILED' || status === 'UNDELIVERED';
  const steps: readonly DeliveryStatus[] = [
    'QUEUED',
    status === 'FAILED' || status === 'UNKNOWN' ? status : 'SENT',
    status === 'UNDELIVERED' ? 'UNDELIVERED' : 'DELIVERED',
  ];
  return (
    <div className="track" data-failed={failed}>
      <p className="visually-hidden" role="status">{`${texts.label}: ${texts[status]}, ${texts.by[channel]}`}</p>
      <ol aria-hidden="true">
        {steps.map((step, index) => (
          <li key={step} data-reached={index <= STEP[status]} data-current={step === status}>
            {texts[step]}
          </li>
        ))}
      </ol>
      {failed && <p className="track-failed">{failure ? texts.failure[failure] : texts.failedHint}</p>}
      {status === 'UNKNOWN' && <p className="track-unknown">{texts.unknownHint}</p>}
    </div>
  );
}
