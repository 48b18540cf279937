import { useSignedIn } from '@countersign/client/react';
import { lazy, Suspense, useEffect, type ReactNode } from 'react';

import { Account } from './pages/account.tsx';
import { ChangeContact } from './pages/change-contact.tsx';
import { ChangePassword } from './pages/change-password.tsx';
import { DeleteAccount } from './pages/delete-account.tsx';
import { EditProfile } from './pages/edit-profile.tsx';
import { Reset } from './pages/reset.tsx';
import { SignIn } from './pages/sign-in.tsx';
import { SignUp } from './pages/sign-up.tsx';
import { Undo } from './pages/undo.tsx';
import { usePreferences } from './preferences.ts';
import { go, useRoute, type Route } from './routes.ts';
import { session } from './service.ts';
import { Settings } from './settings.tsx';
import { StepUpDialog } from './step-up/step-up-dialog.tsx';
import { useWords } from './words/index.ts';

/** Only the chosen client is loaded. */
const STACKS = {
  apollo: lazy(() => import('./stack/apollo.tsx').then(({ ApolloStack }) => ({ default: ApolloStack }))),
  urql: lazy(() => import('./stack/urql.tsx').then(({ UrqlStack }) => ({ default: UrqlStack }))),
};

const PAGES: Readonly<Record<Route, () => ReactNode>> = {
  '/sign-in': () => <SignIn />,
  '/sign-up': () => <SignUp />,
  '/reset': () => <Reset />,
  '/account': () => <Account />,
  '/account/profile': () => <EditProfile />,
  '/account/phone': () => <ChangeContact kind="phone" />,
  '/account/email': () => <ChangeContact kind="email" />,
  '/account/password': () => <ChangePassword />,
  '/account/delete': () => <DeleteAccount />,
  '/undo': () => <Undo />,
};

export function App(): ReactNode {
  const words = useWords();
  const { client, stream, theme } = usePreferences();
  const signedIn = useSignedIn(session);
  const route = useRoute();
  const allowed = allowedRoute(route, signedIn);
  const Stack = STACKS[client];

  useEffect(() => {
    if (allowed !== route) go(allowed);
  }, [allowed, route]);
  useEffect(() => {
    document.documentElement.lang = words.locale;
    document.documentElement.dataset['theme'] = theme;
  }, [words.locale, theme]);

  return (
    <Suspense>
      {/* A button, for fragments are the routes here. */}
      <button type="button" className="skip" onClick={() => document.getElementById('content')?.focus()}>
        {words.nav.skip}
      </button>
      <header className="bar">
        <span className="brand">
          <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width="28" height="28" />
          {words.brand}
        </span>
        <Settings />
      </header>
      <main id="content" tabIndex={-1}>
        {/* Of its own, so that the switches stay in sight while another client is loaded. */}
        <Suspense>
          {/* A new client for each identity: nothing of one person is left in a cache for the next. */}
          <Stack key={`${client} ${stream} ${String(signedIn)}`} stream={stream}>
            <div className="stage" key={allowed}>
              {PAGES[allowed]()}
            </div>
            <StepUpDialog />
          </Stack>
        </Suspense>
      </main>
    </Suspense>
  );
}

/** Who is signed in has an account to see; who is not has to sign in first. */
function allowedRoute(route: Route, signedIn: boolean): Route {
  // Whoever undoes a change may be signed in, or not.
  if (route === '/undo') return route;
  const needsAccount = route.startsWith('/account');
  if (needsAccount === signedIn) return route;
  return signedIn ? '/account' : '/sign-in';
}
