import { describe, expect, it, vi } from 'vitest';

import { activeTab } from '../src/active-tab.ts';

vi.mock('../src/flows/index.ts', () => ({ FLOWS: [{ query: 'first', variables: '{}', headers: '{"a": "b"}' }] }));

const opened = (state: string | null) => activeTab({ getItem: (key) => (key === 'graphiql:tabState' ? state : null) });
const first = { initialQuery: 'first', initialVariables: '{}', initialHeaders: '{"a": "b"}' };

describe('the tab in front', () => {
  it('is the first flow on the first visit', () => {
    expect(opened(null)).toEqual(first);
  });

  it('is as it was left', () => {
    const tabs = [
      { query: '{ a }', variables: null, headers: null },
      { query: '{ b }', variables: '{"x": 1}', headers: '{"h": "1"}' },
    ];
    expect(opened(JSON.stringify({ tabs, activeTabIndex: 0 }))).toEqual({ initialQuery: '{ a }' });
    const second = { initialQuery: '{ b }', initialVariables: '{"x": 1}', initialHeaders: '{"h": "1"}' };
    expect(opened(JSON.stringify({ tabs, activeTabIndex: 1 }))).toEqual(second);
  });

  it.each(['', 'null', '{}', '{"tabs":[],"activeTabIndex":3}', '['])(
    'is the first flow where %j is remembered',
    (state) => {
      expect(opened(state)).toEqual(first);
    },
  );
});
