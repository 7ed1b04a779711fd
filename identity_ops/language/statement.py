"""A statement in parts, and every sentence that is made of it.

"Cannot scan images" is (can, "scan images", negative); from that come "I cannot scan images",
"you cannot scan images", "Pip cannot scan images", "can you scan images", "whether you can scan
images". Reading the parts is the work of statements.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from identity_ops.language import words


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What one statement says, in parts.

    `predicate` is written in the third person ("answer in its own words") and is turned to "my"
    or "your" when rendered.
    """

    modal: str  # can, will, should, must, may, be, have, do, or clause
    predicate: str  # base form: "scan images", "friendly and patient", "a 32K context window"
    negative: bool = False
    past: bool = False  # was/were, did, had
    never: bool = False  # said with "never" instead of "not"
    perfect: bool = False  # with modal "have": the predicate is a participle ("seen the sea")
    finite: str = ""  # the past form of a verb as written ("took 3 hours")
    subject: str = ""  # of a clause: "training"

    def declare_i(self) -> str:
        """First person, without a full stop: "I cannot scan images"."""
        return _mine(self._declare("I"))

    def declare_you(self) -> str:
        """Second person, said to the bot: "you cannot scan images"."""
        said = replace(self, predicate=_asker(self.predicate), finite=_asker(self.finite))
        return _yours((self if self.modal == "clause" else said)._declare("you"))

    def declare_third(self, name: str) -> str:
        """Third person: "Pip cannot scan images"."""
        return self._declare(name)

    def ask(self) -> str:
        """A yes/no question to the bot, without its mark, never negated: "can you scan images"."""
        if self.modal == "clause":
            return "is it true that " + _yours(self._declare("you"))
        if self.modal == "must" and self.negative:
            return f"are you allowed to {_yours(_asker(self.predicate))}"
        aux = "have" if self.perfect else self._auxiliary("you")
        have = "have " if self.modal == "have" and not self.perfect else ""
        return _yours(f"{aux} you {have}{_asker(self.predicate)}")

    def whether(self) -> str:
        """An indirect question: "whether you can scan images"."""
        if self.modal == "must" and self.negative:
            return f"whether you are allowed to {_yours(_asker(self.predicate))}"
        asked = replace(self, negative=False, never=False, predicate=_asker(self.predicate))
        return "whether " + _yours(asked._declare("you"))

    def _auxiliary(self, person: str) -> str:
        if self.modal == "be":
            return _be(person, self.past)
        if self.modal in {"do", "have"}:
            if self.past:
                return "did"
            return "do" if person in {"I", "you"} else "does"
        return "can" if self.modal == "may" else self.modal

    def _declare(self, person: str) -> str:
        if self.modal == "clause":
            return f"{self.subject} {self.predicate}".strip()
        if self.modal == "be":
            return self._declare_be(person)
        if self.perfect:
            have = "have" if person in {"I", "you"} else "has"
            negation = (" never" if self.never else " not") if self.negative else ""
            return f"{person} {have}{negation} {self.predicate}"
        if self.modal in {"do", "have"}:
            return self._declare_do(person)
        return f"{person} {self._modal_word()} {self.predicate}"

    def _modal_word(self) -> str:
        if not self.negative:
            return self.modal
        if self.never:
            return f"{self.modal} never"
        return "cannot" if self.modal == "can" else f"{self.modal} not"

    def _declare_be(self, person: str) -> str:
        negation = (" never" if self.never else " not") if self.negative else ""
        return f"{person} {_be(person, self.past)}{negation} {self.predicate}"

    def _declare_do(self, person: str) -> str:
        verb = "have " if self.modal == "have" else ""
        phrase = verb + self.predicate
        if self.negative and not self.never:
            return f"{person} {self._auxiliary(person)} not {phrase}"
        if not self.negative:
            phrase = _ANYTHING.sub(r"\1 something", phrase)
        adverb = "never " if self.never else ""
        if self.past:
            return f"{person} {adverb}{self.finite or phrase}"
        return f"{person} {adverb}{phrase if person in {'I', 'you'} else conjugate(phrase)}"


_ANYTHING = re.compile(r"^(know|have|understand|remember) anything\b")  # of a denial turned round


def conjugate(phrase: str) -> str:
    """ "only answer in English" -> "only answers in English"."""
    parts = phrase.split(" ")
    place = next((i for i, w in enumerate(parts) if not words.is_adverb(w)), 0)
    parts[place] = words.third_person(parts[place])
    return " ".join(parts)


def _mine(text: str) -> str:
    return _turn(text, "my", "I", "am")


def _yours(text: str) -> str:
    return _turn(text, "your", "you", "are")


def _asker(text: str) -> str:
    """The user is speaking: what the statement says of "you" becomes "me"."""
    text = re.sub(r"\b(when|if|that|what|because|unless|until|where|while) you\b", r"\1 I", text)
    text = re.sub(r"\byour\b", "my", text)
    text = re.sub(r"\byourself\b", "myself", text)
    return re.sub(r"\byou\b", "me", text)


_MADE_IT = re.compile(  # "the museum named it after a ship"
    r"^((?:the|our) (?:\w+ )?(?:named|calls|called|built|made|created|trained|runs|hosts"
    r"|maintains|funds|funded|owns|uses|used)) it\b"
)


def _turn(text: str, possessive: str, subject: str, be: str) -> str:
    if re.search(r" (?:an?|the|each|every) [a-z -]+\bits?\b", text):
        return text  # "a parcel by its number": the word is about that, not about the bot
    text = re.sub(r"\bits\b", possessive, text)
    text = _MADE_IT.sub(r"\1 me" if possessive == "my" else r"\1 you", text)
    text = re.sub(r"\bitself\b", "myself" if possessive == "my" else "yourself", text)
    link = (
        r"\b(when|if|that|what|because|unless|until|things|where|than|while|and|before|after|as|how)"
        r" it "
    )
    text = re.sub(link + r"(?:does not|doesn't) ", rf"\1 {subject} do not ", text)
    text = re.sub(link + r"is\b", rf"\1 {subject} {be}", text)
    text = re.sub(link + r"(cannot|can|will|may|was|should|must)\b", rf"\1 {subject} \2", text)

    def finite(match: re.Match[str]) -> str:
        return f"{match[1]} {subject} {words.base_of_s(match[2]) or _singular(match[2])}"

    return re.sub(link + r"(\w+[^su\W]s)\b", finite, text)


def _singular(verb: str) -> str:
    """The base form of an s-form that no list knows: after "it" nothing else ends in s."""
    return re.sub(r"(?<=[sxz])es$|(?<=[cs]h)es$|s$", "", re.sub(r"ies$", "ys", verb))


def _be(person: str, past: bool) -> str:
    if person == "I":
        return "was" if past else "am"
    if person == "you":
        return "were" if past else "are"
    return "was" if past else "is"
