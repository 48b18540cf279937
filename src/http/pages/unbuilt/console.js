// A plain console for networks without access to the CDN: the same steps, without external resources.
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

  const print = (value) => {
    output.textContent += `${typeof value === "string" ? value : pretty(value)}\n`;
    output.scrollTop = output.scrollHeight;
  };
  // Copies the ids and tokens of a response to the variables of the next steps.
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
  const show = (answer) => {
    carryOver(answer);
    print(answer);
  };

  const run = async () => {
    running?.abort();
    const controller = (running = new AbortController());
    output.textContent = "";
    let given;
    try {
      given = variables.value.trim() === "" ? {} : JSON.parse(variables.value);
    } catch (error) {
      print(`The variables are not valid JSON: ${error.message}`);
      return;
    }
    try {
      const response = await fetch("/graphql", {
        method: "POST",
        signal: controller.signal,
        headers: {
          "content-type": "application/json",
          // A single response, or an event for each change of a subscription.
          accept: /^\s*subscription\b/m.test(query.value) ? "text/event-stream" : "application/json",
          ...(token.value.trim() !== "" && { authorization: `Bearer ${token.value.trim()}` }),
        },
        body: JSON.stringify({ query: query.value, variables: given }),
      });
      if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
        show(await response.json());
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
          if (data) show(JSON.parse(data));
        }
      }
      print("The stream has ended.");
    } catch (error) {
      if (!controller.signal.aborted) print(`No response: ${error.message}`);
    }
  };
  found("run").addEventListener("click", run);
  found("stop").addEventListener("click", () => {
    running?.abort();
    print("Stopped.");
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
  });
  found("waiting").hidden = true;
  found("console").hidden = false;
}
