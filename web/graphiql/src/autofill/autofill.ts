import { useGraphiQL } from '@graphiql/react';
import { useEffect } from 'react';

import { AutofillStore, onValues } from './autofill-store.ts';
import { fillHeaders, fillVariables } from './values.ts';

const store = new AutofillStore();

/** Fills new ids, codes and tokens into the variables and headers of the active tab. Renders nothing. */
export function Autofill(): null {
  const variables = useGraphiQL((state) => state.variableEditor);
  const headers = useGraphiQL((state) => state.headerEditor);
  const tab = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.id);

  useEffect(() => {
    if (!variables || !headers || tab === undefined) return;
    const fill = (): void => {
      const values = store.takeNew(tab);
      const filled = [fillVariables(variables.getValue(), values), fillHeaders(headers.getValue(), values)] as const;
      if (filled[0] !== null) variables.setValue(filled[0]);
      if (filled[1] !== null) headers.setValue(filled[1]);
    };
    fill();
    return onValues((values) => {
      store.add(values, tab);
      fill();
    });
  }, [variables, headers, tab]);

  return null;
}
