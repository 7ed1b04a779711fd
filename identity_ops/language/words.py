"""Words: verb forms, adjectives, articles, number. Small lists of our own plus suffix rules.

Covers what knowledge bases are made of (short labels and statements); it is no parser. A word
that no list and no rule knows counts as a noun.
"""

from __future__ import annotations

import re
from functools import cache

VERBS = frozenset(
    """abide accept access achieve act adapt add address adjust admit advise aim alert allow analyse
    analyze answer anticipate apologise apologize appear apply approve argue arrange ask assess
    assign assist assume attach attempt avoid back bake become beg begin behave believe belong bill
    block book borrow break bring browse build buy calculate call care carry catch categorise
    categorize celebrate change charge chat check choose cite claim clarify classify clean click
    close coach code collect come comment compare compile complete compose compress compute
    condense confess confirm confuse connect consider consist consult consume contact contain
    continue contribute control convert cook copy correct cost count cover crawl create cut dance
    debug decide decline decode decrypt defend define delete deliver demand depend describe design
    detect determine diagnose dictate differ direct disagree disclose discuss dislike display
    divide do doubt download draft draw drink drive eat edit embed email emit employ enable encode
    encourage encrypt end enjoy ensure enter erase escalate establish estimate evaluate exaggerate
    examine execute exist expect explain explore express extract fail fall favor favour feel fetch
    fill filter find finish fit fix flag flatter fly focus fold follow forget forgive format fulfil
    gather generate get give go gossip greet grow guarantee guess guide handle hallucinate happen
    hate have hear help hide highlight hold identify ignore illustrate imitate implement improve
    include infer influence inform insert install instruct insult integrate intend interact
    interpret introduce invent invite involve issue jest joke judge juggle jump keep know lack
    laugh launch lead learn leave lend let lie like limit link list listen live load locate lock
    log look lose love maintain make manage mark match mean measure measure meet memorise memorize
    mention merge mimic mind misread misspell misunderstand mix moderate monitor move multiply name
    navigate need negotiate notice notify obey observe offer open operate optimise optimize order
    organise organize outline output outsource overlook owe own paint parse participate pass pay
    perform permit persuade pick place plan play point possess post practise practice praise
    predict prefer prepare prescribe present preserve pretend prevent print prioritise prioritize
    process produce program promise promote prompt proofread propose protect prove provide publish
    pull purchase push put query quote rank rate reach react read realise realize reason recall
    receive recite recognise recognize recommend record recover redact reduce refer refine reflect
    refuse regret reject relate release rely remain remember remind remove rename render rent
    repair repeat rephrase replace reply report represent request require rescue research reserve
    resist resolve respect respond restart retain retrieve return reveal review revise rewrite
    rhyme run save say scale scan schedule score scrape search see seek select sell send serve set
    share shop shorten show shut sign simplify simulate sing sit skip sleep solve sort sound speak
    spell spend stand start state stay stop store stream stress struggle study submit subtract
    suffer suggest summarise summarize supply support surf survive suspect swear switch take talk
    target teach tell tend test thank think tolerate touch track train transcribe transfer
    transform translate travel treat trust try turn tutor type understand update upload use utter
    validate value verify view visit visualise visualize wait walk want warn waste watch wear weigh
    win wish wonder work worry wrap write yield admire cheer sympathise sympathize empathise
    empathize paraphrase reformat revert distinguish hum whisper whistle bark purr dream guard
    index host house ship transmit replicate reproduce reset reuse scold shout sketch spot steer
    stumble swim tag tease throw tidy tweet undo vary vote water expose inspect invoke iterate
    overheat roll root deploy tail ping patch reboot provision whisper merge ship weigh reside
    sleep dwell orbit juggle""".split()
)
# Also common nouns: as the first word of a statement they count as verbs only with an object.
_NOUNISH = frozenset(
    """access address answer book bill charge code comment contact cost cover design draft email
    end focus format guess guide help index input issue joke limit link list log love name need
    offer order output plan play post practice present process program prompt quote range rank
    rate reason record release reply report request research reserve review root sample scale
    search sign sound state stress stream study support tag target test track trust type update
    use value view vote water work host house guard dream show share schedule switch touch train
    talk turn test chat drink score change plan""".split()
)
_IRREGULAR_PAST = {
    "took": "take", "made": "make", "built": "build", "learned": "learn", "learnt": "learn",
    "won": "win", "cost": "cost", "came": "come", "began": "begin", "got": "get", "grew": "grow",
    "ran": "run", "saw": "see", "wrote": "write", "went": "go", "gave": "give", "spent": "spend",
    "knew": "know", "kept": "keep", "led": "lead", "met": "meet", "sold": "sell",
    "left": "leave", "lost": "lose", "held": "hold",
}  # fmt: skip
_IRREGULAR_PARTICIPLE = {
    "made": "make", "built": "build", "written": "write", "taught": "teach", "known": "know",
    "bought": "buy", "sold": "sell", "born": "bear", "given": "give", "driven": "drive",
    "run": "run", "set": "set", "kept": "keep", "held": "hold", "seen": "see", "shown": "show",
    "chosen": "choose", "meant": "mean", "spoken": "speak", "drawn": "draw", "fed": "feed",
    "understood": "understand", "found": "find", "sent": "send", "shut": "shut", "led": "lead",
    "hidden": "hide", "grown": "grow", "bound": "bind", "brought": "bring", "put": "put",
}  # fmt: skip
# Participles that tell of something done once ("was trained on"), not of a state ("is based on").
MAKING = frozenset(
    """train pretrain create build make develop design write release launch invent found bear teach
    assemble code program produce conceive start name publish announce finetune fine-tune distill
    distil quantise quantize benchmark test evaluate fund finance sponsor fill tune raise""".split()
)
ADJECTIVES = frozenset(
    """able accurate aware bad big bilingual blunt bold brave brief bright brisk broad calm candid
    careful cautious certain cheap cheerful chatty clear clever closed cold compact concise
    confident conservative consistent cool correct courteous crisp curious cute deep diligent
    diplomatic direct discreet dry dull eager early earnest easy easygoing eloquent empathetic
    encouraging energetic enthusiastic exact expensive expert fair faithful fallible fast firm fit
    flexible fluent fond formal frank free fresh friendly frugal funny fun gentle genuine glad good
    grateful great grumpy handy happy hard harsh heavy helpful helpless honest huge human humble
    humorous imaginative impartial impatient independent informal innocent inquisitive kind large
    lazy light literal lively local long loud loyal mature mean mellow merry methodical meticulous
    modest multilingual multimodal neat neutral new nice noisy nosy objective obedient offline old
    online open optimistic original outgoing patient perfect pessimistic plain playful polite poor
    practical pragmatic precise private professional proud prudent public punctual quick quiet rare
    rational ready real realistic relaxed reliable reserved respectful responsible rude sad safe
    sarcastic secure sensible sensitive serious sharp short shy silly simple sincere slow small
    smart snappy sober soft solid sorry spontaneous stable stateless steady stern strict strong
    stubborn subtle supportive sure sweet sympathetic tactful talkative tender tentative terse
    thankful thorough thoughtful tidy timid tiny tolerant tough transparent trustworthy truthful
    unaware unbiased understanding unreliable upbeat unsafe unsure unsuitable useful useless verbose
    versatile vigilant wary warm weak welcoming whimsical wise witty wordy wrong young zany
    non-judgmental nonjudgmental down-to-earth easy-going self-aware well-read open-source
    text-only read-only english-only warm-hearted level-headed open-minded soft-spoken
    well-mannered matter-of-fact to-the-point deterministic monolingual""".split()
)
_ADJECTIVE_ENDINGS = ("ful", "ous", "able", "ible", "less", "ish", "minded", "hearted", "headed")
_MASS = frozenset(
    """access memory knowledge support awareness information data advice experience hardware
    software humour humor patience vision speech audio video internet time money power
    understanding intelligence privacy security music text reasoning help feedback math maths
    consciousness emotion fun empathy curiosity hearing sight storage history context voice
    arithmetic output input guidance encryption moderation grounding logic common-sense sense
    telemetry authority permission ability browsing streaming caching search recall mode use generation recognition detection completion execution
    navigation integration authentication verification moderation transcription""".split()
)
_COUNTABLE_SENSES = {"sense", "history", "voice", "context", "ability"}
_PLURAL_EXCEPTIONS = frozenset(
    """bus gas lens bias canvas campus status focus corpus virus census basis analysis thesis
    synthesis emphasis class glass business process access address success progress license
    series species chess news physics mathematics maths os ios sms gps dns https aws kudos atlas
    alias boss press stress loss glasses-less apparatus consensus bonus genus nucleus opus radius
    stimulus surplus nexus chorus chaos cosmos ethos pathos logos tennis axis oasis crisis
    hypothesis synopsis previous various this is has was its itself yes plus us dress mess""".split()
)
DETERMINERS = frozenset(
    """a an the any some all every each no its my your his her their our this that these those
    several many few both one two three four five six seven eight nine ten most more""".split()
)
PREPOSITIONS = frozenset(
    """about above across after against along among around as at before behind below between beyond
    by despite during except for from in inside into like near of off on onto outside over per
    since than through throughout to toward towards under until up upon via when where while with
    within without because if unless but""".split()
)


def is_verb(word: str) -> bool:
    """Whether `word` is the base form of a verb we know."""
    return word.lower() in VERBS


def base_of_s(word: str) -> str:
    """ "answers" -> "answer", "tries" -> "try"; "" when it is no s-form of a known verb."""
    low = word.lower()
    if not low.endswith("s") or low.endswith("ss"):
        return {"does": "do", "has": "have", "goes": "go"}.get(low, "")
    guesses = [low[:-3] + "y"] if low.endswith("ies") else []
    guesses += [low[:-1], low[:-2]] if low.endswith("es") else [low[:-1]]
    return next((guess for guess in guesses if guess in VERBS), "")


def base_of_ing(word: str) -> str:
    """ "writing" -> "write"; "" when it is no gerund of a known verb."""
    low = word.lower()
    return _stem(low[:-3]) if low.endswith("ing") and len(low) > 5 else ""


def base_of_participle(word: str) -> str:
    """ "trained" -> "train", "made" -> "make"; "" when it is none of a known verb."""
    low = word.lower()
    if low in _IRREGULAR_PARTICIPLE:
        return _IRREGULAR_PARTICIPLE[low]
    if low.endswith("ied"):
        return low[:-3] + "y" if low[:-3] + "y" in VERBS else ""
    return _stem(low[:-2]) if low.endswith("ed") else ""


def base_of_past(word: str) -> str:
    """ "took" -> "take"; only forms that are no participle first of all."""
    return _IRREGULAR_PAST.get(word.lower(), "")


def _stem(stem: str) -> str:
    extra = {"pretrain", "found", "assemble", "fine-tune", "finetune", "distil", "distill",
             "quantise", "quantize", "base", "license", "aim", "fund", "tune", "sponsor",
             "name", "inspire", "power", "raise"}  # fmt: skip
    guesses = [stem, stem + "e"]
    if len(stem) > 2 and stem[-1] == stem[-2]:
        guesses.append(stem[:-1])
    return next((guess for guess in guesses if guess in VERBS or guess in extra), "")


def nounish(word: str) -> bool:
    """Whether a verb's base form is at least as common as a noun ("answer", "test")."""
    return word.lower() in _NOUNISH


def is_adjective(word: str) -> bool:
    low = word.lower()
    if word[:1].isupper() and low.endswith("ish") and low not in {"foolish", "selfish", "sluggish"}:
        return False  # English, Spanish
    if low in ADJECTIVES or low.endswith(_ADJECTIVE_ENDINGS):
        return True
    return low.startswith(("un", "non-", "in")) and low[2:].lstrip("n-") in ADJECTIVES


def is_adverb(word: str) -> bool:
    low = word.lower()
    words = {"always", "never", "only", "often", "sometimes", "rarely", "usually", "very", "quite",
             "mostly", "mainly", "still", "just", "also", "seldom", "too", "rather", "somewhat",
             "generally", "not", "slightly", "highly", "fully", "strictly", "ever", "so"}  # fmt: skip
    return low in words or (low.endswith("ly") and len(low) > 4 and low not in ADJECTIVES
                            and low not in {"family", "reply", "apply", "supply", "early"})  # fmt: skip


@cache
def is_plural(noun: str) -> bool:
    """Whether a noun phrase is plural, by its head (the last word before a preposition)."""
    if " and " in noun and " of " not in noun:
        return True
    head = head_of(noun).lower()
    if head in {"people", "children", "men", "women", "mice", "feet", "criteria", "weights"}:
        return True
    return head.endswith("s") and not head.endswith(("ss", "us", "is")) and (
        head not in _PLURAL_EXCEPTIONS
    )  # fmt: skip


def head_of(noun: str) -> str:
    """The word that carries the phrase's number: "size of the heads" -> "size"."""
    words = re.findall(r"[\w'+#.-]+", noun)
    for position, word in enumerate(words):
        if position and word.lower() in PREPOSITIONS:
            return words[position - 1]
    if len(words) > 1 and base_of_participle(words[-1]):
        return words[-2]  # "rooms covered"
    return words[-1] if words else ""


def is_mass(noun: str) -> bool:
    """Whether a noun stands without an article."""
    return noun.lower() in _MASS or noun.lower() in {"knowledge", "training", "data", "output"}


def with_article(noun: str) -> str:
    """The phrase with "a" or "an" where English wants one."""
    first = noun.split(" ", 1)[0].lower()
    head = head_of(noun)
    if first in DETERMINERS or is_plural(noun):
        return noun
    if head[:1].isupper() and head not in {"GPU", "CPU", "API", "URL", "ID", "LLM", "USB", "SDK"}:
        return noun
    if is_mass(head) and not (head.lower() in _COUNTABLE_SENSES and " of " in noun):
        return noun
    if head.lower().endswith(("ness", "ment", "ism", "ity", "ing", "ware")):
        return noun
    return f"{article(noun)} {noun}"


def article(word: str) -> str:
    """ "a" or "an" by the sound the word begins with."""
    low = word.lower()
    if re.match(r"(?:8|11\b|18\b|hour|honest|heir|x-ray)", low):
        return "an"
    if re.match(r"(?:uni(?!n)|use|usu|euro|one\b|once|uk\b|us\b|url\b|u-)", low):
        return "a"
    first = re.match(r"[A-Za-z0-9]+", word)
    if first and len(first[0]) > 1 and first[0].isupper():  # an initialism is read by letters
        return "an" if first[0][0] in "AEFHILMNORSX" else "a"
    return "an" if low[:1] in "aeiou" else "a"


def third_person(verb: str) -> str:
    """ "try" -> "tries", "have" -> "has"."""
    if verb in {"have", "do", "go"}:
        return {"have": "has", "do": "does", "go": "goes"}[verb]
    if re.search(r"[^aeiou]y$", verb):
        return verb[:-1] + "ies"
    return verb + ("es" if verb.endswith(("s", "x", "z", "ch", "sh")) else "s")


def join_items(items: tuple[str, ...] | list[str]) -> str:
    """ "a, b and c"."""
    if len(items) < 2:
        return "".join(items)
    return ", ".join(items[:-1]) + " and " + items[-1]


def gerund(verb: str) -> str:
    """ "scan" -> "scanning", "write" -> "writing"."""
    if verb in {"be", "see", "agree", "disagree", "oversee", "guarantee"}:
        return verb + "ing"
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e"):
        return verb[:-1] + "ing"
    short = re.fullmatch(r"[^aeiou]*[aeiou][bdgklmnprtvz]", verb)
    doubled = verb in {"begin", "forget", "permit", "submit", "admit", "refer", "prefer", "infer"}
    return f"{verb}{verb[-1] if short or doubled else ''}ing"
