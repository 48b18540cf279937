import type { AuthenticationMethod } from '@countersign/client';
import { useStepUp, type UseStepUp } from '@countersign/client/react';
import { useEffect, useState, type ReactNode } from 'react';

import { useStack } from '../stack/stack.ts';
import { useTexts } from '../texts/index.ts';
import { Button } from '../ui/button.tsx';
import { Choice } from '../ui/choice.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { StepUpCode } from './step-up-code.tsx';
import { StepUpPassword } from './step-up-password.tsx';

/** Prompts for reauthentication while an operation of any page waits for it. */
export function StepUpDialog(): ReactNode {
  const stepUp = useStepUp(useStack().stepUp);
  return stepUp.phase === 'prompting' && <OpenDialog stepUp={stepUp} />;
}

function OpenDialog({ stepUp }: { readonly stepUp: UseStepUp }): ReactNode {
  const texts = useTexts();
  const { methods, cancel } = stepUp;
  const [chosen, setChosen] = useState<AuthenticationMethod | null>(null);
  // A refusal may remove a method.
  const method = methods.find((offered) => offered === chosen) ?? methods[0];

  // Operations of the previous page are canceled on navigation.
  useEffect(() => {
    window.addEventListener('hashchange', cancel);
    return () => {
      window.removeEventListener('hashchange', cancel);
    };
  }, [cancel]);

  return (
    <Dialog title={texts.stepUp.title} lead={texts.stepUp.lead} onClose={cancel}>
      {method !== undefined && methods.length > 1 && (
        <Choice
          hideLabel
          label={texts.stepUp.methodLabel}
          options={methods}
          chosen={method}
          nameOf={(option) => texts.stepUp.methods[option]}
          onChoose={setChosen}
        />
      )}
      {method === 'PASSWORD' && <StepUpPassword stepUp={stepUp} />}
      {/* The keys separate the verifications of the two contacts. */}
      {method === 'PHONE_CODE' && <StepUpCode key="phone" kind="phone" stepUp={stepUp} />}
      {method === 'EMAIL_CODE' && <StepUpCode key="email" kind="email" stepUp={stepUp} />}
      <Button variant="link" onClick={cancel}>
        {texts.stepUp.cancel}
      </Button>
    </Dialog>
  );
}
