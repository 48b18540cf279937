import { MeDocument, UpdateProfileDocument, type UserPartsFragment } from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { profileChange } from '../profile.ts';
import { go, to } from '../routes.ts';
import { useStack } from '../stack/stack.ts';
import { useTexts } from '../texts/index.ts';
import { Button } from '../ui/button.tsx';
import { explain, fieldErrors, type OperationError } from '../ui/explain.ts';
import { Field } from '../ui/field.tsx';
import { Form, type Values } from '../ui/form.tsx';
import { ErrorNotice } from '../ui/notice.tsx';
import { Page } from '../ui/page.tsx';

/** Refusals that are shown at their field instead of in a notice. */
const FIELD_ERRORS = ['InvalidInput', 'NicknameTaken'];

/** Edits the profile fields that need no verification: name, nickname and picture. */
export function EditProfile(): ReactNode {
  const { account, change, editProfile } = useTexts();
  const { data, failure, reload } = useStack().useQuery(MeDocument, {});
  const me = data?.me;
  if (!me) {
    return (
      <Page title={editProfile.title} lead={failure ? undefined : account.loading}>
        <ErrorNotice error={failure} />
        {failure && <Button onClick={reload}>{account.retry}</Button>}
      </Page>
    );
  }
  return (
    <Page title={editProfile.title} lead={editProfile.lead} footer={<a href={to('/account')}>{change.back}</a>}>
      <ProfileForm me={me} />
    </Page>
  );
}

function ProfileForm({ me }: { readonly me: UserPartsFragment }): ReactNode {
  const texts = useTexts();
  const updateProfile = useStack().useMutation(UpdateProfileDocument);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<OperationError | null>(null);
  const errors = fieldErrors(error);
  const taken = error?.__typename === 'NicknameTaken' ? explain(error, texts) : undefined;

  const submit = async (values: Values): Promise<void> => {
    setBusy(true);
    setError(null);
    const { data, failure } = await updateProfile({ input: profileChange(me, values) });
    setBusy(false);
    if (failure) setError(failure);
    else if (data.updateProfile.__typename !== 'UpdateProfilePayload') setError(data.updateProfile);
    else go('/account', 'profileChanged');
  };

  return (
    <Form busy={busy} result={error} onSubmit={(values) => void submit(values)}>
      <Field
        name="name"
        label={texts.fields.name}
        autoComplete="name"
        required={false}
        defaultValue={me.name ?? ''}
        error={errors.get('name')}
      />
      <Field
        name="nickname"
        label={texts.fields.nickname}
        autoComplete="nickname"
        required={false}
        defaultValue={me.nickname ?? ''}
        hint={texts.editProfile.nicknameHint}
        error={taken ?? errors.get('nickname')}
      />
      <Field
        name="profileImageUrl"
        type="url"
        label={texts.fields.picture}
        autoComplete="photo"
        required={false}
        defaultValue={me.profileImageUrl ?? ''}
        hint={texts.editProfile.pictureHint}
        error={errors.get('profileImageUrl')}
      />
      {error && !FIELD_ERRORS.includes(error.__typename) && <ErrorNotice error={error} />}
      <Button type="submit" busy={busy}>
        {texts.editProfile.save}
      </Button>
    </Form>
  );
}
