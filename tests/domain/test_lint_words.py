"""The words lint looks for, language by language: forms that must fire, and lookalikes that must not."""

import pytest

from nurture.domain.lint.languages import LANGUAGES, language_of
from nurture.domain.lint.reading import blanked, own_words


def hits(language: str, table: str, text: str) -> bool:
    words = LANGUAGES[language]
    if table == "mass_address":
        return words.mass_address.search(blanked(text)) is not None
    if table == "selling":
        return any(concept.search(text) for concept in words.selling.values())
    if table in words.parts:
        return words.parts[table].search(text) is not None
    pattern = getattr(words, table)
    return pattern.search(own_words(text)) is not None


FIRES: dict[tuple[str, str], list[str]] = {
    ("en", "mass_address"): ["Dear customers,", "Hi all!", "Hello everyone\n", "Good morning, friends,", "<p>Dear valued subscribers,</p>",
        "To whom it may concern:", "**Dear readers**, hello", "Welcome, dear friends. Hello to all our members!"],
    ("ru", "mass_address"): ["Уважаемые подписчики!", "Дорогие друзья,", "Всем привет!", "Здравствуйте, коллеги!", "Друзья! Сегодня", "Дорогие наши читательницы,",
        "Уважаемый клиент!", "Коллеги, добрый день!", "<p>Дорогие клиенты,</p>", "Привет, ребята!"],
    ("pl", "mass_address"): ["Szanowni Państwo,", "Drodzy klienci,", "Witam wszystkich!", "Cześć wszystkim!", "Kochani,", "Drogi kliencie,", "Drogie czytelniczki,",
        "Dzień dobry Państwu,"],
    ("de", "mass_address"): ["Liebe Kunden,", "Sehr geehrte Damen und Herren,", "Hallo zusammen,", "Hallo ihr Lieben!", "Liebe Leserinnen,"],
    ("en", "selling"): ["Buy now", "order today", "with a discount of 5", "30% off everything", "promo code ROOF", "only $49 this week", "Hurry!", "last chance",
        "while stocks last", "add to cart"],
    ("ru", "selling"): ["скидка 20%", "скидкой", "без скидок", "Закажите сейчас", "купите сегодня", "распродажа", "промокодом", "только до 5 марта", "Спешите!",
        "всего 990 руб.", "по акции", "оформите заказ", "последний шанс"],
    ("pl", "selling"): ["Kup teraz", "zamów dziś", "zniżkę", "rabatu 20%", "rabat 20%", "wyprzedaży", "kod rabatowy", "tylko dziś", "nie przegap", "tylko 99 zł",
        "darmowa dostawa", "ostatnia szansa"],
    ("de", "selling"): ["Jetzt bestellen", "20 % Rabatt", "nur heute", "nur 49 €", "Gutscheincode"],
    ("en", "limit"): ["until 31 March", "only twelve places", "the last three seats", "before Friday", "8 places on each Saturday", "by midnight", "for the first 20 people", "on 3 May", "May 3"],
    ("ru", "limit"): ["до 31 марта", "осталось 5 мест", "только до пятницы", "первым двадцати", "двенадцать мест", "до конца недели", "подросло 60 штук"],
    ("pl", "limit"): ["do 31 marca", "tylko dwanaście miejsc", "zostało 5 sztuk", "do piątku", "do końca miesiąca", "pierwszych 20 osób"],
    ("en", "digest"): ["In this issue:", "in other news", "Also in this newsletter", "table of contents", "Also in this letter"],
    ("ru", "digest"): ["В этом выпуске", "в номере:", "Другие новости", "также в письме", "Новости одной строкой"],
    ("pl", "digest"): ["W tym numerze", "w tym wydaniu", "Inne wiadomości", "spis treści", "również w tym liście"],
    ("ru", "formal"): ["мы ждём вас", "Вам письмо", "ваш сад", "с вами", "вашими руками", "о Вашем доме"],
    ("ru", "familiar"): ["что ты думаешь", "Тебе письмо", "твой сад", "с тобой", "твоими руками", "о твоём доме", "тебя"],
    ("pl", "formal"): ["czekamy na Panią", "prosimy Pana", "dla Państwa", "czy zechce Pan przyjść", "Szanowna Pani,", "z Państwem"],
    ("pl", "familiar"): ["twój ogród", "Twoja rabata", "dla Ciebie", "z tobą", "czekam na cię", "damy Ci znać", "a ty?", "twoimi"],
    ("de", "formal"): ["wir warten auf Sie", "mit Ihnen", "wie Ihre Nachbarn", "in Ihrem Garten", "für Sie"],
    ("de", "familiar"): ["was du denkst", "mit dir", "dein Garten", "für dich", "Deine Beete"],
    ("en", "problem"): ["it leaks", "the trouble is", "you struggle", "a mistake", "people worry", "it came out flat"],
    ("ru", "problem"): ["проблема в том", "трудность", "ошибка", "не получается", "вы устали"],
    ("pl", "problem"): ["problem w tym", "kłopoty", "trudno", "najczęstszy błąd", "brakuje czasu"],
}  # fmt: skip

QUIET: dict[tuple[str, str], list[str]] = {
    ("en", "mass_address"): ["Dear Maria,", "all friends know", "Hello there, all is well", "Dear customers of our neighbour ask", "He said hello, everyone laughed.",
        "a dear friend, and readers"],
    ("ru", "mass_address"): ["Здравствуйте, Мария!", "Дорогой друг,", "Друзья спрашивают меня", "дорогие саженцы, говорят", "Уважаемая Мария,", "Всем известно, что",
        "все клиенты знают"],
    ("pl", "mass_address"): ["Dzień dobry, Anno,", "Drogi przyjacielu,", "Szanowna Pani Anno,", "Drodzy w utrzymaniu są goście", "wszyscy wiedzą", "Witaj, Marku,"],
    ("de", "mass_address"): ["Liebe Maria,", "Hallo Anna,", "Alle Kunden wissen", "Sehr geehrte Frau Berg,", "die lieben Freunde"],
    ("en", "selling"): ["before you buy a roof", "in that order", "the price of slate", "a pricey mistake", "Buy a notebook.", "off the roof", "do not order by telephone",
        "a salesman at the door"],
    ("ru", "selling"): ["оценка соседа", "сцена", "ценный совет", "он купил дом", "купе поезда", "реакция", "акционер", "листья скидывать", "накажите себя",
        "показать", "Не спешите", "не торопитесь", "закат", "цена саженца", "последний лист"],
    ("pl", "selling"): ["rabaty na wiosnę", "nasza rabata", "kupa liści", "skup złomu", "cenny dzień", "nie przeceniaj", "nie spiesz się", "zamówienie publiczne", "okup",
        "promocja zdrowia", "tylko do podlewania"],
    ("de", "selling"): ["bevor Sie kaufen", "der Preis der Ziegel", "Angebote vergleichen", "nur heiter bleiben", "Bestellung beim Förster"],
    ("en", "limit"): ["only $49", "up to 50% off", "Hurry, soon it is over", "by hand", "the last word", "until you are happy", "only you may know"],
    ("ru", "limit"): ["только 990 рублей", "до 50 процентов", "до самой весны", "Спешите, скоро кончится", "последнее слово", "до вас"],
    ("pl", "limit"): ["tylko 99 zł", "do 50% taniej", "do zobaczenia", "tylko u nas", "ostatnie słowo"],
    ("en", "digest"): ["the issue is moss", "no news", "a table of prices", "contents of the box", "this issue costs"],
    ("ru", "digest"): ["выпуск пара", "этот номер телефона", "новости хорошие", "содержание воды", "выпускной"],
    ("pl", "digest"): ["numer telefonu", "wydanie pieniędzy", "wiadomość", "treść listu", "spisać liczby"],
    ("ru", "formal"): ["«Вы правы», сказал он", "вынос", "Вася", "вывоз", "вампир", "выше"],
    ("ru", "familiar"): ["«Ты прав», сказал он", "тыква", "твёрдый", "— Ты идёшь?", "творог", "тыл"],
    ("pl", "formal"): ["Pan Kowalski mówi", "Pani z okienka", "panika", "państwo polskie", "pani", "u Pana Kowalskiego", "Panama", "„Proszę Pana”, rzekł"],
    ("pl", "familiar"): ["tylko", "typ", "Ci ludzie", "ci sąsiedzi", "twórca", "cięcie", "„Dla ciebie”, rzekła", "twarz"],
    ("de", "formal"): ["Sie wachsen gut", "siehe unten", "ihr Garten", "ihnen", "„Kommen Sie“, sagte er"],
    ("de", "familiar"): ["durch", "dirigieren", "Dichtung", "Duft", "dünn"],
    ("en", "problem"): ["a sunny day", "roses", "we like it", "the garden", "good news"],
    ("ru", "problem"): ["солнечный день", "розы", "нам нравится", "сад", "труба"],
    ("pl", "problem"): ["słoneczny dzień", "róże", "lubimy to", "ogród", "trawa"],
}  # fmt: skip


def cases(tables: dict[tuple[str, str], list[str]]) -> list[tuple[str, str, str]]:
    return [(language, table, text) for (language, table), texts in tables.items() for text in texts]


@pytest.mark.parametrize(("language", "table", "text"), cases(FIRES))
def test_a_form_of_the_word_fires(language: str, table: str, text: str):
    assert hits(language, table, text)


@pytest.mark.parametrize(("language", "table", "text"), cases(QUIET))
def test_a_lookalike_does_not(language: str, table: str, text: str):
    assert not hits(language, table, text)


def test_every_word_rule_has_five_forms_and_five_lookalikes_in_each_language():
    assert FIRES.keys() == QUIET.keys()
    assert {k: len(v) for t in (FIRES, QUIET) for k, v in t.items() if len(v) < 5} == {}
    for table in ("mass_address", "selling", "limit", "digest", "problem"):
        assert {language for language, t in FIRES if t == table} >= {"en", "ru", "pl"}


@pytest.mark.parametrize(("text", "locale", "code"), [
    ("Hello there, this is what you have for the roof", None, "en"),
    ("Здравствуйте! Вы пишете нам о саде", "en", "ru"),
    ("Dzień dobry, jak się masz, czy już jest wiosna?", "en", "pl"),
    ("Hallo, wir haben für Sie das Dach gemacht und es ist dicht", "en", "de"),
    ("Drodzy klienci", None, "pl"),
    ("Ok.", "pl", "pl"),
    ("Ok.", "ru", None),  # Latin letters in a Russian workspace
    ("Ok.", None, None),
    ("Шановні друзі, ми маємо новий курс", "en", None),  # Ukrainian
    ("Bonjour, nous avons une nouvelle formation pour tous ceux qui aiment leur jardin, et elle commence dans notre maison près de la rivière avec des gens que vous connaissez déjà depuis longtemps peut-être", "en", None),
    ("Здравейте! Имаме нов курс за вашата градина и той започва през март. Ще ви покажем как се садят ябълки и круши, как се поливат и кога се режат клоните. Елате при нас, ще бъде хубаво и полезно за всички", None, None),  # Bulgarian
])  # fmt: skip
def test_the_language_of_a_letter_is_its_own(text: str, locale: str | None, code: str | None):
    found = language_of(text, locale)
    assert (found.code if found else None) == code
