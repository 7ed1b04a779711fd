// What happens when.

let current = null; // the conversation shown
let running = null; // AbortController of the answers being written

store.load();
showTries(ask);
refresh();
showSettings();
if (matchMedia("(hover: hover)").matches) $("question").focus();

function refresh() {
  showTalks(current, open, drop);
  showLog(current, (index) => answerTurn(current, index));
  $("scroll").scrollTop = $("scroll").scrollHeight;
}

function open(talk) {
  stop();
  current = talk;
  refresh();
  closePast();
  $("question").focus();
}

function drop(talk) {
  if (talk === current) {
    stop();
    current = null;
  }
  store.drop(talk);
  refresh();
  announce("Conversation deleted");
  ($("talks").querySelector("button") || $("fresh")).focus();
}

function ask(question) {
  if (running || !question.trim()) return;
  current ||= store.begin();
  current.turns.push({ question: question.trim(), answers: {} });
  $("question").value = "";
  grow();
  answerTurn(current, current.turns.length - 1);
}

async function answerTurn(talk, index) {
  if (running) return;
  const turn = talk.turns[index];
  talk.turns.length = index + 1; // what came after it answered something else
  turn.answers = {};
  const sides = store.settings.both ? ["before", "after"] : ["after"];
  for (const side of sides) turn.answers[side] = { text: "", busy: true };
  busy(new AbortController());
  refresh();
  const article = $("log").lastElementChild;
  const again = () => answerTurn(talk, index);
  const views = sides.map((side) => answerView(side, turn.answers[side], again));
  article.querySelector(".answers").replaceChildren(...views.map((view) => view.card));
  const { signal } = running;
  await Promise.all(sides.map((side, n) => fill(side, talk, index, views[n], signal)));
  busy(null);
  store.save();
  announce(turn.answers.after.error ? "The answer failed" : `${facts.name}: ${turn.answers.after.text}`);
}

async function fill(side, talk, index, view, signal) {
  const answer = talk.turns[index].answers[side];
  const since = performance.now();
  try {
    const model = side === "after" ? facts.after : facts.before;
    for await (const event of answerOf(model, messagesFor(side, talk, index), signal)) {
      if (event.text) {
        answer.text += event.text;
        follow(() => view.add(event.text));
      } else {
        Object.assign(answer, event);
      }
    }
  } catch (error) {
    if (signal.aborted) answer.stopped = true;
    else if (error instanceof ApiError) answer.error = error.message;
    else answer.error = "The server cannot be reached. Is it still running?";
  }
  answer.seconds = (performance.now() - since) / 1000;
  delete answer.busy;
  follow(view.finish);
}

// Keep the end in view where it was in view before.
function follow(change) {
  const scroll = $("scroll");
  const atEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 60;
  change();
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
}

function busy(controller) {
  const focused = document.activeElement === $("stop") || document.activeElement === $("send");
  running = controller;
  $("send").hidden = Boolean(running);
  $("stop").hidden = !running;
  for (const button of document.querySelectorAll("#tries button, #strip button")) {
    button.disabled = Boolean(running);
  }
  if (focused) $(running ? "stop" : "question").focus();
}

function stop() {
  running?.abort();
}

function announce(text) {
  $("said").textContent = text;
}

function grow() {
  const box = $("question");
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
}

function closePast() {
  $("past").classList.remove("open");
  $("shade").hidden = true;
  $("menu").setAttribute("aria-expanded", "false");
}

function showSettings() {
  const { temperature, maxTokens, system, history, both } = store.settings;
  $("temperature").value = temperature;
  $("temperature-shown").textContent = Number(temperature).toFixed(1);
  $("max-tokens").value = maxTokens;
  $("system").value = system;
  $("history").checked = history;
  if ($("both")) $("both").checked = both;
}

function takeSettings() {
  const most = Math.max(1, facts.context - 1);
  const wanted = Math.round(Number($("max-tokens").value)) || DEFAULTS.maxTokens;
  Object.assign(store.settings, {
    temperature: Number($("temperature").value),
    maxTokens: Math.min(Math.max(1, wanted), most),
    system: $("system").value,
    history: $("history").checked,
  });
  store.save();
}

$("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  ask($("question").value);
});
$("question").addEventListener("input", grow);
$("question").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    ask($("question").value);
  } else if (event.key === "ArrowUp" && !$("question").value && current?.turns.length) {
    event.preventDefault();
    $("question").value = current.turns.at(-1).question;
    grow();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || $("settings").open) return;
  if ($("past").classList.contains("open")) {
    closePast();
    $("menu").focus();
  } else {
    stop();
  }
});
$("stop").addEventListener("click", stop);
$("fresh").addEventListener("click", () => open(null));
$("forget").addEventListener("click", () => {
  if (!confirm("Delete all conversations kept in this browser?")) return;
  store.talks = [];
  store.save();
  open(null);
});
$("menu").addEventListener("click", () => {
  $("past").classList.add("open");
  $("shade").hidden = false;
  $("menu").setAttribute("aria-expanded", "true");
  $("fresh").focus();
});
$("shade").addEventListener("click", closePast);
$("gear").addEventListener("click", () => {
  showSettings();
  $("settings").showModal();
});
$("settings").addEventListener("close", takeSettings);
$("temperature").addEventListener("input", () => {
  $("temperature-shown").textContent = Number($("temperature").value).toFixed(1);
});
$("defaults").addEventListener("click", () => {
  store.settings = { ...DEFAULTS, both: store.settings.both };
  showSettings();
});
$("both")?.addEventListener("change", () => {
  store.settings.both = $("both").checked;
  store.save();
});
addEventListener("pagehide", () => {
  if (running) store.save();
});
// Another tab saved: show what it knows, and do not write over it later.
addEventListener("storage", (event) => {
  if (event.key !== store.key || running) return;
  const shown = current?.id;
  store.load();
  current = store.talks.find((talk) => talk.id === shown) || null;
  refresh();
  showSettings();
});
