import { useGraphiQL } from '@graphiql/react';
import { useEffect } from 'react';

import { Carrier, onFound } from './carrier.ts';
import { fillHeaders, fillVariables } from './values.ts';

const carrier = new Carrier();

/** Fills ids, codes and tokens into the variables and headers of the tab at hand as they come up. Shows nothing. */
export function Carry(): null {
  const variables = useGraphiQL((state) => state.variableEditor);
  const headers = useGraphiQL((state) => state.headerEditor);
  const tab = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.id);

  useEffect(() => {
    if (!variables || !headers || tab === undefined) return;
    const fill = (): void => {
      const values = carrier.deliver(tab);
      const filled = [fillVariables(variables.getValue(), values), fillHeaders(headers.getValue(), values)] as const;
      if (filled[0] !== null) variables.setValue(filled[0]);
      if (filled[1] !== null) headers.setValue(filled[1]);
    };
    fill();
    return onFound((values) => {
      carrier.take(values, tab);
      fill();
    });
  }, [variables, headers, tab]);

  return null;
}
