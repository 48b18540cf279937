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
import { useTexts } from './texts/index.ts';

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
  const texts = useTexts();
  const { client, stream, theme } = usePreferences();
  const signedIn = useSignedIn(session);
  const route = useRoute();
  const allowed = allowedRoute(route, signedIn);
  const Stack = STACKS[client];

  useEffect(() => {
    if (allowed !== route) go(allowed);
  }, [allowed, route]);
  useEffect(() => {
    document.documentElement.lang = texts.locale;
    document.documentElement.dataset['theme'] = theme;
  }, [texts.locale, theme]);

  return (
    <Suspense>
      {/* A button instead of a link, because fragments are routes. */}
      <button type="button" className="skip" onClick={() => document.getElementById('content')?.focus()}>
        {texts.nav.skip}
      </button>
      <header className="bar">
        <span className="brand">
          <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width="28" height="28" />
          {texts.brand}
        </span>
        <Settings />
      </header>
      <main id="content" tabIndex={-1}>
        {/* A separate boundary keeps the settings visible while another client is loaded. */}
        <Suspense>
          {/* A new client after each sign-in and sign-out, so that no cached data of another account remains. */}
          <Stack key={`${client} ${stream} ${String(signedIn)}`} stream={stream}>
            <div className="page-transition" key={allowed}>
              {PAGES[allowed]()}
            </div>
            <StepUpDialog />
          </Stack>
        </Suspense>
      </main>
    </Suspense>
  );
}

/** Redirects to the account page or to the sign-in page, depending on the session. */
function allowedRoute(route: Route, signedIn: boolean): Route {
  // A change can be undone with and without a session.
  if (route === '/undo') return route;
  const needsAccount = route.startsWith('/account');
  if (needsAccount === signedIn) return route;
  return signedIn ? '/account' : '/sign-in';
}
