import { AvailabilityDocument } from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { useStack } from '../stack/stack.ts';
import { Field } from '../ui/field.tsx';
import { useWords } from '../words/index.ts';

/** A username, looked up when the person leaves the field: each look-up counts against a quota. */
export function UsernameField({ error }: { readonly error: string | undefined }): ReactNode {
  const words = useWords();
  const [asked, setAsked] = useState('');
  const { data } = useStack().useQuery(AvailabilityDocument, { input: { username: asked } }, { pause: asked === '' });
  const result = asked === '' ? undefined : data?.availability;
  const isTaken = result?.__typename === 'Availability' && !result.available;
  const fault = result?.__typename === 'InvalidInput' ? result.fields[0]?.message : undefined;
  return (
    <Field
      name="username"
      label={words.fields.username}
      autoComplete="username"
      autoCapitalize="off"
      autoCorrect="off"
      spellCheck={false}
      hint={result?.__typename === 'Availability' && result.available ? words.signUp.free : undefined}
      error={error ?? fault ?? (isTaken ? words.signUp.taken : undefined)}
      onInput={() => {
        setAsked('');
      }}
      onBlur={(event) => {
        setAsked(event.target.value.trim());
      }}
    />
  );
}
