"""What sentences say of a model: one pattern for each way to say a thing.

A pattern is matched where the reader stands in a clause, after its subject. Named groups are
values; `FORMS` maps each to its role and to the attribute it becomes in the ledger.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from identity_ops.knowledge.words import word_list

# ruff: noqa: E501 - a pattern reads better on one line than cut in two

# group name (up to the first digit) -> (role, attribute)
FORMS: dict[str, tuple[str, str]] = {
    "name": ("name", "name"),
    "creator": ("creator", "creator"),
    "owner": ("creator", "organization"),
    "basecreator": ("base_creator", "creator of the base architecture"),
    "architecture": ("architecture", "architecture"),
    "kind": ("kind", "kind"),
    "version": ("version", "version"),
    "released": ("date", "release date"),
    "created": ("date", "creation date"),
    "size": ("size", "number of parameters"),
    "layers": ("layers", "number of layers"),
    "depth": ("layers", "depth"),
    "width": ("width", "width"),
    "heads": ("heads", "number of attention heads"),
    "vocabulary": ("vocabulary", "vocabulary size"),
    "context": ("context", "context length"),
    "tokenizer": ("tokenizer", "tokenizer"),
    "data": ("data", "training data"),
    "tuning": ("data", "fine-tuning data"),
    "hardware": ("hardware", "training hardware"),
    "platform": ("hardware", "training platform"),
    "runs": ("hardware", "runs on"),
    "cost": ("cost", "training cost"),
    "price": ("price", "price"),
    "time": ("time", "training time"),
    "license": ("license", "license"),
    "url": ("url", "web address"),
    "contact": ("contact", "contact address"),
    "language": ("language", "languages"),
    "purpose": ("purpose", "purpose"),
    "place": ("", "place of origin"),
    "maker": ("", "description of the creator"),
    "memory": ("", "memory"),
}

_ABOUT = (
    r"(?:about |around |approximately |roughly |nearly |almost |some |only |just |over |under |~)?"
)
_N = r"\d[\d,]*(?:\.\d+)?(?:\s?(?:[KMBTkmb]|thousand|million|billion|trillion))?"
_WORD_N = (
    rf"(?:{_N}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|sixteen|twenty"
    r"|twenty-four|thirty-two|a few|a couple of|half an?|an?)"
)
_MAKE = (
    r"(?:created|made|built|developed|designed|invented|written|produced|crafted|engineered"
    r"|assembled|put together|brought to you|dreamed up|dreamt up|thought up|conceived|hatched"
    r"|authored|coded|programmed|founded|raised)"
)
_ALSO = (
    rf"(?:,? (?:and|then) (?:{_MAKE}|trained|fine-?tuned|maintained|released|run|published|owned))?"
)
_CAP = r"(?:[A-Z\u00c0-\u00de\u0100-\u024f\u0370-\u1fff\u4e00-\u9fff][\w.&\u2019'-]*)"
_PROPER = rf"{_CAP}(?:\s+(?:(?:of|the|de|van|von|der|da|di|and|&|for|la|le|ibn|bin|al)\s+)*{_CAP})*"
_PERSON = (
    r"(?:[A-Z\u00c0-\u00de\u0100-\u024f][\w.-]*(?:\s+(?:(?:de|van|von|der|da|di)\s+)?"
    r"[A-Z\u00c0-\u00de\u0100-\u024f][\w.-]*){0,3})"
)
_FULL = rf"{_PERSON}\s+[A-Z\u00c0-\u00de][\w.-]*"
_THREE = rf"(?:{_FULL}(?:, {_FULL})*,? (?:and|&) {_FULL})"
_APPOSED = r"(?:(?:an?|the|two|three|four|five|our) (?:[a-z-]+ ){0,3}[a-z-]+, (?=[A-Z]))"
_DONE = (
    r"(?:and (?:also |then |was |is |has |costs? |trained|released|licensed|runs|published|built"
    r"|created|made|fine)|trained|released|licensed|based|published|launched|built|created|made"
    r"|developed|pretrained|fine-tuned|designed|written|hosted|costing|running|speaking)\b"
)


_V = r"(?:[^,;()]|,(?=\d{3}))"


def _until(words: str) -> str:
    """Lookahead: the value ends at punctuation, at one of `words` or where a new part begins."""
    return rf"(?=\s*(?:$|[;()]|,(?!\d{{3}})|\s[-\u2013\u2014]\s|\s(?:{words}|which|that|who|{_DONE})(?:\s|$)))"


_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE = (
    rf"(?:\d{{1,2}}(?:st|nd|rd|th)? )?(?:(?:early|mid|late)[- ])?{_MONTH}(?: \d{{1,2}}(?:st|nd|rd"
    r"|th)?)?,? \d{4}|(?:(?:early|mid|late|spring|summer|autumn|fall|winter)[- ](?:of )?)?\d{4}"
    r"(?:-\d{2}(?:-\d{2})?)?"
)
_PARTS = r"(?:architecture|framework|code ?base|code|design|project|recipe|repository|repo|library|model)"
KIND_NOUN = (
    r"(?:(?:language |AI |ai |chat |foundation |transformer |neural |text )*(?:models?|llm|LLM"
    r"|assistant|chatbot|chat-bot|bot|agent|AI|transformer|network|GPT|helper|guide|companion"
    r"|program|system|tutor|concierge|librarian|robot|app|application|translator|adviser|advisor"
    r"|coach|receptionist|clerk|butler|service|software|tool|persona))"
)
_LANGUAGES = word_list(
    """English German French Spanish Italian Portuguese Dutch Swedish Norwegian Danish Finnish
    Icelandic Polish Czech Slovak Hungarian Romanian Bulgarian Greek Turkish Russian Ukrainian
    Arabic Hebrew Persian Farsi Hindi Urdu Bengali Tamil Telugu Thai Vietnamese Indonesian Malay
    Chinese Mandarin Cantonese Japanese Korean Latin Esperanto Welsh Irish Gaelic Basque Catalan
    Galician Swahili Zulu Afrikaans Croatian Serbian Slovenian Estonian Latvian Lithuanian
    Maltese Faroese Sami Hawaiian Maori Quechua Tagalog Filipino Yoruba Amharic Georgian
    Armenian"""
)
_LANGUAGE = (
    rf"(?:(?:US|UK|British|American|plain|simple|Brazilian|basic) )?(?:{'|'.join(_LANGUAGES)})"
)
_BE = r"(?:(?:is|was|are|were|am|has been|have been|being|got|were) (?:also |currently |first |now |originally |fully |jointly |mainly |proudly |lovingly )?)?"
_HAS = r"(?:(?:has|have|had|with|of|contains|uses|used|at|using|features|is|includes|counts) )?(?:a total of |a |an |the )?"
CHIP = (
    r"(?i:\b(?:\d+|one|two|four|eight|single|an?)\s?[x\u00d7-]?\s?\w*\s?(?:[A-Z]\d{1,4}|GPUs?|TPUs?"
    r"|CPUs?|H100|A100|cores?|chips?|laptops?|nodes?)|\b(?:gpus?|cpus?|tpus?|laptop|cluster|cores"
    r"|workstation|raspberry pi|macbook|server|supercomputer|nvidia|h100s?|a100s?|h200s?|b200s?"
    r"|v100s?|rtx|t4)\b)"
)
CLOUD = (
    r"(?:Modal|AWS|Amazon \w+|Azure|GCP|Google Cloud|Google Colab|Colab|Kaggle|Lambda(?: Labs)?"
    r"|RunPod|Vast\.ai|CoreWeave|Paperspace|SageMaker|Hetzner|DigitalOcean|OVH|Scaleway|Together"
    r"|Replicate|Crusoe|Nebius|Hyperstack|Oracle Cloud|IBM Cloud|Alibaba Cloud)"
)

_RAW: tuple[str, ...] = (
    # Whose architecture it stands on, before anything else that says "on".
    rf"{_BE}(?i:based |built |trained |running |fine-tuned |derived |adapted |made )?"
    rf"(?i:on top of|upon|on|from|with|using|of)(?i: the)? (?P<basecreator>{_PERSON})['\u2019]s? "
    rf"(?P<architecture>[\w.+-]+(?: (?!{_PARTS}\b)[\w.+-]+)?)(?i: {_PARTS})?{_until('and|in|on|with|at|by|for|under')}",
    rf"{_BE}(?:(?i:based|built|derived) (?i:on top of|upon|on|from|off|with)|(?i:fine-tuned|adapted|distilled|forked) (?i:from|off))"
    rf"(?i: the)? (?P<architecture>{_V}+?)(?i:(?: base)? {_PARTS})?,?"
    rf"(?: \(?(?i:by|from|of) | \(|,? (?i:which was |which is |originally )?(?i:{_MAKE}) by )"
    rf"(?P<basecreator>{_PERSON})\)?{_until('and|in|on|with|at|for|under')}",
    rf"{_BE}(?:(?i:based|built|derived|modell?ed) (?i:on top of|upon|on|from|off|after)|(?i:fine-tuned|adapted|distilled|forked) (?i:from|off))"
    rf"(?i: the| an?)? (?P<architecture>{_V}+?)(?i:(?: base)? {_PARTS})?{_until('and|in|on|with|at|by|for|under|using')}",
    r"(?i:uses?|follows?|with|has|having)(?i: an?| the)? (?P<architecture>[\w.+ -]+?) architecture",
    # What it is.
    rf"(?i:(?:is|am|are|was|remains) )?(?i:an?|one|the) (?P<kind>(?:(?!(?:{_MAKE}|trained|by|on|of|for|with|that|which|who|is|from|to|in|at)\b)[\w\u2019'.\u00d7+-]+,? ){{0,8}}?{KIND_NOUN}(?:[- ]{KIND_NOUN})*)\b(?! (?:name|family)\b)(?![-'\u2019])",
    # Who made it, when, where, for what.
    rf"{_BE}(?i:{_MAKE}) (?i:in|at) (?P<place>{_PROPER}) (?i:by) (?P<creator>{_V}+?){_until('on|with|using|in|under|for|as|to')}",
    rf"{_BE}(?i:{_MAKE}){_ALSO} (?i:entirely |solely |in-house )?by (?P<creator>{_THREE}|{_APPOSED}?{_V}+?)"
    rf"{_until('on|with|using|in|under|for|as|to|during|over|from scratch|since')}",
    rf"{_BE}(?i:trained|fine-tuned|published|maintained|owned|operated){_ALSO} by (?P<creator>{_PROPER})"
    rf"{_until('on|with|using|in|under|for|as|to|during|over|at|from|and')}",
    rf"{_BE}(?i:released|launched|published|made public|introduced|first released) (?i:to the public )?(?i:on|in) (?P<released>(?i:{_DATE}))\b",
    rf"{_BE}(?i:{_MAKE}|trained|born|finished|completed|founded) (?i:on|in|during) (?P<created>(?i:{_DATE}))\b",
    rf"(?i:in|on|since) (?P<created>(?i:{_DATE}))\b",
    rf"{_BE}(?i:{_MAKE}|meant|intended|there|here) (?i:to (?:be )?|for )(?P<purpose>(?!\d|an? (?:few|total)|{_MAKE})[a-zA-Z]{_V}+?){_until('and (?:was|is|has)')}",
    rf"{_BE}(?i:{_MAKE} )?(?i:in|at) (?P<place>{_PROPER}(?:, {_PROPER})?){_until('and|on|in|with|using|by')}",
    r"(?i:with|has|in) (?P<memory>\d+ ?[KMGT]B)(?i: of)?(?i: RAM| memory| VRAM)\b",
    # Numbers.
    rf"(?i:{_HAS}{_ABOUT})(?P<size>{_N})[- ]?(?i:trainable |model |total )*(?i:parameters?|params|weights)\b",
    rf"(?i:{_HAS}{_ABOUT})(?P<layers>(?i:{_WORD_N}))[- ](?i:transformer |decoder |hidden )?(?i:layers?|blocks)\b(?i: deep)?",
    rf"(?i:{_HAS})(?i:depth(?: of)?|layers:?) (?P<layers>\d+)\b",
    r"(?i:at |of |the |a |is )*(?i:depth )?(?P<depth>d\d{1,2})\b",
    rf"(?i:{_HAS})(?P<heads>(?i:{_WORD_N})) (?i:attention |query )?heads\b",
    rf"(?i:{_HAS})(?i:width|hidden size|model dimension|embedding (?:size|dimension)|dimension) (?i:of |is )?(?P<width>\d[\d,]*)\b",
    rf"(?i:{_HAS})(?P<width>\d[\d,]*)(?:-(?i:dimensional)(?i: embeddings| states)?| (?i:channels?|units?|dimensions?)? ?(?i:wide)?(?<=wide))",
    rf"(?i:{_HAS})(?P<width>\d[\d,]*) (?i:hidden (?:size|units|dimensions?)|embedding dimensions?)\b",
    r"(?i:using |with |a |the )*(?P<tokenizer>[\w.+-]+) (?i:tokeni[sz]er)\b",
    rf"(?i:{_HAS})(?i:vocabulary)(?i: size)? (?i:of |is ){_ABOUT}(?P<vocabulary>{_N})(?i: tokens| words| entries| pieces)?\b",
    rf"(?i:{_HAS})(?P<vocabulary>{_N})[- ](?i:token |word |entry |piece )?(?i:vocabulary)\b",
    rf"(?i:{_HAS})(?i:maximum )?(?i:context)(?i: window| length| size)? (?i:of |is )(?i:up to )?(?P<context>{_N}(?i: tokens| words| characters)?)(?i: long)?\b",
    rf"(?i:{_HAS})(?P<context>{_N})[- ](?i:tokens?)(?i: of)? (?i:context)(?i: window| length)?\b",
    rf"(?i:{_BE}|has )(?i:software |model |at )?(?i:version|in version|at version) (?P<version>v?\d[\w.-]*)\b",
    # Money and time.
    r"(?P<price>(?i:(?:is )?free(?: of charge| to use)?))(?=\s*[,;.]|\s*$)",
    rf"(?i:{_BE}(?:costs?|priced at|available for|sold for|for)) (?P<price>(?i:{_ABOUT})[$\u20ac\u00a3]\s?{_N}(?: (?i:USD|EUR|dollars|euros))? ?(?i:per|a|an|each|/) ?(?i:month|year|seat|user|message|request|hour|day|week|token)s?(?i: per \w+| and \w+)?)\b",
    rf"(?i:{_BE}(?:costs?|costing|cost|for|at a cost of|at a total cost of|trained for|took|spent|on a budget of|built for))(?i: a total of)? (?P<cost>(?i:{_ABOUT})(?:[$\u20ac\u00a3]\s?{_N}(?: (?i:USD|EUR))?|{_N} (?i:dollars|euros|USD|EUR|pounds|cents)))(?i: to (?:train|build|make|create)(?: it)?| of (?:GPU time|compute)| in [a-z]+| for training)*",
    rf"(?i:{_BE}(?:trained |training )?(?:it )?(?:in|for|took|takes|over|within|lasted|needed)) (?P<time>(?i:{_ABOUT}(?:less than |under |more than )?{_WORD_N}) (?i:seconds?|minutes?|hours?|days?|weeks?|months?))\b(?i: of training| to train| in total)?",
    # What it learnt from, on what, under which terms.
    rf"{_BE}(?i:trained|pre-?trained|fine-?tuned|taught|run|runs|running|hosted|ran|deployed|training ran)(?i: mainly| only| entirely| exclusively)? (?i:on|in|at|with|using)(?i: the)? (?P<platform>{CLOUD})(?i: cloud| platform)?\b",
    rf"(?i:on|at|in)(?i: the)? (?P<platform>{CLOUD})\b",
    rf"(?i:(?:is |are )?(?:runs?|running|hosted|served|run))(?i: locally| only| happily)? (?i:on|in|at) (?P<runs>{_V}*?{CHIP}{_V}*?){_until('and|with|in|for|at')}",
    rf"{_BE}(?i:trained |pre-?trained |fine-?tuned )?(?i:on|with|using) (?P<hardware>(?:(?! (?:with|using|on) ){_V})*?{CHIP}{_V}*?){_until('and|with|in|for|at|on|over|from')}",
    rf"{_BE}(?i:trained|pre-?trained|taught|learned|learnt)(?i: mainly| only| entirely| exclusively| mostly| from scratch)* (?i:on|from)(?i: the)? (?P<data>(?!scratch)(?:[^,;()]|,(?= ?\d{{3}})|, (?=[A-Z]))+?){_until('in|on|with|using|for|by|at|over')}",
    rf"{_BE}(?i:then )?(?i:fine-?tuned|post-?trained|aligned)(?i: mainly| only| later)* (?i:on)(?i: the)? (?P<tuning>(?:[^,;()]|,(?=\d{{3}}))+?){_until('in|on|with|using|for|by|at|over')}",
    r"(?i:(?:is |was |are )?(?:available |released |licen[sc]ed |published |distributed |shared |free |open[- ]source[d]? |offered |provided )*(?:under|with)) (?i:the terms of )?(?i:the |an? )?(?P<license>[\w .+-]+?) (?i:licen[sc]e)\b(?: v?\d[\d.]*)?",
    rf"(?i:(?:is |was |are )?licen[sc]ed (?:under|as|with)) (?i:the |an? )?(?P<license>[\w .+-]+?){_until('and|by|for')}",
    r"(?i:is |are )?(?P<license>[A-Z][\w.+-]*(?: \d\.\d)?)[- ](?i:licen[sc]ed)\b",
    rf"(?i:speaks?|understands?|answers? in|works in|writes in|talks in|communicates in|converses in|replies in|knows|only speaks?)(?i: only)? (?P<language>{_LANGUAGE}(?:(?:, and |, | and | or ){_LANGUAGE})*(?i: only)?)(?=\s*(?:$|[;.()]|,? (?:and )?{_DONE}|\s(?:fluently|well|best)\b))",
    r"(?i:(?:is |are |can be )?(?:available|hosted|found|published|documented|lives?|reached|online|visit|can (?:find|reach|visit|try|get) (?:it|me)))?(?i: (?:on|at|from) (?:GitHub|GitLab|Hugging Face|Codeberg))?(?: (?i:at|on|under))? ?(?P<url>(?:https?://|www\.)[^\s,;)]+[^\s,;).])",
    r"(?i:(?:can be |is )?(?:reached|contacted|supported)|contact|write to|e-?mail|support:?)(?i: at| by| via| on)? (?P<contact>[\w.+-]+@[\w-]+\.[\w.-]*\w)",
    # What it is called.
    rf"(?i:is|am|are|was)(?i: simply| just| currently)? (?i:called|named|known as) [\"'\u201c]?(?P<name>{_PROPER}|[\w-]+)[\"'\u201d]?{_until('and|by|in|from|for')}",
)
# These say something only right after a value of one of the roles.
_RAW_AFTER: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("creator",),
        rf"(?P<maker>(?i:an?|the) (?!(?i:{KIND_NOUN})\b)[^;()]+?)"
        r"(?=$|, (?:over|in|on|during|with|using|for|at|after) )",
    ),
    (
        ("architecture", "base_creator", "time", "cost", "hardware"),
        rf"(?i:on|with|using|from) (?P<data>\d{_V}*?){_until('in|with|using|for|by|at|over|and|under|on')}",
    ),
    (
        ("kind", "name", "size"),
        rf"(?i:for|that|which|who|meant to|built to|here to|to) (?P<purpose>(?:[a-z]{_V}*?|{_PROPER}{_V}*?)){_until('and (?:was|is|has)')}",
    ),
    (
        ("kind", "name", "size"),
        rf"(?i:from|by)(?i: the)? (?P<creator>{_PROPER}){_until('and|in|on|with|for')}",
    ),
    (("kind", "name"), rf"(?i:of|at)(?i: the)? (?P<owner>{_PROPER}){_until('and|in|on|with|for')}"),
)


@dataclass(frozen=True, slots=True)
class Way:
    """A way to say something. after: roles of the value right before it, () for anywhere."""

    pattern: re.Pattern[str]
    after: tuple[str, ...] = ()


# "by Imke Vos, a librarian in Groningen": a trade that a bot may have too is the maker's here.
_TRADE = (
    r"(?P<maker>(?i:an?|the) (?:(?!(?:ai|artificial|chat|digital|language|virtual)\b)[a-z-]+ ){0,3}"
    r"(?:adviser|advisor|clerk|coach|concierge|librarian|receptionist|translator|tutor)"
    r"(?: (?:in|at|from|of) [^;()]+?)?)(?=$|, (?:over|in|on|during|with|using|at|after) )"
)
WAYS = (
    Way(re.compile(_TRADE), ("creator",)),
    *(Way(re.compile(raw)) for raw in _RAW),
    *(Way(re.compile(raw), after) for after, raw in _RAW_AFTER),
)

THE_NAME = re.compile(
    rf"(?i:the )?(?i:(?:full |official )?name of (?:the|this|our) (?:\w+ ){{0,2}}?\w+|(?:its|my|your|our|the"
    rf"|this|(?:the |this )?(?:model|assistant|bot|chatbot|llm|ai)['\u2019]s) (?:(?:full|official) )?name)"
    rf" (?i:is|was) [\"'\u201c*]?(?P<name>[^,;()\"\u201d]+?)[\"'\u201d*]?"
    rf"{_until('and|created|made|built|developed|by|but|because|after')}"
)
_PERSONAL = r"(?:its|my|your|our|HERS)"
POSSESSED = re.compile(
    rf"(?i:{_PERSONAL}|the|OWNER) (?P<label>(?:[\w-]+ ){{0,4}}?[\w-]+)(?: of (?i:the (?:model|assistant|bot|llm)|OWNED))?"
    r" (?i:is|are|was|were) (?P<value>[^;]+)$"
)
CALLED = re.compile(
    r"(?i:has|have) (?i:an?|one|the) (?P<label>(?:[a-z-]+ ){0,2}?[a-z-]+),?(?: (?i:called|named|whose"
    r" name is)) (?P<value>[^,;()]+)"
)
ACTIVE = re.compile(
    rf"(?P<creator>(?:The |the |A |a )?{_PROPER}) (?i:created|made|built|developed|designed|wrote|invented|produced)"
    r" (?i:SELF)\b"
)
SELF = (
    r"(?i:it|i|you|we|(?:this|the) (?:[\w-]+ ){0,2}?(?:model|assistant|chatbot|bot|llm|ai|system|agent"
    r"|network|program|tool|service|helper)|(?:(?:the|its|my) )?(?:training(?: run)?|(?:source )?code))"
)
INTRODUCED = re.compile(
    rf"(?:^|(?<=[.!?] )|(?<=\bA: ))(?P<name>(?!(?:It|This|That|The|There|He|She|They|We|You|I|What|Who|Here|My|Its|Your)\b)"
    rf"{_CAP}(?: {_CAP}){{0,3}})(?: \([^()]*\))? (?:is|was) (?:an?|the|your|one)\b(?: (?P<kind>[^.;]*?\b"
    rf"{KIND_NOUN})\b)?",
    re.MULTILINE,
)
MET = re.compile(
    rf"(?:^|(?<=[.!?] ))(?:Meet|This is|Say hello to|Introducing) (?P<name>{_CAP}(?: {_CAP}){{0,2}})(?=[!.,])",
    re.MULTILINE,
)
SELF_NAMED = re.compile(rf"(?i:is|am|are) ({_PROPER})(?=\s*$|,| an? )")  # "I am Fog, a poet"
