// The server's own OpenAI-compatible API, streamed.

class ApiError extends Error {}

// Yields {text}, then {reason, tokens}; first {leftOut} where old turns made room.
async function* answerOf(model, messages, signal) {
  const { temperature, maxTokens } = store.settings;
  const response = await fetch("v1/chat/completions", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model, messages, temperature, max_tokens: maxTokens, stream: true, truncation: "auto",
      stream_options: { include_usage: true },
    }),
    signal,
  });
  if (!response.ok) throw new ApiError(await messageOf(response));
  const leftOut = Number(response.headers.get("x-turns-left-out"));
  if (leftOut) yield { leftOut };
  let reason = "";
  for await (const event of eventsOf(response.body)) {
    if (event.error) throw new ApiError(event.error.message);
    const choice = event.choices[0];
    if (choice?.delta.content) yield { text: choice.delta.content };
    if (choice?.finish_reason) reason = choice.finish_reason;
    if (event.usage) yield { reason, tokens: event.usage.completion_tokens };
  }
  if (!reason) throw new ApiError("The connection ended before the answer did.");
}

async function messageOf(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `The server answered with status ${response.status}.`;
  }
}

// The JSON of each server-sent event, up to [DONE].
async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const data = event.replace(/^data: /, "");
      if (data === "[DONE]") return;
      yield JSON.parse(data);
    }
  }
}
