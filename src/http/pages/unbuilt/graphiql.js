// Loads GraphiQL from the CDN.
async function load() {
  const [{ createElement }, { createRoot }, { GraphiQL, HISTORY_PLUGIN }, { createGraphiQLFetcher }, { createClient }] =
    await Promise.all(
      [
        "react",
        "react-dom/client",
        "graphiql",
        "@graphiql/toolkit",
        "graphql-ws",
        "graphiql/setup-workers/esm.sh",
      ].map((name) => import(name)),
    );
  return () => {
    const sheet = document.createElement("link");
    sheet.rel = "stylesheet";
    sheet.href = "https://esm.sh/graphiql@5.4.0/dist/style.css";
    document.head.append(sheet);
    const socketUrl = Object.assign(new URL("/graphql", location.href), {
      protocol: location.protocol === "https:" ? "wss:" : "ws:",
    });
    const place = document.createElement("div");
    place.id = "graphiql";
    document.body.replaceChildren(place);
    createRoot(place).render(
      createElement(GraphiQL, {
        fetcher: createGraphiQLFetcher({ url: "/graphql", wsClient: createClient({ url: socketUrl.href }) }),
        defaultTabs: steps.map(({ query, variables }) => ({ query, variables: pretty(variables) })),
        plugins: [HISTORY_PLUGIN],
        shouldPersistHeaders: true,
        defaultEditorToolsVisibility: "variables",
      }),
    );
  };
}

// On a network without internet access, the requests may take minutes to fail.
const TIMEOUT_MS = 6000;
Promise.race([load(), new Promise((_, reject) => setTimeout(reject, TIMEOUT_MS))]).then((show) => show(), showConsole);
