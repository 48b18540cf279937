import './workers.ts';

import 'graphiql/style.css';
import './style.css';

import { createRoot } from 'react-dom/client';

import { hasOutbox } from './outbox/outbox.ts';
import { Page } from './page.tsx';

const container = document.getElementById('page');
if (!container) throw new Error('The element #page is missing.');

createRoot(container).render(<Page isDevelopment={await hasOutbox()} />);
