"""Small word lists and tests that the reading of labels, sentences and values shares."""

from __future__ import annotations

import re

# Base forms that open a bullet such as "Browse the web". Words that are as often nouns
# ("answer", "code") count as verbs here because a bullet opens with them.
BASE_VERBS = frozenset(
    [
        "accept",
        "access",
        "act",
        "add",
        "adjust",
        "admit",
        "advise",
        "analyse",
        "analyze",
        "answer",
        "apologise",
        "apologize",
        "apply",
        "approve",
        "ask",
        "assess",
        "assist",
        "attend",
        "avoid",
        "be",
        "become",
        "book",
        "break",
        "browse",
        "build",
        "buy",
        "calculate",
        "call",
        "carry",
        "change",
        "charge",
        "chat",
        "check",
        "choose",
        "claim",
        "classify",
        "click",
        "code",
        "compare",
        "complete",
        "compose",
        "compute",
        "connect",
        "control",
        "convert",
        "cook",
        "copy",
        "correct",
        "count",
        "create",
        "debug",
        "decide",
        "deliver",
        "describe",
        "detect",
        "diagnose",
        "discuss",
        "distinguish",
        "do",
        "download",
        "draft",
        "draw",
        "drive",
        "edit",
        "email",
        "encrypt",
        "enter",
        "evaluate",
        "execute",
        "expect",
        "explain",
        "extract",
        "fetch",
        "file",
        "fill",
        "find",
        "finish",
        "fix",
        "fly",
        "follow",
        "forget",
        "format",
        "generate",
        "get",
        "give",
        "go",
        "grade",
        "greet",
        "guarantee",
        "guess",
        "handle",
        "hear",
        "help",
        "hold",
        "identify",
        "ignore",
        "improve",
        "include",
        "install",
        "interpret",
        "invent",
        "issue",
        "judge",
        "keep",
        "know",
        "learn",
        "lie",
        "listen",
        "look",
        "maintain",
        "make",
        "manage",
        "measure",
        "meet",
        "memorise",
        "memorize",
        "monitor",
        "move",
        "name",
        "notice",
        "offer",
        "open",
        "operate",
        "order",
        "organise",
        "organize",
        "parse",
        "pay",
        "perform",
        "place",
        "plan",
        "play",
        "post",
        "predict",
        "prescribe",
        "prevent",
        "print",
        "process",
        "produce",
        "prove",
        "provide",
        "publish",
        "quote",
        "read",
        "reason",
        "recall",
        "recognise",
        "recognize",
        "recommend",
        "record",
        "refund",
        "register",
        "remember",
        "remind",
        "remove",
        "repair",
        "repeat",
        "replace",
        "reply",
        "report",
        "reserve",
        "reset",
        "respond",
        "retrieve",
        "reverse",
        "review",
        "rewrite",
        "run",
        "save",
        "say",
        "scan",
        "schedule",
        "search",
        "see",
        "sell",
        "send",
        "share",
        "show",
        "sign",
        "sing",
        "solve",
        "sort",
        "speak",
        "spell",
        "start",
        "stay",
        "stop",
        "store",
        "stream",
        "suggest",
        "summarise",
        "summarize",
        "support",
        "surf",
        "talk",
        "teach",
        "tell",
        "test",
        "think",
        "track",
        "train",
        "transcribe",
        "translate",
        "transfer",
        "trust",
        "type",
        "understand",
        "unlock",
        "update",
        "upload",
        "use",
        "verify",
        "view",
        "visit",
        "watch",
        "work",
        "write",
    ]
)
# Finite forms that tell that a clause goes on: "... and has a mascot".
FINITE = frozenset(
    [
        "is",
        "are",
        "was",
        "were",
        "am",
        "has",
        "have",
        "had",
        "does",
        "do",
        "did",
        "can",
        "could",
        "will",
        "would",
        "may",
        "might",
        "must",
        "should",
        "shall",
        "cannot",
        "can't",
        "won't",
        "doesn't",
        "don't",
        "didn't",
        "isn't",
        "aren't",
        "wasn't",
        "weren't",
        "hasn't",
        "haven't",
        "couldn't",
        "runs",
        "costs",
        "uses",
        "supports",
        "speaks",
        "knows",
        "works",
        "answers",
        "handles",
        "comes",
        "lives",
        "helps",
        "needs",
        "takes",
        "makes",
        "gives",
        "offers",
        "provides",
        "includes",
        "contains",
        "remembers",
        "understands",
        "stores",
        "keeps",
        "lacks",
        "never",
        "serves",
        "reads",
        "writes",
        "sees",
        "belongs",
        "refuses",
        "stops",
        "starts",
        "opens",
        "closes",
        "likes",
        "loves",
        "prefers",
        "tends",
        "ran",
        "cost",
        "used",
        "took",
        "learned",
        "learnt",
        "began",
        "came",
        "relies",
        "avoids",
        "expects",
        "thinks",
        "says",
        "weighs",
        "measures",
        "ships",
        "consists",
    ]
)
COPULAS = r"(?:is|are|was|were|am|has been|have been|had been|being|be)"
NEGATION = re.compile(
    r"\b(?:cannot|can ?not|can['\u2019]?t|(?:do|does|did|is|are|was|were|has|have|had|wo|will|would"
    r"|should|could|must|may|might|shall)(?:n['\u2019]t| not| never)|isnt|doesnt|dont|wont|arent"
    r"|(?:has|have|had|knows?|makes?|keeps?|offers?|stores?|gives?|with|needs?|there (?:is|are)) no"
    r"|unable|lacks?|never|without|nothing|nobody|none|neither|nor|unsupported|unavailable"
    r"|refuses?|not)\b",
    re.IGNORECASE,
)
_NOT_NEGATIVE = re.compile(
    r"\b(?:not only|not just|no (?:more|less|fewer|later|earlier|longer|sooner) than|no doubt"
    r"|no problem|never fails?|cannot (?:help but|wait)|not least|not to mention)\b",
    re.IGNORECASE,
)
_NEGATIVE_START = re.compile(
    r"^(?:no|not|never|none|nothing|neither|cannot|can['\u2019]?t|can not|doesn['\u2019]?t"
    r"|does not|don['\u2019]?t|do not|isn['\u2019]?t|is not|won['\u2019]?t|will not|without"
    r"|unable|lacks?|un(?:supported|available)|refuses?|disabled|off)\b",
    re.IGNORECASE,
)
_FALSE = re.compile(
    r"(?:no|none|not? (?:supported|available|possible|allowed|offered|included|yet)|unsupported"
    r"|unavailable|false|off|never|disabled|nope|nein|non|n/?a|0|zero|\u2717|\u2718|\u274c"
    r"|\u2716|\U0001f6ab|no\b[,;:(.\u2013\u2014 -].*)",
    re.IGNORECASE | re.DOTALL,
)
_QUESTION_WORDS = re.compile(r"^(?:who|what|where|when|why|how|which|whose|can|do|does|is|are)\b")


def negative_value(value: str) -> bool:
    """Whether the value of a label says no: "no", "not supported", "Cannot read images"."""
    text = value.strip()
    if _NOT_NEGATIVE.match(text):
        return False
    return bool(_FALSE.fullmatch(text.rstrip(".!"))) or bool(_NEGATIVE_START.match(text))


def negative_statement(statement: str) -> bool:
    """Whether a clause denies: "Cannot scan images", "It has no tools", "No internet access".

    Only the clause's own verb counts: a negation after "if", "that" or "because" does not.
    """
    text = _NOT_NEGATIVE.sub("", statement.strip())
    if _NEGATIVE_START.match(text):
        return True
    main = re.split(
        r"\b(?:if|when|because|since|unless|so that|that|which|who|even|although|though"
        r"|whether|where|after|before|until|while|rather than|instead of)\b|[;:(]",
        text,
        maxsplit=1,
        flags=re.IGNORECASE,
    )[0]
    found = NEGATION.search(main)
    return bool(found) and len(main[: found.start()].split()) <= 6 if found else False


def opens_with_verb(text: str) -> bool:
    """Whether a bullet opens with the base form of a verb: "Browse the web"."""
    first = re.match(r"[A-Za-z]+", text)
    return bool(first) and first.group(0).lower() in BASE_VERBS if first else False


def has_finite_verb(text: str) -> bool:
    """Whether a text is likely a clause: it holds a finite verb of our list."""
    return any(word.strip('.,;:!?()"').lower() in FINITE for word in text.split())


def is_question(text: str) -> bool:
    """Whether a heading or label asks something."""
    return text.rstrip().endswith("?") or bool(_QUESTION_WORDS.match(text.lower()))


def plain(text: str) -> str:
    """`text` for comparison: case folded, white space single, no ends of punctuation."""
    folded = text.casefold().replace("\u2019", "'").replace("\u2018", "'")
    return " ".join(folded.split()).strip(" .,:;!?\"'*_`()")
