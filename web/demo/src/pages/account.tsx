import {
  MeDocument,
  MySessionsDocument,
  SignOutDocument,
  SignOutEverywhereDocument,
  type UserPartsFragment,
} from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { formatPhone } from '../phone.ts';
import { flashOf, to, type Flash, type Route } from '../routes.ts';
import { session } from '../service.ts';
import { useStack } from '../stack/stack.ts';
import { useTexts } from '../texts/index.ts';
import { Button } from '../ui/button.tsx';
import { Notice, ErrorNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { Devices } from './devices.tsx';

export function Account(): ReactNode {
  const texts = useTexts();
  const stack = useStack();
  const { data, failure, reload } = stack.useQuery(MeDocument, {});
  const sessions = stack.useQuery(MySessionsDocument, {});
  const signOut = stack.useMutation(SignOutDocument);
  const signOutEverywhere = stack.useMutation(SignOutEverywhereDocument);
  const [busy, setBusy] = useState(false);
  const flash = flashOf('/account');
  const me = data?.me;

  const leave = async (end: () => Promise<unknown>): Promise<void> => {
    setBusy(true);
    // Delete the tokens on this device even if the request failed.
    await end();
    session.signOut();
  };

  const endEverywhere = async (): Promise<void> => {
    const { data } = await signOutEverywhere({ input: { deviceToken: session.deviceToken } });
    // The service has revoked all device tokens and issued a new one to this device.
    session.storeDeviceToken(data?.signOutEverywhere.deviceToken ?? null);
  };

  if (!me) {
    return (
      <Page title={texts.brand} lead={failure ? undefined : texts.account.loading}>
        <ErrorNotice error={failure} />
        {failure && <Button onClick={reload}>{texts.account.retry}</Button>}
      </Page>
    );
  }
  return (
    <Page
      title={texts.account.title(me.nickname ?? me.name ?? me.username)}
      footer={<a href={to('/account/delete')}>{texts.account.delete}</a>}
    >
      {flash !== null && flash in texts.account && (
        <Notice tone="success">{texts.account[flash as keyof typeof texts.account & Flash]}</Notice>
      )}
      <Profile me={me} />
      <Devices sessions={sessions.data?.me?.sessions.nodes ?? []} onEnded={sessions.reload} />
      <div className="actions">
        <Button variant="secondary" busy={busy} onClick={() => void leave(() => signOut({}))}>
          {texts.account.signOut}
        </Button>
        <Button variant="link" busy={busy} onClick={() => void leave(endEverywhere)}>
          {texts.account.signOutEverywhere}
        </Button>
      </div>
    </Page>
  );
}

function Profile({ me }: { readonly me: UserPartsFragment }): ReactNode {
  const { account, fields } = useTexts();
  return (
    <section aria-labelledby="profile">
      <h2 id="profile">{account.profile}</h2>
      <dl className="details">
        <Detail name={fields.username} value={me.username} />
        <Detail name={fields.name} value={me.name} change={['/account/profile', account.changeProfile]} />
        <Detail name={fields.nickname} value={me.nickname} />
        <Detail
          name={account.phone}
          value={me.phone === null ? null : formatPhone(me.phone)}
          isVerified={me.phoneVerifiedAt !== null}
          change={['/account/phone', account.changePhone]}
        />
        <Detail
          name={account.email}
          value={me.email}
          isVerified={me.emailVerifiedAt !== null}
          change={['/account/email', account.changeEmail]}
        />
        <Detail name={fields.password} value="••••••••" change={['/account/password', account.changePassword]} />
      </dl>
    </section>
  );
}

interface DetailProps {
  readonly name: string;
  readonly value: string | null;
  readonly isVerified?: boolean;
  /** The route and the label of the link that changes it. */
  readonly change?: readonly [Route, string];
}

function Detail({ name, value, isVerified = false, change }: DetailProps): ReactNode {
  const { account } = useTexts();
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <span>{value ?? <em>{account.none}</em>}</span>
        {value !== null && isVerified && <span className="badge">{account.verified}</span>}
        {change && (
          <a href={to(change[0])} aria-label={change[1]}>
            {account.change}
          </a>
        )}
      </dd>
    </div>
  );
}
