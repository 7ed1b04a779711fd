// Elements from data. Text goes in as text nodes only.

const $ = (id) => document.getElementById(id);
const SIDES = { before: "Before training", after: "After training" };

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function showTries(onTry) {
  const ask = (question) => () => onTry(question.text);
  $("tries").replaceChildren(
    ...facts.questions.map((question) =>
      make("button", { type: "button", click: ask(question) },
        make("small", {}, question.label), question.text)),
  );
  $("strip").replaceChildren(
    ...facts.questions.map((question) =>
      make("button", { type: "button", title: question.label, click: ask(question) }, question.text)),
  );
}

function showTalks(current, onOpen, onDrop) {
  $("talks").replaceChildren(
    ...store.talks.filter((talk) => talk.turns.length).map((talk) => {
      const title = talk.turns[0].question;
      return make("li", { class: talk === current ? "now" : undefined },
        make("button", {
          type: "button", class: "name", title, click: () => onOpen(talk),
          "aria-current": talk === current ? "true" : undefined,
        }, title),
        make("button", {
          type: "button", class: "drop", "aria-label": `Delete: ${title}`, click: () => onDrop(talk),
        }, "×"));
    }),
  );
  $("forget").hidden = !store.talks.length;
}

// The log of a conversation; onRetry(turnIndex) asks a turn again.
function showLog(talk, onRetry) {
  const turns = talk ? talk.turns : [];
  $("log").replaceChildren(...turns.map((turn, index) => turnView(turn, () => onRetry(index))));
  $("welcome").hidden = turns.length > 0;
  $("strip").hidden = !turns.length;
}

function turnView(turn, onRetry) {
  const sides = Object.keys(SIDES).filter((side) => turn.answers[side]);
  const cards = sides.map((side) => answerView(side, turn.answers[side], onRetry).card);
  return make("article", { class: "turn" },
    make("p", { class: "asked said" }, turn.question),
    make("div", { class: "answers" }, ...cards));
}

// A card and how to fill it: add(text) while it streams, finish() when `answer` is complete.
function answerView(side, answer, onRetry) {
  const text = make("p", { class: "said" });
  const footer = make("footer");
  const card = make("section", { class: `answer ${side}`, "aria-label": SIDES[side] });
  if (facts.before) {
    card.append(make("h3", {}, make("span", { class: `swatch ${side}` }), SIDES[side]));
  }
  card.append(text, footer);
  const finish = () => {
    card.removeAttribute("aria-busy");
    text.replaceChildren(...answerText(answer));
    footer.replaceChildren(make("span", {}, noteOf(answer)), ...buttonsOf(answer, onRetry));
  };
  if (answer.busy) card.setAttribute("aria-busy", "true");
  else finish();
  return { card, add: (piece) => text.append(piece), finish };
}

function answerText(answer) {
  const parts = answer.text || answer.error ? [answer.text] : [make("span", { class: "empty" }, "(no words)")];
  if (answer.error) parts.push(answer.text ? "\n" : "", make("span", { class: "wrong" }, answer.error));
  return parts;
}

function noteOf(answer) {
  const notes = [];
  if (answer.tokens !== undefined) notes.push(`${answer.tokens} tokens`);
  if (answer.seconds !== undefined) notes.push(`${answer.seconds.toFixed(1)} s`);
  if (answer.reason === "length") notes.push("cut at the limit");
  if (answer.stopped) notes.push("stopped");
  if (answer.leftOut) notes.push("without the oldest turns");
  return notes.join(" · ");
}

function buttonsOf(answer, onRetry) {
  if (answer.error || answer.stopped) {
    return [make("button", { type: "button", class: "link", click: onRetry }, "Ask again")];
  }
  const copy = async (event) => {
    await navigator.clipboard.writeText(answer.text);
    event.target.textContent = "Copied";
  };
  return navigator.clipboard ? [make("button", { type: "button", class: "link", click: copy }, "Copy")] : [];
}
