import './styles/tokens.css';
import './styles/base.css';
import './styles/forms.css';
import './styles/code.css';
import './styles/account.css';

import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { App } from './app.tsx';

const container = document.getElementById('app');
if (!container) throw new Error('The element #app is missing.');

createRoot(container).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
