import { useState, type ReactNode } from 'react';

import { useWords } from '../words/index.ts';
import { Field, type FieldProps } from './field.tsx';

/** A password that can be looked at: typing it right once is better than typing it twice. */
export function PasswordField(props: FieldProps): ReactNode {
  const { fields } = useWords();
  const [shown, setShown] = useState(false);
  return (
    <Field
      {...props}
      type={shown ? 'text' : 'password'}
      autoCapitalize="off"
      autoCorrect="off"
      spellCheck={false}
      addition={
        <button
          type="button"
          className="field-addition"
          aria-pressed={shown}
          aria-label={fields.showPassword}
          onClick={() => {
            setShown(!shown);
          }}
        >
          {shown ? fields.hide : fields.show}
        </button>
      }
    />
  );
}
