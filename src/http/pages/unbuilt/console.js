// A plain console, where GraphiQL does not come: the same steps, with nothing from elsewhere.
function showConsole() {
  const found = (id) => document.getElementById(id);
  const [query, variables, token, output] = ["query", "variables", "token", "output"].map(found);
  let running;

  const fill = ({ query: text, variables: given }, button) => {
    query.value = text;
    variables.value = pretty(given);
    for (const other of found("steps").children) other.setAttribute("aria-pressed", String(other === button));
  };
  for (const step of steps) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = step.name;
    button.addEventListener("click", () => fill(step, button));
    found("steps").append(button);
  }
  fill(steps[0], found("steps").firstChild);

  const say = (value) => {
    output.textContent += `${typeof value === "string" ? value : pretty(value)}\n`;
    output.scrollTop = output.scrollHeight;
  };
  // What a step answers is what the next ones ask for.
  const carryOver = (answer) => {
    const text = JSON.stringify(answer);
    const id = /"(ver_[\w-]+)"/.exec(text)?.[1];
    const proof = /"token":"([0-9a-f]{64})"/.exec(text)?.[1];
    for (const { variables: given } of steps) {
      if (id && "id" in given) given.id = id;
      if (id && given.input && "verificationId" in given.input) given.input.verificationId = id;
      if (proof && given.input && "proofToken" in given.input) given.input.proofToken = proof;
    }
  };
  const tell = (answer) => {
    carryOver(answer);
    say(answer);
  };

  const run = async () => {
    running?.abort();
    const mine = (running = new AbortController());
    output.textContent = "";
    let given;
    try {
      given = variables.value.trim() === "" ? {} : JSON.parse(variables.value);
    } catch (error) {
      say(`The variables are no JSON: ${error.message}`);
      return;
    }
    try {
      const response = await fetch("/graphql", {
        method: "POST",
        signal: mine.signal,
        headers: {
          "content-type": "application/json",
          // One answer, or one event for each change of what is watched.
          accept: /^\s*subscription\b/m.test(query.value) ? "text/event-stream" : "application/json",
          ...(token.value.trim() !== "" && { authorization: `Bearer ${token.value.trim()}` }),
        },
        body: JSON.stringify({ query: query.value, variables: given }),
      });
      if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
        tell(await response.json());
        return;
      }
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        const events = (rest + value).split("\n\n");
        rest = events.pop();
        for (const event of events) {
          const data = /^data: ?(.+)$/m.exec(event)?.[1];
          if (data) tell(JSON.parse(data));
        }
      }
      say("The stream has ended.");
    } catch (error) {
      if (!mine.signal.aborted) say(`No answer: ${error.message}`);
    }
  };
  found("run").addEventListener("click", run);
  found("stop").addEventListener("click", () => {
    running?.abort();
    say("Stopped.");
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
  });
  found("waiting").hidden = true;
  found("console").hidden = false;
}
