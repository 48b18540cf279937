import { MeDocument, UpdateProfileDocument, type UserPartsFragment } from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { profileChange } from '../profile.ts';
import { go, to } from '../routes.ts';
import { useStack } from '../stack/stack.ts';
import { Button } from '../ui/button.tsx';
import { explain, fieldErrors, type Trouble } from '../ui/explain.ts';
import { Field } from '../ui/field.tsx';
import { Form, type Values } from '../ui/form.tsx';
import { TroubleNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';
import { useWords } from '../words/index.ts';

/** Refusals that are shown beside their field and need no notice. */
const AT_A_FIELD = ['InvalidInput', 'NicknameTaken'];

/** What a person may change of the account without a code: name, nickname and picture. */
export function EditProfile(): ReactNode {
  const { account, change, editProfile } = useWords();
  const { data, failure, reload } = useStack().useQuery(MeDocument, {});
  const me = data?.me;
  if (!me) {
    return (
      <Page title={editProfile.title} lead={failure ? undefined : account.loading}>
        <TroubleNotice trouble={failure} />
        {failure && <Button onClick={reload}>{account.again}</Button>}
      </Page>
    );
  }
  return (
    <Page title={editProfile.title} lead={editProfile.lead} foot={<a href={to('/account')}>{change.back}</a>}>
      <ProfileForm me={me} />
    </Page>
  );
}

function ProfileForm({ me }: { readonly me: UserPartsFragment }): ReactNode {
  const words = useWords();
  const updateProfile = useStack().useMutation(UpdateProfileDocument);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const faults = fieldErrors(trouble);
  const taken = trouble?.__typename === 'NicknameTaken' ? explain(trouble, words) : undefined;

  const submit = async (values: Values): Promise<void> => {
    setBusy(true);
    setTrouble(null);
    const { data, failure } = await updateProfile({ input: profileChange(me, values) });
    setBusy(false);
    if (failure) setTrouble(failure);
    else if (data.updateProfile.__typename !== 'UpdateProfilePayload') setTrouble(data.updateProfile);
    else go('/account', 'profileChanged');
  };

  return (
    <Form busy={busy} answer={trouble} onSubmit={(values) => void submit(values)}>
      <Field
        name="name"
        label={words.fields.name}
        autoComplete="name"
        required={false}
        defaultValue={me.name ?? ''}
        error={faults.get('name')}
      />
      <Field
        name="nickname"
        label={words.fields.nickname}
        autoComplete="nickname"
        required={false}
        defaultValue={me.nickname ?? ''}
        hint={words.editProfile.nicknameHint}
        error={taken ?? faults.get('nickname')}
      />
      <Field
        name="profileImageUrl"
        type="url"
        label={words.fields.picture}
        autoComplete="photo"
        required={false}
        defaultValue={me.profileImageUrl ?? ''}
        hint={words.editProfile.pictureHint}
        error={faults.get('profileImageUrl')}
      />
      {trouble && !AT_A_FIELD.includes(trouble.__typename) && <TroubleNotice trouble={trouble} />}
      <Button type="submit" busy={busy}>
        {words.editProfile.save}
      </Button>
    </Form>
  );
}
