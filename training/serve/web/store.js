// What this browser remembers: conversations and settings of one model.
// Where storage is off or full, the page works on without it.

const facts = JSON.parse(document.getElementById("facts").textContent);
const MOST_TALKS = 100;
const DEFAULTS = {
  temperature: facts.temperature,
  maxTokens: Math.min(facts.max_tokens, Math.max(1, facts.context - 1)),
  system: "",
  both: Boolean(facts.before),
  history: true,
};

const store = {
  key: `identity-ops/${facts.after}`,
  talks: [], // newest first: {id, turns: [{question, answers: {after: {...}, before: {...}}}]}
  settings: { ...DEFAULTS },

  load() {
    try {
      const found = JSON.parse(localStorage.getItem(this.key)) || {};
      this.talks = (found.talks || []).filter(isTalk);
      for (const talk of this.talks) talk.turns.forEach(endAnswers);
      for (const name of Object.keys(DEFAULTS)) {
        const value = found.settings?.[name];
        if (typeof value === typeof DEFAULTS[name]) this.settings[name] = value;
      }
      if (!facts.before) this.settings.both = false;
    } catch {
      // Unreadable: begin anew.
    }
  },

  save() {
    this.talks.length = Math.min(this.talks.length, MOST_TALKS);
    for (let kept = this.talks.length; ; kept >>= 1) {
      try {
        const data = { talks: this.talks.slice(0, kept), settings: this.settings };
        localStorage.setItem(this.key, JSON.stringify(data));
        return;
      } catch {
        if (!kept) return; // not even the settings fit, or storage is off; else keep the newer half
      }
    }
  },

  begin() {
    const talk = { id: `${Date.now()}-${Math.random().toString(36).slice(2, 8)}`, turns: [] };
    this.talks.unshift(talk);
    return talk;
  },

  drop(talk) {
    this.talks = this.talks.filter((other) => other !== talk);
    this.save();
  },
};

function isTalk(talk) {
  const isAnswer = (answer) => typeof answer?.text === "string";
  const isTurn = (turn) =>
    typeof turn?.question === "string" && Object.values(turn.answers).every(isAnswer);
  return typeof talk?.id === "string" && talk.turns.every(isTurn);
}

// The page was closed while these were being written.
function endAnswers(turn) {
  for (const answer of Object.values(turn.answers).filter((one) => one.busy)) {
    delete answer.busy;
    answer.stopped = true;
  }
}

// What a model reads of a conversation: its own earlier answers.
function messagesFor(side, talk, upTo) {
  const { system, history } = store.settings;
  const messages = system.trim() ? [{ role: "system", content: system.trim() }] : [];
  for (const turn of history ? talk.turns.slice(0, upTo) : []) {
    const answer = turn.answers[side];
    if (!answer?.text || answer.error) continue;
    messages.push({ role: "user", content: turn.question });
    messages.push({ role: "assistant", content: answer.text });
  }
  messages.push({ role: "user", content: talk.turns[upTo].question });
  return messages;
}
