// Starts GraphiQL on this broker's own endpoint; everything it needs comes from this server.
"use strict";

const FIRST_QUERY = `# The Poznań information broker.
# Ctrl-Enter runs the query, Ctrl-Space completes a name.
# The book on the left is the whole documentation.

query FirstLook {
  # One search over every source. A typing error or a
  # missing Polish letter does no harm.
  search(text: "zolw", first: 3) {
    totalCount
    nodes { title dataset score }
  }
  # Five districts, with their area in square metres.
  districts(first: 5, orderBy: [{ name: ASC }]) {
    totalCount
    nodes { name area }
  }
  # Where it all comes from, and how fresh it is.
  sources {
    title
    datasets { id recordCount fetchedAt stale }
  }
}
`;

async function fetcher(request) {
  const response = await fetch("graphql", {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: "application/graphql-response+json, application/json;q=0.9",
    },
    body: JSON.stringify(request),
  });
  return response.json();
}

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, {
    fetcher,
    defaultQuery: FIRST_QUERY,
    isHeadersEditorEnabled: false,
    defaultEditorToolsVisibility: false,
  }),
);
