"""The words of German letters."""

from nurture.domain.lint.languages.language import AMOUNT, language

_CROWD = (
    r"abonnent(?:en|innen)|kund(?:en|innen)|leser(?:innen)?|freunde|alle|kolleg(?:en|innen)|mitglieder|damen und herren"
    r"|zusammen|gäste"
)
_MONTH = r"jan(?:uar)?|feb(?:ruar)?|märz|apr(?:il)?|mai|juni?|juli?|aug(?:ust)?|sept?(?:ember)?|okt(?:ober)?|nov(?:ember)?|dez(?:ember)?"
_NUMBER = (
    rf"(?:{AMOUNT}|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|zwölf|fünfzehn|zwanzig|dreißig|fünfzig|hundert|{_MONTH}"
    r"|(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch|morgen|mitternacht)"
)

GERMAN = language(
    "de",
    hello="Hallo",
    friend="hallo",
    common="und nicht sie ist das ein eine mit für auf wir der den dem sich auch von zu im wie oder wenn ihr du ihnen hallo "
    "liebe sehr geehrte",
    mass_address=(
        rf"(?:liebe|sehr geehrte|verehrte|werte)\s+(?:(?:unsere|treue)\s+)?(?:{_CROWD})"
        rf"|(?:hallo|hi|guten (?:tag|morgen)|servus),?\s+(?:liebe\s+)?(?:{_CROWD}|ihr lieben)|ihr lieben"
    ),
    selling={
        "buy": r"jetzt (?:kaufen|bestellen|zugreifen)|kaufen sie jetzt|bestellen sie (?:jetzt|heute|noch heute)"
        r"|bestell(?:e)? (?:jetzt|heute)"
        r"|in den warenkorb|zur kasse",
        "discount": r"rabatte?s?|sonderangebote?|gutscheincodes?|\d+ ?% (?:günstiger|rabatt)|schlussverkauf|ausverkauf"
        r"|zum halben preis|aktionspreise?",
        "price": r"(?:nur|jetzt) \d[\d.,]* ?(?:€|euro)|unsere preise|geld[- ]zurück|kostenloser versand|versandkostenfrei",
        "hurry": r"nur heute|letzte chance|nur noch (?:heute|bis)|solange der vorrat reicht|schnell zugreifen|beeilen sie sich"
        r"|beeil dich",
    },
    parts={
        "problem": r"problem|schwierig|sorge|fehler|kaputt|undicht|ärger|mühe",
        "pain": r"kost|verlier|verlor|teuer|angst|schmerz|schaden|zu spät|jede[sn]? (?:jahr|monat|tag)",
        "hope": r"stellen sie sich|stell dir|möglich|endlich|leicht|ruhe|ohne\b|statt",
        "steps": r"schritt|zuerst|dann\b|danach|so (?:geht|läuft)|1\.",
        "offer": r"angebot|kurs|preis|euro|paket|bekommen|platz|plätze|buch",
        "bonus": r"bonus|geschenk|gratis|kostenlos|dazu|zusätzlich|obendrauf",
    },
    limit=(
        rf"\b(?:bis|nur|letzte\w*|erste\w*|höchstens|noch)\b[^.!?\n]{{0,60}}?\b{_NUMBER}\b"
        rf"|\b{_NUMBER}\b[^.!?\n]{{0,30}}\b(?:plätze\w?|tage|stück|stunden|exemplare)\b|\b\d{{1,2}}\. ?(?:{_MONTH}|\d{{1,2}}\.)"
    ),
    digest=r"in dieser ausgabe|außerdem in dieser|inhaltsverzeichnis|weitere meldungen",
    formal=r"(?<=[^\W\d_])[,;]? (?:Sie|Ihnen|Ihre[nmrs]?)(?!\w)",
    familiar=r"(?<!\w)(?:[Dd]u|[Dd]ich|[Dd]ir|[Dd]ein(?:e|en|em|er|es)?)(?!\w)",
)
