import {
  MeDocument,
  MySessionsDocument,
  SignOutDocument,
  SignOutEverywhereDocument,
  type UserPartsFragment,
} from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { readable } from '../phone.ts';
import { flashOf, to, type Flash, type Route } from '../routes.ts';
import { session } from '../service.ts';
import { useStack } from '../stack/stack.ts';
import { Button } from '../ui/button.tsx';
import { Notice, TroubleNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { useWords } from '../words/index.ts';
import { Devices } from './devices.tsx';

export function Account(): ReactNode {
  const words = useWords();
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
    // Whether or not the service could be told: this device forgets its tokens.
    await end();
    session.signOut();
  };

  const endEverywhere = async (): Promise<void> => {
    const { data } = await signOutEverywhere({ input: { deviceToken: session.deviceToken } });
    // The account has forgotten its devices, but for this one.
    session.storeDeviceToken(data?.signOutEverywhere.deviceToken ?? null);
  };

  if (!me) {
    return (
      <Page title={words.brand} lead={failure ? undefined : words.account.loading}>
        <TroubleNotice trouble={failure} />
        {failure && <Button onClick={reload}>{words.account.again}</Button>}
      </Page>
    );
  }
  return (
    <Page
      title={words.account.title(me.nickname ?? me.name ?? me.username)}
      foot={<a href={to('/account/delete')}>{words.account.delete}</a>}
    >
      {flash !== null && flash in words.account && (
        <Notice tone="good">{words.account[flash as keyof typeof words.account & Flash]}</Notice>
      )}
      <Profile me={me} />
      <Devices sessions={sessions.data?.me?.sessions.nodes ?? []} onEnded={sessions.reload} />
      <div className="ways">
        <Button look="quiet" busy={busy} onClick={() => void leave(() => signOut({}))}>
          {words.account.signOut}
        </Button>
        <Button look="link" busy={busy} onClick={() => void leave(endEverywhere)}>
          {words.account.signOutEverywhere}
        </Button>
      </div>
    </Page>
  );
}

function Profile({ me }: { readonly me: UserPartsFragment }): ReactNode {
  const { account, fields } = useWords();
  return (
    <section aria-labelledby="profile">
      <h2 id="profile">{account.profile}</h2>
      <dl className="facts">
        <Fact name={fields.username} value={me.username} />
        <Fact name={fields.name} value={me.name} change={['/account/profile', account.changeProfile]} />
        <Fact name={fields.nickname} value={me.nickname} />
        <Fact
          name={account.phone}
          value={me.phone === null ? null : readable(me.phone)}
          isConfirmed={me.phoneVerifiedAt !== null}
          change={['/account/phone', account.changePhone]}
        />
        <Fact
          name={account.email}
          value={me.email}
          isConfirmed={me.emailVerifiedAt !== null}
          change={['/account/email', account.changeEmail]}
        />
        <Fact name={fields.password} value="••••••••" change={['/account/password', account.changePassword]} />
      </dl>
    </section>
  );
}

interface FactProps {
  readonly name: string;
  readonly value: string | null;
  readonly isConfirmed?: boolean;
  /** Where it can be changed, and how that is called. */
  readonly change?: readonly [Route, string];
}

function Fact({ name, value, isConfirmed = false, change }: FactProps): ReactNode {
  const { account } = useWords();
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <span>{value ?? <em>{account.none}</em>}</span>
        {value !== null && isConfirmed && <span className="confirmed">{account.confirmed}</span>}
        {change && (
          <a href={to(change[0])} aria-label={change[1]}>
            {account.change}
          </a>
        )}
      </dd>
    </div>
  );
}
