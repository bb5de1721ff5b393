"""The words of English letters. English has one you."""

from nurture.domain.lint.languages.language import AMOUNT, language

_CROWD = (
    r"subscribers?|customers?|clients?|readers?|members?|colleagues|users?|friends|all|everyone|everybody|folks|guys|team|sirs?"
    r"|sir or madam|sir/madam|ladies and gentlemen|there,? everyone"
)
_MONTH = (  # without May, which is a verb as well and counts only beside a day
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?"
)
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|tomorrow|midnight|tonight"
_NUMBER = (
    rf"(?:{AMOUNT}|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|hundred"
    rf"|{_MONTH}|{_DAY})"
)

ENGLISH = language(
    "en",
    hello="Hello",
    friend="friend",
    common="the and you your that this with are have for from was will not but they what our we it if can dear hello hi everyone friends",
    mass_address=(
        r"(?:dear|hello|hi|hey|greetings|good (?:morning|day|evening)|welcome),?\s+"
        rf"(?:(?:to|our|all|valued|fellow|loyal|lovely|wonderful|beloved|esteemed|new|of|my)\s+){{0,3}}(?:{_CROWD})(?: of you)?"
        r"|to whom it may concern"
    ),
    selling={
        "buy": r"buy (?:now|yours|today|here|from us|our)|order (?:now|today|yours|here|your)|place your order|shop now"
        r"|add to (?:cart|basket)"
        r"|proceed to checkout",
        "discount": r"discounts?|\d+ ?% off|on sale now|sale ends|(?:special|limited|exclusive) offers?|coupons?|promo ?codes?"
        r"|half price|clearance"
        r"|voucher codes?",
        "price": r"(?:only|just|now) [$€£] ?\d[\d.,]*|only \d+ ?(?:€|euros?|dollars?|pounds?)|our (?:low )?prices?|money[- ]back"
        r"|free (?:shipping|delivery)",
        "hurry": r"hurry|last chance|(?:only today|today only)|ends (?:today|tonight|soon)|while stocks? lasts?|act now|before it'?s gone"
        r"|for a limited time",
    },
    parts={
        "problem": r"problem|trouble|difficult|worr|struggl|leak|br[eo]ak|mistake|wrong|hard to|flat\b|fail|stuck|annoy|without a",
        "pain": r"cost|lose|lost|losing|wast|afraid|fear|pain|hurt|damag|expensive|too late|every (?:year|month|day)|ruin"
        r"|sleepless|regret|guess",
        "hope": r"imagine|possible|can be\b|instead|relief|reliev|easier|easy|peace|without\b|finally|learn|at last|no longer"
        r"|they have\b",
        "steps": r"steps?\b|first\b|then\b|how (?:it|we|the|this)|1\.|how to|evening:|at the end|week one",
        "offer": r"offer|course|package|price|get\b|join|order|book|place|workshop|ticket|subscription|what you get",
        "bonus": r"bonus|gifts?\b|free\b|extra|also get|plus\b|on top|present\b|money back|as a thank",
    },
    limit=(
        rf"\b(?:until|till|by|before|ends?|only|last|first|up to|no more than|deadline)\b[^.!?\n]{{0,60}}?\b{_NUMBER}\b"
        rf"|\b{_NUMBER}\b[^.!?\n]{{0,30}}\b(?:no more|places?|seats?|left|copies|pieces|days? left|benches|spots?)\b"
        rf"|\b\d{{1,2}}(?:st|nd|rd|th)?[./ ](?:of )?(?:{_MONTH}|may|\d{{1,2}}\.)\b|\b(?:{_MONTH}|may)\s+\d{{1,2}}\b|\b20\d\d-\d\d-\d\d\b"
    ),
    digest=r"in this issue|in other news|also in this (?:letter|issue|newsletter)|table of contents|this month'?s topics",
)
