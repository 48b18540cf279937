import type { AuthenticationMethod } from '@countersign/client';
import { useStepUp, type UseStepUp } from '@countersign/client/react';
import { useEffect, useState, type ReactNode } from 'react';

import { useStack } from '../stack/stack.ts';
import { Button } from '../ui/button.tsx';
import { Choice } from '../ui/choice.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { useWords } from '../words/index.ts';
import { StepUpCode } from './step-up-code.tsx';
import { StepUpPassword } from './step-up-password.tsx';

/** Asks the person to authenticate again, while an operation of whichever page waits for that. */
export function StepUpDialog(): ReactNode {
  const stepUp = useStepUp(useStack().stepUp);
  return stepUp.phase === 'prompting' && <OpenDialog stepUp={stepUp} />;
}

function OpenDialog({ stepUp }: { readonly stepUp: UseStepUp }): ReactNode {
  const words = useWords();
  const { methods, cancel } = stepUp;
  const [chosen, setChosen] = useState<AuthenticationMethod | null>(null);
  // A refusal may take a method away.
  const method = methods.find((offered) => offered === chosen) ?? methods[0];

  // Another page has other operations.
  useEffect(() => {
    window.addEventListener('hashchange', cancel);
    return () => {
      window.removeEventListener('hashchange', cancel);
    };
  }, [cancel]);

  return (
    <Dialog title={words.stepUp.title} lead={words.stepUp.lead} onClose={cancel}>
      {method !== undefined && methods.length > 1 && (
        <Choice
          quiet
          label={words.stepUp.how}
          options={methods}
          chosen={method}
          nameOf={(option) => words.stepUp.methods[option]}
          onChoose={setChosen}
        />
      )}
      {method === 'PASSWORD' && <StepUpPassword stepUp={stepUp} />}
      {/* A code to one contact is not a code to the other. */}
      {method === 'PHONE_CODE' && <StepUpCode key="phone" kind="phone" stepUp={stepUp} />}
      {method === 'EMAIL_CODE' && <StepUpCode key="email" kind="email" stepUp={stepUp} />}
      <Button look="link" onClick={cancel}>
        {words.stepUp.cancel}
      </Button>
    </Dialog>
  );
}
