import { AvailabilityDocument } from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { useStack } from '../stack/stack.ts';
import { useTexts } from '../texts/index.ts';
import { Field } from '../ui/field.tsx';

/** A username field. It checks availability on blur, because each check counts towards a quota. */
export function UsernameField({ error }: { readonly error: string | undefined }): ReactNode {
  const texts = useTexts();
  const [checked, setChecked] = useState('');
  const { data } = useStack().useQuery(
    AvailabilityDocument,
    { input: { username: checked } },
    { pause: checked === '' },
  );
  const result = checked === '' ? undefined : data?.availability;
  const isTaken = result?.__typename === 'Availability' && !result.available;
  const fault = result?.__typename === 'InvalidInput' ? result.fields[0]?.message : undefined;
  return (
    <Field
      name="username"
      label={texts.fields.username}
      autoComplete="username"
      autoCapitalize="off"
      autoCorrect="off"
      spellCheck={false}
      hint={result?.__typename === 'Availability' && result.available ? texts.signUp.available : undefined}
      error={error ?? fault ?? (isTaken ? texts.signUp.taken : undefined)}
      onInput={() => {
        setChecked('');
      }}
      onBlur={(event) => {
        setChecked(event.target.value.trim());
      }}
    />
  );
}
