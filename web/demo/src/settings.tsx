import type { ReactNode } from 'react';

import { useHasOutbox } from './outbox.ts';
import { CHOICES, setPreferences, usePreferences, type PreferenceName } from './preferences.ts';
import { useTexts } from './texts/index.ts';
import { Choice } from './ui/choice.tsx';

const NAMES = Object.keys(CHOICES) as PreferenceName[];

/** Settings: GraphQL client, transport, language and appearance. */
export function Settings(): ReactNode {
  const texts = useTexts();
  const preferences = usePreferences();
  const inDevelopment = useHasOutbox();
  return (
    <>
      <button type="button" className="bar-button" popoverTarget="settings">
        {texts.nav.settings}
      </button>
      <div id="settings" popover="auto" className="settings" role="dialog" aria-label={texts.nav.settings}>
        {NAMES.map((name) => (
          <Choice
            key={name}
            label={texts.settings[name]}
            options={CHOICES[name]}
            chosen={preferences[name]}
            nameOf={(option) => texts.settings.choices[option]}
            onChoose={(option) => {
              setPreferences({ [name]: option });
            }}
          />
        ))}
        {inDevelopment && (
          <p className="settings-links">
            <a href="/dev/outbox">{texts.nav.outbox}</a>
            <a href="/">{texts.nav.graphiql}</a>
          </p>
        )}
      </div>
    </>
  );
}
