import { useState, type ReactNode } from 'react';

import { useTexts } from '../texts/index.ts';
import { Field, type FieldProps } from './field.tsx';

/** A password field with a button that shows the password, instead of a second field to repeat it. */
export function PasswordField(props: FieldProps): ReactNode {
  const { fields } = useTexts();
  const [shown, setShown] = useState(false);
  return (
    <Field
      {...props}
      type={shown ? 'text' : 'password'}
      autoCapitalize="off"
      autoCorrect="off"
      spellCheck={false}
      suffix={
        <button
          type="button"
          className="field-suffix"
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
