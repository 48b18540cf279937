import type { ReactNode } from 'react';

import { useHasOutbox } from './outbox.ts';
import { CHOICES, prefer, usePreferences, type PreferenceName } from './preferences.ts';
import { Choice } from './ui/choice.tsx';
import { useWords } from './words/index.ts';

const NAMES = Object.keys(CHOICES) as PreferenceName[];

/** The switches: which client, how the stream travels, language and appearance. */
export function Settings(): ReactNode {
  const words = useWords();
  const preferences = usePreferences();
  const inDevelopment = useHasOutbox();
  return (
    <>
      <button type="button" className="bar-button" popoverTarget="settings">
        {words.nav.settings}
      </button>
      <div id="settings" popover="auto" className="settings" role="dialog" aria-label={words.nav.settings}>
        {NAMES.map((name) => (
          <Choice
            key={name}
            label={words.settings[name]}
            options={CHOICES[name]}
            chosen={preferences[name]}
            nameOf={(option) => words.settings.choices[option]}
            onChoose={(option) => {
              prefer({ [name]: option });
            }}
          />
        ))}
        {inDevelopment && (
          <p className="settings-links">
            <a href="/dev/outbox">{words.nav.outbox}</a>
            <a href="/">{words.nav.graphiql}</a>
          </p>
        )}
      </div>
    </>
  );
}
