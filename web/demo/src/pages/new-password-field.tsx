import { PasswordPolicyDocument, type PasswordPolicyQuery } from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { useStack } from '../stack/stack.ts';
import type { Trouble } from '../ui/explain.ts';
import { PasswordField } from '../ui/password-field.tsx';
import { useWords, type Words } from '../words/index.ts';

export interface NewPasswordFieldProps {
  readonly name: string;
  readonly label: string;
  readonly trouble: Trouble | null;
}

/** A new password, with the service's rules below it, ticked off as they are met. The service has the last word. */
export function NewPasswordField({ name, label, trouble }: NewPasswordFieldProps): ReactNode {
  const words = useWords();
  const { data } = useStack().useQuery(PasswordPolicyDocument, {});
  const [typed, setTyped] = useState('');
  return (
    <PasswordField
      name={name}
      label={label}
      autoComplete="new-password"
      error={violations(trouble, words)}
      onInput={(event) => {
        setTyped(event.currentTarget.value);
      }}
      hint={
        data && (
          <ul className="rules">
            {rules(data.passwordPolicy, words).map(({ text, isMet }) => (
              <li key={text} data-met={isMet(typed)}>
                {text}
              </li>
            ))}
          </ul>
        )
      }
    />
  );
}

interface Rule {
  readonly text: string;
  readonly isMet: (password: string) => boolean;
}

function rules(policy: PasswordPolicyQuery['passwordPolicy'], { password }: Words): readonly Rule[] {
  return [
    { text: password.length(policy.minLength), isMet: (typed: string) => Array.from(typed).length >= policy.minLength },
    policy.requiresLowercase && { text: password.lower, isMet: (typed: string) => /\p{Ll}/u.test(typed) },
    policy.requiresUppercase && { text: password.upper, isMet: (typed: string) => /\p{Lu}/u.test(typed) },
    policy.requiresDigit && { text: password.digit, isMet: (typed: string) => /\p{Nd}/u.test(typed) },
    policy.requiresSymbol && { text: password.symbol, isMet: (typed: string) => /[^\p{L}\p{Nd}\s]/u.test(typed) },
  ].filter((rule) => rule !== false);
}

function violations(trouble: Trouble | null, { password }: Words): string | null {
  if (trouble?.__typename !== 'PasswordRejected' || !('violations' in trouble)) return null;
  const named = trouble.violations as readonly (keyof typeof password.violations)[];
  return named.map((violation) => password.violations[violation]).join(' ');
}
