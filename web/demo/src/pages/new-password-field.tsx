import { PasswordPolicyDocument, type PasswordPolicyQuery } from '@countersign/client';
import { useState, type ReactNode } from 'react';

import { useStack } from '../stack/stack.ts';
import { useTexts, type Texts } from '../texts/index.ts';
import type { OperationError } from '../ui/explain.ts';
import { PasswordField } from '../ui/password-field.tsx';

export interface NewPasswordFieldProps {
  readonly name: string;
  readonly label: string;
  readonly error: OperationError | null;
}

/** A field for a new password with the rules of the password policy. The service makes the final decision. */
export function NewPasswordField({ name, label, error }: NewPasswordFieldProps): ReactNode {
  const texts = useTexts();
  const { data } = useStack().useQuery(PasswordPolicyDocument, {});
  const [typed, setTyped] = useState('');
  return (
    <PasswordField
      name={name}
      label={label}
      autoComplete="new-password"
      error={violations(error, texts)}
      onInput={(event) => {
        setTyped(event.currentTarget.value);
      }}
      hint={
        data && (
          <ul className="rules">
            {rules(data.passwordPolicy, texts).map(({ text, isMet }) => (
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

function rules(policy: PasswordPolicyQuery['passwordPolicy'], { password }: Texts): readonly Rule[] {
  return [
    { text: password.length(policy.minLength), isMet: (typed: string) => Array.from(typed).length >= policy.minLength },
    policy.requiresLowercase && { text: password.lowercase, isMet: (typed: string) => /\p{Ll}/u.test(typed) },
    policy.requiresUppercase && { text: password.uppercase, isMet: (typed: string) => /\p{Lu}/u.test(typed) },
    policy.requiresDigit && { text: password.digit, isMet: (typed: string) => /\p{Nd}/u.test(typed) },
    policy.requiresSymbol && { text: password.symbol, isMet: (typed: string) => /[^\p{L}\p{Nd}\s]/u.test(typed) },
  ].filter((rule) => rule !== false);
}

function violations(error: OperationError | null, { password }: Texts): string | null {
  if (error?.__typename !== 'PasswordRejected' || !('violations' in error)) return null;
  const named = error.violations as readonly (keyof typeof password.violations)[];
  return named.map((violation) => password.violations[violation]).join(' ');
}
