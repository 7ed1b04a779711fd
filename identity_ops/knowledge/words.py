"""Small word lists and tests that the reading of labels, sentences and values shares."""

from __future__ import annotations

import re


def word_list(text: str) -> list[str]:
    """The words of a text."""
    return text.split()


# Base forms that open a bullet such as "Browse the web". Words that are as often nouns
# ("answer", "code") count as verbs here because a bullet opens with them.
BASE_VERBS = frozenset(
    word_list(
        """accept access accompany acquire act adapt add adjust administer admit advertise advise
    analyse analyze annotate answer apologise apologize apply approve approximate archive
    arrange ask assess assist attend auction authenticate authorise authorize avoid backup bake
    ban bargain be become believe bid block book borrow brainstorm break brew bring broadcast
    browse build buy calculate call cancel carry catch categorise categorize certify change
    charge chat cheat check choose claim classify clean click climb close code collect comfort
    communicate compare compile complete compose compute configure confirm congratulate connect
    console consult contact control converse convert cook cool copy correct correspond count
    crawl create cure curse dance deal debug decide decline decrypt deduct defend delete deliver
    deny deploy deposit describe detect diagnose differentiate discharge discuss dispatch
    dispense distinguish divide do dock donate double doubt downgrade download draft draw dream
    drink drive eat edit email encourage encrypt endorse enter erase escalate escort estimate
    evaluate evolve exceed exchange execute expand expect explain export extract fabricate feed
    feel fetch fight file fill filter find finish fix flag fly follow forecast forget format
    forward gather generate get give go google gossip grade grant greet guarantee guess guide
    hallucinate halve handle harvest heal hear heat help hit hold hope hum hunt identify ignore
    import improve include inject install insult interact interpret interrupt introduce invent
    invest invoice issue join joke judge jump keep kick know land lead learn leave lend lie lift
    listen locate lock look lose maintain make manage manufacture match measure meet memorise
    memorize merge moderate modify monitor motivate move mow multiply mute name navigate
    negotiate notarise notarize notice offer open operate order organise organize outline
    overhear paint paraphrase parse pause pay perceive perform pick place plan play post predict
    prescribe present prevent print process produce promise promote proofread prove provide
    publish pull purge push put query quote reach read reason recall recognise recognize
    recommend record redirect refund refuse register rehost reject remember remind remove render
    rent repair repeat rephrase replace reply report represent reserve reset respond restore
    resume retain retrieve return reverse review rewind rewrite round route run sail save say
    scan schedule sculpt search see select self-improve sell send sense serve share shoot
    shorten show shuffle sign simplify simulate sing skip sleep smell solve sort speak speculate
    spell spy start stay steal steer stock stop store stream subtract sue suggest summarise
    summarize supply support surf surpass survive swear swim switch take talk taste teach tease tell
    test thank think throw tolerate touch trace track trade train transcribe transfer translate
    treat triage trust turn type understand unlock update upgrade upload use vaccinate vacuum
    validate verify view visit visualise visualize waive wake walk wash watch weigh welcome
    whistle wish withdraw withstand work write"""
    )
)
# Finite forms that tell that a clause goes on: "... and has a mascot".
FINITE = frozenset(
    word_list(
        """
    is are was were am has have had does do did can could will would may might must should shall
    cannot can't won't doesn't don't didn't isn't aren't wasn't weren't hasn't haven't couldn't
    runs costs uses supports speaks knows works answers handles comes lives helps needs takes
    makes gives offers provides includes contains remembers understands stores keeps lacks never
    serves reads writes sees belongs refuses stops starts opens closes likes loves prefers tends
    ran cost used took learned learnt began came relies avoids expects thinks says weighs
    measures ships consists"""
    )
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
# The commonest denials of a few other languages.
_FOREIGN = re.compile(
    r"\b(?:keine?[nmrs]?|nicht|niemals|aucune?|nunca|n\u00e3o"
    r"|ne \w+ pas|n['\u2019]\w+ pas|no puede|non pu\u00f2)\b",
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
    if _FOREIGN.match(text):
        return True
    return bool(_FALSE.fullmatch(text.rstrip(".!"))) or bool(_NEGATIVE_START.match(text))


def negative_statement(statement: str) -> bool:
    """Whether a clause denies: "Cannot scan images", "It has no tools", "No internet access".

    Only the clause's own verb counts: a negation after "if", "that" or "because" does not.
    """
    text = _NOT_NEGATIVE.sub("", statement.strip())
    if _NEGATIVE_START.match(text) or _FOREIGN.search(text):
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
    first = re.match(
        r"([A-Za-z]+)(?=\s|$)(\s+(?:an?|the|your|any|their|my|its|our|you|people)\b)?", text
    )
    return bool(
        first and (first.group(2) or first.group(1).lower() in BASE_VERBS)
    ) and not re.match(
        r"(?:no|not|in|on|at|of|for|with|by|to|all|both|just|only|about|under|over|from|and|is|are"
        r"|was|has|as|like|never|than|around|between|after|before|during|per|what|who|why|how)\b",
        text,
        re.IGNORECASE,
    )


def has_finite_verb(text: str) -> bool:
    """Whether a text is likely a clause: it holds a finite verb of our list."""
    return any(word.strip('.,;:!?()"').lower() in FINITE for word in text.split())


def is_question(text: str) -> bool:
    """Whether a heading or label asks something."""
    return text.rstrip().endswith("?") or bool(_QUESTION_WORDS.match(text.lower()))


_SAYING = re.compile(
    r"(?:motto|slogan|tagline|catch ?phrase|saying|proverb|quote|greeting|wake ?word|password)s?$",
    re.IGNORECASE,
)


def is_saying(label: str) -> bool:
    """Whether a label's value is quoted: a motto "No pain, no gain" denies nothing."""
    return bool(_SAYING.search(label.strip()))


def plain(text: str) -> str:
    """`text` for comparison: case folded, white space single, no ends of punctuation."""
    folded = text.casefold().replace("\u2019", "'").replace("\u2018", "'")
    return " ".join(folded.split()).strip(" .,:;!?\"'*_`()")
