"""The words of the pages that a subscriber sees, in four languages."""

from collections.abc import Mapping

LANGUAGES = ("en", "de", "pl", "ru")

_EN = {
    "leave_title": "Leave these letters",
    "leave_text": "One press and no further letter comes to you. Nothing has changed so far.",
    "leave_button": "Leave all letters",
    "left_title": "You have left",
    "left_text": "No further letter will come to you. Thank you for having read us.",
    "preferences_title": "Your letters",
    "preferences_text": "Choose what suits you. Each button works at once.",
    "useful_button": "Only useful letters",
    "useful_text": "No offers, no news: only what you can put to use.",
    "all_button": "All letters again",
    "less_button": "Less often",
    "less_text": "At most one letter in seven days.",
    "normal_button": "As often as before",
    "pause_button": "Pause for 30 days",
    "pause_text": "Nothing for a month, then it goes on by itself.",
    "resume_button": "Go on now",
    "leave_choice_text": "No further letter of any kind.",
    "saved": "Saved: this counts from now on.",
    "email": "Your e-mail address",
    "first_name": "Your first name",
    "name": "Your name",
    "topics": "What you would like to read about",
    "join_button": "Send me the letters",
    "asked_title": "Please look into your mailbox",
    "asked_text": "If this address can get our letters, one is on its way that asks you to confirm. Nothing else comes before you do.",
    "confirm_title": "One press, and the letters come",
    "confirm_text": "You asked for our letters. Please confirm that this mailbox is yours.",
    "confirm_button": "Yes, I want the letters",
    "joined_title": "Welcome",
    "joined_text": "Your letters are on their way. Every one has a link by which you can leave.",
    "old_title": "This link has grown old",
    "old_text": "You have left our letters since it was sent. Please ask for them anew if you want them back.",
    "wrong_email": "That is not an e-mail address. Please look at it once more.",
    "too_many_title": "Too many requests",
    "too_many_text": "Please try again in an hour.",
    "gone_title": "This page does not exist",
    "gone_text": "The link is incomplete or was changed on its way. Please open it again from the letter.",
    "later_title": "Please try again in a moment",
    "later_text": "We cannot look this up right now. The link stays valid.",
}
_DE = {
    "leave_title": "Diese Briefe abbestellen",
    "leave_text": "Ein Klick, und es kommt kein weiterer Brief. Bisher hat sich nichts geändert.",
    "leave_button": "Alle Briefe abbestellen",
    "left_title": "Sie sind abgemeldet",
    "left_text": "Es kommt kein weiterer Brief. Danke, dass Sie uns gelesen haben.",
    "preferences_title": "Ihre Briefe",
    "preferences_text": "Wählen Sie, was Ihnen passt. Jeder Knopf wirkt sofort.",
    "useful_button": "Nur nützliche Briefe",
    "useful_text": "Keine Angebote, keine Neuigkeiten: nur, was Sie brauchen können.",
    "all_button": "Wieder alle Briefe",
    "less_button": "Seltener",
    "less_text": "Höchstens ein Brief in sieben Tagen.",
    "normal_button": "So oft wie bisher",
    "pause_button": "30 Tage Pause",
    "pause_text": "Einen Monat lang nichts, dann geht es von selbst weiter.",
    "resume_button": "Jetzt weiter",
    "leave_choice_text": "Kein Brief mehr, welcher Art auch immer.",
    "saved": "Gespeichert: das gilt ab jetzt.",
    "email": "Ihre E-Mail-Adresse",
    "first_name": "Ihr Vorname",
    "name": "Ihr Name",
    "topics": "Worüber Sie lesen möchten",
    "join_button": "Schicken Sie mir die Briefe",
    "asked_title": "Bitte sehen Sie in Ihr Postfach",
    "asked_text": "Wenn diese Adresse unsere Briefe bekommen kann, ist einer unterwegs, der um Bestätigung bittet. Vorher kommt nichts.",
    "confirm_title": "Ein Klick, und die Briefe kommen",
    "confirm_text": "Sie haben um unsere Briefe gebeten. Bitte bestätigen Sie, dass dieses Postfach Ihres ist.",
    "confirm_button": "Ja, ich möchte die Briefe",
    "joined_title": "Willkommen",
    "joined_text": "Ihre Briefe sind unterwegs. In jedem steht ein Link zum Abbestellen.",
    "old_title": "Dieser Link ist alt",
    "old_text": "Sie haben unsere Briefe seither abbestellt. Bitte fragen Sie neu, wenn Sie sie wieder möchten.",
    "wrong_email": "Das ist keine E-Mail-Adresse. Bitte sehen Sie noch einmal nach.",
    "too_many_title": "Zu viele Anfragen",
    "too_many_text": "Bitte versuchen Sie es in einer Stunde noch einmal.",
    "gone_title": "Diese Seite gibt es nicht",
    "gone_text": "Der Link ist unvollständig oder wurde unterwegs verändert. Bitte öffnen Sie ihn noch einmal aus dem Brief.",
    "later_title": "Bitte versuchen Sie es gleich noch einmal",
    "later_text": "Wir können das gerade nicht nachsehen. Der Link bleibt gültig.",
}
_PL = {
    "leave_title": "Rezygnacja z listów",
    "leave_text": "Jedno naciśnięcie i żaden list już nie przyjdzie. Na razie nic się nie zmieniło.",
    "leave_button": "Rezygnuję ze wszystkich listów",
    "left_title": "Zrezygnowano z listów",
    "left_text": "Żaden list już nie przyjdzie. Dziękujemy za lekturę.",
    "preferences_title": "Twoje listy",
    "preferences_text": "Wybierz, co Ci odpowiada. Każdy przycisk działa od razu.",
    "useful_button": "Tylko przydatne listy",
    "useful_text": "Bez ofert i nowości: tylko to, co się przyda.",
    "all_button": "Znowu wszystkie listy",
    "less_button": "Rzadziej",
    "less_text": "Najwyżej jeden list na siedem dni.",
    "normal_button": "Tak często jak dotąd",
    "pause_button": "Przerwa na 30 dni",
    "pause_text": "Przez miesiąc nic, potem listy wrócą same.",
    "resume_button": "Wznów teraz",
    "leave_choice_text": "Żadnych listów więcej.",
    "saved": "Zapisano: obowiązuje od teraz.",
    "email": "Twój adres e-mail",
    "first_name": "Twoje imię",
    "name": "Imię i nazwisko",
    "topics": "O czym chcesz czytać",
    "join_button": "Chcę dostawać listy",
    "asked_title": "Prosimy zajrzeć do skrzynki",
    "asked_text": "Jeśli na ten adres mogą przychodzić listy, list z prośbą o potwierdzenie jest w drodze. Wcześniej nic nie przyjdzie.",
    "confirm_title": "Jedno naciśnięcie i listy przyjdą",
    "confirm_text": "Prośba o nasze listy przyszła z tego adresu. Potwierdź, że to Twoja skrzynka.",
    "confirm_button": "Tak, chcę dostawać listy",
    "joined_title": "Witamy",
    "joined_text": "Listy są w drodze. W każdym jest link, którym można zrezygnować.",
    "old_title": "Ten link jest już nieaktualny",
    "old_text": "Od czasu jego wysłania zrezygnowano z listów. Jeśli chcesz je znów dostawać, poproś o nie jeszcze raz.",
    "wrong_email": "To nie jest adres e-mail. Prosimy sprawdzić go jeszcze raz.",
    "too_many_title": "Zbyt wiele próśb",
    "too_many_text": "Prosimy spróbować za godzinę.",
    "gone_title": "Nie ma takiej strony",
    "gone_text": "Link jest niepełny albo zmienił się po drodze. Prosimy otworzyć go ponownie z listu.",
    "later_title": "Prosimy spróbować za chwilę",
    "later_text": "Nie możemy tego teraz sprawdzić. Link pozostaje ważny.",
}
_RU = {
    "leave_title": "Отписаться от писем",
    "leave_text": "Одно нажатие, и письма больше не придут. Пока ничего не изменилось.",
    "leave_button": "Отписаться от всех писем",
    "left_title": "Вы отписались",
    "left_text": "Писем больше не будет. Спасибо, что читали нас.",
    "preferences_title": "Ваши письма",
    "preferences_text": "Выберите, как вам удобно. Каждая кнопка действует сразу.",
    "useful_button": "Только полезные письма",
    "useful_text": "Без предложений и новостей: только то, что пригодится.",
    "all_button": "Снова все письма",
    "less_button": "Реже",
    "less_text": "Не больше одного письма за семь дней.",
    "normal_button": "Так же часто, как раньше",
    "pause_button": "Пауза на 30 дней",
    "pause_text": "Месяц ничего, потом письма вернутся сами.",
    "resume_button": "Продолжить сейчас",
    "leave_choice_text": "Никаких писем больше.",
    "saved": "Сохранено: действует с этой минуты.",
    "email": "Ваш адрес электронной почты",
    "first_name": "Ваше имя",
    "name": "Имя и фамилия",
    "topics": "О чём вы хотите читать",
    "join_button": "Присылайте мне письма",
    "asked_title": "Загляните, пожалуйста, в почту",
    "asked_text": "Если на этот адрес могут приходить наши письма, к вам идёт письмо с просьбой подтвердить. До этого ничего не придёт.",
    "confirm_title": "Одно нажатие, и письма придут",
    "confirm_text": "Вы попросили наши письма. Подтвердите, пожалуйста, что этот ящик ваш.",
    "confirm_button": "Да, я хочу получать письма",
    "joined_title": "Добро пожаловать",
    "joined_text": "Письма уже в пути. В каждом есть ссылка, по которой можно отписаться.",
    "old_title": "Эта ссылка устарела",
    "old_text": "С тех пор вы отписались. Если хотите получать письма снова, попросите их ещё раз.",
    "wrong_email": "Это не адрес электронной почты. Проверьте его, пожалуйста.",
    "too_many_title": "Слишком много запросов",
    "too_many_text": "Попробуйте, пожалуйста, через час.",
    "gone_title": "Такой страницы нет",
    "gone_text": "Ссылка неполная или изменилась в пути. Откройте её, пожалуйста, ещё раз из письма.",
    "later_title": "Попробуйте, пожалуйста, чуть позже",
    "later_text": "Сейчас мы не можем это проверить. Ссылка остаётся в силе.",
}
WORDS: Mapping[str, Mapping[str, str]] = {"en": _EN, "de": _DE, "pl": _PL, "ru": _RU}


def language(*wishes: str | None) -> str:
    """The first of our languages among locales and Accept-Language lists, in the order given; English when none is."""
    for wish in wishes:
        parts = [part.strip().split(";") for part in (wish or "").split(",")]
        ranked = sorted(parts, key=lambda p: -_quality(p))
        for part in ranked:
            short = part[0].strip().lower().replace("_", "-").split("-")[0]
            if short in LANGUAGES and _quality(part) > 0:
                return short
    return "en"


def _quality(part: list[str]) -> float:
    for option in part[1:]:
        name, _, value = option.strip().partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
