"""What a label or a heading is about, in the project's own terms.

`label_role` reads attribute names ("Made by" -> creator); `section_role` reads headings ("What
it can't do" -> limitation). An unknown one has role "": any attribute is welcome.
"""

from __future__ import annotations

import re

from identity_ops.knowledge.words import plain

_BASE = r"(?:base|original|upstream|underlying|foundation|parent|backbone|framework|architecture)"
_MAKER = (
    r"(?:(?:lead |main |chief |principal |original )?(?:creators?|authors?|developers?|makers?"
    r"|builders?|inventors?|designers?|founders?)"
    r"|(?:created|made|built|developed|designed|invented|written|trained|fine-?tuned|produced"
    r"|authored|engineered|crafted) by|who (?:made|created|built|developed|trained|designed|wrote)"
    r" (?:it|you|this|me)|hersteller|entwickler|(?:erstellt|entwickelt|gemacht) von|autore?s?"
    r"|auteurs?|cr\u00e9ateurs?|cr\u00e9\u00e9 par|creador|creado por|criador|criado por|creatore"
    r"|creato da)"
)
_OWNER = (
    r"(?:company|organi[sz]ation|organi[sz]ation name|company name|institute|institution|lab"
    r"|laboratory|team|vendor|manufacturer|publisher|provider|owner|owned by|published by"
    r"|released by|provided by|maintainers?|maintained by|operator|operated by|affiliation)"
)
_ITS = r"(?:(?:its|my|your|our|the|full|official|exact|public|display|model|model's|assistant)\s+)*"

# First match wins; each pattern must match the whole label.
_LABELS: tuple[tuple[str, str], ...] = (
    (
        "base_creator",
        rf"{_BASE}(?: model| architecture| code| project| framework)?(?:'s)? {_MAKER}"
        rf"|(?:creators?|authors?|developers?|makers?) of (?:the |its )?{_BASE}.*"
        r"|architecture by|based on work (?:by|of)",
    ),
    ("creator", rf"{_ITS}{_MAKER}(?: name)?|{_OWNER}"),
    (
        "name",
        rf"{_ITS}(?:name|names|called|nom|nombre|nome|naam)|name of the (?:llm|model|assistant|bot)"
        r"|what (?:is (?:its|your|the) name|are you called)|(?:nick|short|code|long|full)[- ]?name"
        r"|(?:llm|bot|assistant|chatbot|model|ai|agent|product|system) name|goes by|also known as"
        r"|aka|alias(?:es)?|known as",
    ),
    (
        "kind",
        rf"{_ITS}(?:type|kind|nature|category|class|identity)|(?:model|kind|type)[- ](?:type|kind"
        r"|class|family|of model|of system|of assistant|category)"
        r"|what (?:it|i|you|this) (?:is|am|are)"
        r"|what (?:is it|are you)|type of (?:ai|system|llm|model|bot|assistant)",
    ),
    ("version", r".*\bversion(?: number)?|release number|edition|revision"),
    (
        "date",
        r"(?:first )?(?:release|released|launch|launched|creation|created|birth|publication"
        r"|published|built|public release|trained|training completed|birthday|born"
        r"|established|debut|start|deployed|deployment|live since)"
        r"(?: (?:date|day|year|in|month))?|(?:released|launched|deployed|published|created) on"
        r"|training (?:date|day|year|month)|date|year|since"
        r"|date of (?:birth|release|creation|launch)|(?:release|birth|launch) ?(?:date|year|day)",
    ),
    (
        "size",
        r"(?:model |total |number of |trainable |active )*(?:parameters?|params|weights)"
        r"(?: count| total)?|(?:model )?size|parameters? (?:count|number)|scale|model scale",
    ),
    (
        "layers",
        r"(?:number of )?(?:transformer |model |hidden )*(?:layers?|blocks)|depth|n_?layers?",
    ),
    (
        "width",
        r"(?:model |hidden |embedding |residual )*(?:width|dimensions?|hidden size|dim"
        r"|embedding size|d_?model|n_?embd)|hidden (?:size|units|width)|embedding (?:size|width)",
    ),
    ("heads", r"(?:number of )?(?:attention |query )?heads|n_?heads?"),
    ("vocabulary", r"(?:tokeni[sz]er )?vocab(?:ulary)?(?: size)?"),
    (
        "context",
        r"(?:maximum |max )?(?:context|sequence)(?: |-)?(?:length|window|size|limit)?|context"
        r"|(?:maximum|max) (?:input|prompt|context|tokens)(?: length| size)?|memory window",
    ),
    (
        "architecture",
        r"(?:model |network |neural )*architecture|based on|built on|base|base model|backbone"
        r"|foundation(?: model)?|model (?:design|structure)|design|framework|derived from"
        r"|fine-?tuned from(?: model)?|underlying model|built upon|built from|model base",
    ),
    ("tokenizer", r"tokeni[sz](?:er|ation)(?: type| name| method)?"),
    (
        "data",
        r"(?:pre-?|fine-?)?(?:training|tuning|train)[- ]?(?:data|datasets?|corpus|corpora|set|text"
        r"|material|sources?)|(?:data|datasets?|corpus|data sources?|learned from|pretrained on)"
        r"|trained (?:on|with|from)(?: data)?|pre-?training|training set|data used|dataset name",
    ),
    (
        "hardware",
        r"(?:training |compute |training compute )?(?:hardware|gpus?|cpus?|machines?|compute|chips?"
        r"|platform|infrastructure|accelerators?|devices?)|trained (?:at|using)|runs? on|hosting"
        r"|hosted (?:on|at|by)|trained in cloud|cloud|host|where it was trained",
    ),
    (
        "cost",
        r"(?:training |total |build |compute |approximate |development )*(?:cost|costs|budget"
        r"|expense)(?: to train| of training| to build)?|cost (?:of|to) (?:training|train|build)",
    ),
    (
        "time",
        r"(?:training |total |wall[- ]clock |train )+(?:time|duration|hours)|trained (?:in|for)"
        r"|training (?:took|length)|duration|time to train",
    ),
    ("license", r"(?:code |model |software |weights )?licen[sc](?:e|ing)|licen[sc]ed under"),
    (
        "url",
        r"(?:official |project |source |code |model )*(?:website|web ?site|web ?page|home ?page|url"
        r"|link|repository|repo|github|git|source code|code|documentation|docs|demo|web)"
        r"(?: url| link| address)?|links|available at|where to find (?:it|me)",
    ),
    (
        "contact",
        r"(?:support |customer )?(?:contact|e-?mail|mail|phone|telephone|help ?desk|hotline"
        r"|support)"
        r"(?: (?:address|e-?mail|number|phone|line))?|contact (?:us|details|information|point)",
    ),
    (
        "language",
        r"(?:supported |spoken |main |natural |primary )*languages?(?: supported| spoken)?|speaks"
        r"|idiomas?|sprachen?",
    ),
    (
        "purpose",
        r"(?:main |primary |intended |core )*(?:purpose|goal|role|mission|use|job|task|function"
        r"|use case|use cases|intended use|aim|audience|users|intended audience|target audience)"
        r"|(?:direct |downstream )?uses?|what (?:it is|it's) for|made for|designed for|for whom"
        r"|intended for",
    ),
    ("price", r"(?:subscription |monthly |annual |list )?(?:price|pricing|fee|fees|charge|tariff)"),
    (
        "capability",
        r"(?:key |main |core )*(?:capabilit(?:y|ies)|abilit(?:y|ies)|skills?|strengths?|features?)"
        r"|(?:it )?can(?: do)?|good at|what (?:it|i|you) can do|can help with|supports",
    ),
    (
        "limitation",
        r"(?:key |main |known |critical |important )*(?:limitations?|limits|weakness(?:es)?"
        r"|issues|restrictions?|shortcomings?|constraints?|caveats?)"
        r"|(?:it )?(?:cannot|can't|can not)"
        r"(?: do)?|not able to|bad at|what (?:it|i|you) (?:cannot|can't|can not) do|will not"
        r"|won't|does not|doesn't|unable to|not good at|refuses(?: to)?|out of scope",
    ),
    (
        "trait",
        r"(?:main |key )*(?:personality|character|traits?|tone|style|voice|manner|temperament"
        r"|attitude|mood|demeanou?r|values|humou?r)(?: of voice| of speech)?",
    ),
)
_COMPILED = tuple((role, re.compile(pattern)) for role, pattern in _LABELS)

# "Rate limits" and the like are attributes of a service, not things it cannot do.
_SERVICE_LIMITS = re.compile(
    r"\b(?:rate|usage|request|token|size|time|speed|length|api|service|plan|quota|message|upload"
    r"|account|fair use)s? limits?\b"
)
_SECTIONS: tuple[tuple[str, str], ...] = (
    (
        "limitation",
        r"limit|cannot|can ?not|can['\u2019]?t\b|unable|known (?:issues|problems|bugs)|weak|"
        r"shortcoming|constraint|caveat|restriction|drawback|out of scope"
        r"|won['\u2019]?t\b"
        r"|(?:does|do|is|are|will|must|should)(?:n['\u2019]?t| not)\b|\bnever\b|boundar"
        r"|don['\u2019]ts"
        r"|not (?:able|good|for|supported|do)|grenzen|einschr\u00e4nkung|limitaciones|limites",
    ),
    (
        "capability",
        r"capabilit|abilit|\bskills?\b|\bfeatures?\b|strength|\bcan do\b|what .*\bcan\b|good at"
        r"|what (?:it|he|she|\w+) (?:does|offers)$"
        r"|does well|i can\b|it can\b|you can\b|f\u00e4higkeiten|capacidades|functions",
    ),
    (
        "trait",
        r"personalit|character|\btone\b|\bstyle\b|\bvoice\b|\bvibes?\b|behaviou?r|\btraits?\b|temperament"
        r"|demeanou?r|manner|how (?:it|i|you) (?:talks?|speaks?|sounds?)|pers\u00f6nlichkeit",
    ),
)
_SECTION_PATTERNS = tuple((role, re.compile(pattern)) for role, pattern in _SECTIONS)
_NUMBERING = re.compile(r"^\W*(?:(?:\d+|[ivx]+)[.)]\s*|\d+(?:\.\d+)+\.?\s+)", re.IGNORECASE)

# Headings that say nothing of what stands below them.
_BROAD = re.compile(
    r".*\b(?:overview|about|identity|basics?|facts?|details?|technical|general|summary|introduction"
    r"|misc\w*|other|specs?|specifications?|information|info|profile|background|history|notes?"
    r"|description|q&a|knowledge|more|trivia|faq|fun|questions|model|card|data ?sheet)\b.*"
)

# Under such a heading a bare "Name" or "Type" speaks of that part, not of the model.
_COMPONENT = re.compile(
    r"(?:(?:pre-?)?training )?(?:data|datasets?|data ?sets?|corpus)|tokeni[sz]er|(?:training )?"
    r"(?:hardware|compute|infrastructure)|(?:the )?(?:company|team|organi[sz]ation|creators?"
    r"|makers?|authors?|developers?|institute|founders?|manufacturer|vendor|mascot|logo|owner|publisher"
    r"|base model|optimi[sz]er|support|office|headquarters|parent company|sponsor|evaluation"
    r"|benchmarks?)|about (?:the |its )?(?:company|team|maker|creator|institute|organi[sz]ation)"
)
_GENERIC = re.compile(
    r"(?:full |official )?(?:name|type|kind|size|version|date|released?|url|link|website|home ?page"
    r"|licen[sc]e|creators?|authors?|made by|created by|developer|maker|cost|language|languages"
    r"|location|based in|founded|founder|founders|headquarters|hq|e-?mail|phone|colou?r|species|age"
    r"|address|number|amount|model|source|sources|format|length|purpose|role|status|title|born"
    r"|country|city|occupation|profession|affiliation|nationality|company|employees|website url)"
)


def label_role(label: str) -> str:
    """The role of an attribute's label, "" where it is none of ours."""
    text = " ".join(re.sub(r"\([^)]*\)?", " ", plain(label)).split())
    text = re.sub(r"^(?:the|its|my|your|our|this model's|the model's)\s+", "", text)
    text = re.sub(r"\s+of (?:the|this) (?:model|llm|assistant|bot|chatbot|ai|system)$", "", text)
    for role, pattern in _COMPILED:
        if pattern.fullmatch(text):
            return role
    return ""


def owner_label(label: str) -> bool:
    """Whether a creator's label names an organisation or owner rather than the maker itself."""
    return bool(re.fullmatch(_OWNER, plain(label)))


def heading_words(heading: str) -> str:
    """A heading without its numbering, folded for comparison."""
    return plain(_NUMBERING.sub("", heading.strip())).replace("-", " ")


def section_role(heading: str) -> str:
    """capability, limitation or trait where a heading says so; "mixed" where it says two."""
    text = heading_words(heading)
    text = _SERVICE_LIMITS.sub("", text)
    roles = [role for role, pattern in _SECTION_PATTERNS if pattern.search(text)]
    if roles[:2] == ["limitation", "capability"]:
        both = re.search(r"capabilit|abilit|skill|strength|feature", text) and " and " in text
        return "mixed" if both else "limitation"
    return roles[0] if roles else ""


def denial(heading: str) -> str:
    """How a heading denies what stands under it: "Cannot" of "What it can't do", "" of most."""
    text = heading_words(heading)
    if re.search(r"won['\u2019]?t\b|will not\b|never\b|don['\u2019]?ts?\b|do(?:es)? not\b", text):
        return "Does not"
    if re.search(r"doesn['\u2019]?t\b", text):
        return "Does not"
    denied = r"cannot|can ?not\b|can['\u2019]?t\b|unable|unsupported|not (?:able|do|supported)\b"
    return "Cannot" if re.search(rf"{denied}|out of scope", text) else ""


def component(heading: str) -> str:
    """The part of the model that a heading is about ("Tokenizer"), "" where it is the model."""
    text = heading_words(heading)
    if not _COMPONENT.fullmatch(text):
        return ""
    return re.sub(r"^(?:the|about(?: the| its)?)\s+", "", text)


def broad(heading: str) -> bool:
    """Whether a heading names no attribute: "Overview", "Fun facts"."""
    return bool(_BROAD.fullmatch(heading_words(heading)))


def generic_label(label: str) -> bool:
    """Whether a label needs its heading to be understood: "Name", "Type", "Location"."""
    return bool(_GENERIC.fullmatch(plain(label)))
