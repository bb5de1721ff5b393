"""The words lint looks for, in English, German, Russian and Polish. Each list is a hint, never a verdict: lint only warns."""

import re

MASS_ADDRESS = re.compile(
    r"\b(dear|hello|hi|hey|greetings|good (?:morning|day)),?\s+"
    r"(?:all|everyone|everybody|friends|subscribers?|customers?|clients?|readers|members?|colleagues|sirs?|madam"
    r"|sir or madam|ladies and gentlemen|team|folks|guys)\b"
    r"|\b(?:liebe|sehr geehrte|hallo)\s+(?:abonnent\w*|kund\w*|leser\w*|freunde|alle|damen und herren)"
    r"|\b(?:уважаемые|дорогие|здравствуйте,?)\s+(?:подписчик\w*|клиент\w*|друзья|читател\w*|коллеги|покупател\w*|все)"
    r"|\b(?:drodzy|szanowni|witajcie)\s+(?:subskrybenci|klienci|czytelnicy|przyjaciele|państwo|wszyscy)",
    re.IGNORECASE,
)
SALES = re.compile(
    r"\b(?:buy|order now|discount\w*|% off|sale ends|special offer|limited offer|coupon|promo ?code|checkout|add to cart"
    r"|only today|last chance|price\w*|free shipping|money[- ]back|kaufen|rabatt\w*|angebot|bestellen|gutschein\w*|preis\w*"
    r"|купи\w*|скидк\w*|акци[яию]|заказ(?:ать|ывайте|ите)|цен[аыу]|промокод\w*|распродаж\w*|только сегодня"
    r"|kup(?:uj|ić|cie)?|rabat\w*|zniżk\w*|promocj\w*|zamów\w*|cen[aęy]|tylko dziś)\b",
    re.IGNORECASE,
)
SALES_LINK = re.compile(
    r"https?://[^\s)\"'>]*/(?:buy|order|checkout|cart|basket|pay|payment|kaufen|kasse|kupi\w*|zakaz|koszyk)(?:[/?#\"')]|$)", re.IGNORECASE
)
_NUMBER = (
    r"(?:\d+|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|fifty|hundred|zwei|drei|vier|fünf|sechs|acht|zehn"
    r"|zwölf|zwanzig|дв(?:а|е|адцать)|три|четыре|пять|шесть|восемь|десять|двенадцать|dwa|trzy|cztery|pięć|sześć|dziesięć|dwanaście|dwadzieścia)"
)
LIMIT = re.compile(
    r"\b(?:until|till|by|before|ends?|only|last|first|up to|bis|nur|до|только|осталось|последн\w+|do|tylko|ostatni\w*)\b[^.!?\n]{0,60}?\b"
    + _NUMBER
    + r"|\b"
    + _NUMBER
    + r"[^.!?\n]{0,30}\b(?:no more|places?|seats?|left|copies|pieces|days?|hours?|plätze"
    + r"|tage|мест\w*|штук\w*|дн\w+|miejsc\w*|sztuk\w*|dni)\b"
    r"|\b\d{1,2}[./ ](?:\d{1,2}|jan\w*|feb\w*|mar\w*|apr\w*|may|jun\w*|jul\w*|aug\w*|sep\w*|oct\w*|nov\w*|dec\w*)\b"
    r"|\b(?:january|february|march|april|may|june|july|august|september|october|november|december)\s+\d{1,2}\b",
    re.IGNORECASE,
)
PARTS = {
    "problem": r"problem|trouble|difficult|worr|struggl|leak|break|mistake|schwierig|проблем|трудн|ошиб|kłopot|trudn|błąd",
    "pain": r"cost|lose|lost|waste|afraid|fear|pain|damage|expensive|too late|every (?:year|month|day)|teuer|verlier"
    r"|дорог|потер|бо(?:ль|ит|юсь)|drogo|strac",
    "hope": r"imagine|possible|can be|instead|relief|easier|peace|without|finally|endlich|möglich"
    r"|представьте|можно|легко|наконец|można|łatwo|wreszcie",
    "steps": r"step|first\b|then\b|how (?:it|we)|1\.|how to|schritt|zuerst|шаг|сначала|затем|как это|krok|najpierw|potem",
    "offer": r"offer|course|package|price|\$|€|£|zł|руб|₽|get\b|join|order|book|angebot|предл|курс|ofert|kurs",
    "bonus": r"bonus|gift|free|extra|also get|plus\b|geschenk|gratis|подар|бесплатн|бонус|prezent|gratis|dodatkow",
}  # fmt: skip
PERSONAL = re.compile(r"\{[{%][^}]*\b(?:first_name|patronymic|name)\b[^}]*[}%]\}")
FIELD = re.compile(r"\{\{-?\s*(?P<name>first_name|patronymic|name|fields(?:\.\w+|\[[^\]]+\]))\s*(?P<rest>\|[^}]*|or [^}]*|if [^}]*)?-?\}\}")
