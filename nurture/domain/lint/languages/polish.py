"""The words of Polish letters. `rabaty` are flower beds as well as discounts, and `kupa` is a heap: only forms that say one "
"thing count."""

from nurture.domain.lint.languages.language import AMOUNT, language

_CROWD = (
    r"subskrybenci|subskrybencie|klienci|kliencie|klientki|czytelnicy|czytelniczki|czytelniku|przyjaciele|państwo|wszyscy|koledzy|goście"
    r"|użytkownicy|uczestnicy|współpracownicy"
)
_MONTH = (
    r"styczni[ae]|styczeń|lut(?:y|ego)|mar(?:zec|ca)|kwie(?:cień|tnia)|maj[a]?|czerw(?:iec|ca)|lip(?:iec|ca)|sierp(?:ień|nia)"
    r"|wrze(?:sień|śnia)"
    r"|październik[a]?|listopad[a]?|grud(?:zień|nia)"
)
_DAY = (
    r"poniedział(?:ek|ku)|wtor(?:ek|ku)|środ[yę]|czwart(?:ek|ku)|piąt(?:ek|ku)|sobot[yę]|niedziel[iaę]|jutra|północy"
    r"|końca (?:dnia|tygodnia|miesiąca|roku)"
)
_NUMBER = (
    rf"(?:{AMOUNT}|dwa|dwie|dwóch|trzy|trzech|cztery|pięć|sześć|siedem|osiem|dziewięć|dziesięć|dwanaście|piętnaście|dwadzieścia"
    rf"|trzydzieści|sto"
    rf"|{_MONTH}|{_DAY})"
)

POLISH = language(
    "pl",
    hello="Dzień dobry",
    friend="witaj",
    common="i w się że nie na do jest jak dla czy już są oraz lub przez będzie który która to z po ale co tylko dzień dobry cześć "
    "drodzy szanowni witajcie witam klienci kochani",
    mass_address=(
        rf"(?:drodzy|drogie|drogi|szanowni|szanowne|szanowny|kochani|kochane|mili)\s+(?:nasi\s+|moi\s+|nasze\s+)?(?:{_CROWD})"
        rf"|(?:witajcie|witam|cześć|hej|dzień dobry|witaj),?\s+(?:(?:drodzy|szanowni|kochani|moi)\s+)?(?:{_CROWD}|wszystkich"
        rf"|wszystkim|kochani|państwu|państwa)"
        r"|kochani|moi drodzy|panie i panowie"
    ),
    selling={
        "buy": r"kup(?:uj|cie|ić|ujcie)? (?:teraz|już|dziś|dzisiaj|u nas|nasz\w*)|zamów(?:cie)? (?:teraz|już|dziś|dzisiaj|tutaj"
        r"|nasz\w*|swój|swoją|swoje)"
        r"|zamawiaj(?:cie)?|złóż(?:cie)? zamówienie|dodaj do koszyka|do koszyka",
        "discount": r"zniżk(?:a|i|ę|ą|ami|ach|om)|zniżek|rabat(?:u|em|ów|owi)|rabat (?:do|na|w wysokości)|rabat \d+|kod(?:em|y)? rabatow\w+"
        r"|wyprzedaż(?:y|ą|e)?|w promocji|promocj(?:a|ę) (?:do|trwa|tylko|kończy|na)|ofert[ay] specjaln[ay]|przecen(?:a|y|ę"
        r"|ione)|za pół ceny|o \d+ ?% taniej",
        "price": r"(?:tylko|jedynie|zaledwie) (?:za )?\d[\d  ]*(?:,\d+)? ?zł\w*|(?:nasz\w{1,3}|najlepsz\w{1,3}|niższ\w{1,3}"
        r"|promocyjn\w{1,3}) cen(?:a|y|ę|ie|ą|ach)"
        r"|w cenie (?:tylko )?\d+|darmow(?:a|ą|ej) dostaw(?:a|ą|ę|y)|gwarancj(?:a|ą|ę) zwrotu",
        "hurry": r"tylko dziś|tylko dzisiaj|tylko do (?:\d+|jutra|piątku|niedzieli|końca|północy)|ostatnia szansa"
        r"|ostatnie (?:godziny|dni|sztuki)"
        r"|(?<!nie )(?:po)?spiesz(?:cie)? się|nie przegap(?:cie)?|póki starczy|do wyczerpania zapasów|ilość ograniczona"
        r"|zostało (?:tylko )?\d+ (?:miejsc|sztuk|dni)",
    },
    parts={
        "problem": r"problem|kłopot|trudn|błąd|błęd|martwi|nie wychodzi|brakuje|zmęcz|nie wiadomo|nie wiesz|psuje|przecieka",
        "pain": r"koszt|drog[oi]|strac|trac|boli|ból|boj|strach|za późno|co(?:dziennie|rocznie)|każdego (?:roku|dnia|miesiąca)"
        r"|szkoda|na marne",
        "hope": r"wyobraź|można|możliw|łatw|wreszcie|nareszcie|spok[oó]j|inaczej|bez (?:stresu|strachu|bólu|trudu)|da się|ulg",
        "steps": r"krok|najpierw|potem|następnie|jak to|1\.|po pierwsze|na początek|pierwszy (?:dzień|etap)|później",
        "offer": r"ofert|kurs|cen[aęy]|zł\b|zamów|kup|pakiet|miejsc|dostaj|otrzym|warsztat|zapis|program",
        "bonus": r"bonus|prezent|gratis|dodatkow|w dodatku|za darmo|bezpłatn|upomin|podarun",
    },
    limit=(
        rf"\b(?:do|tylko|ostatni\w*|pierwsz\w+|najwyżej|zostało|zostały|nie więcej niż|jest)\b[^.!?\n]{{0,60}}?\b{_NUMBER}\b"
        rf"|\b{_NUMBER}\b[^.!?\n]{{0,30}}\b(?:miejsc\w{{0,2}}|sztuk\w{{0,2}}|dni|godzin\w{{0,2}}|egzemplarz\w{{0,2}}|więcej)\b"
        rf"|\b\d{{1,2}}[. ](?:{_MONTH}|\d{{1,2}}\b)"
    ),
    digest=r"w tym numerze|w tym wydaniu|inne wiadomości|spis treści|(?:również|także) w tym (?:numerze|wydaniu|liście)",
    # Not at the beginning of a sentence (`Pani z okienka ...`, `Państwo polskie`), nor before a name (`Pan Kowalski`).
    formal=r"(?<=[^\W\d_])[,;]? (?:Pan(?:i|a|u|em|ią)?(?! [A-ZĄĆĘŁŃÓŚŹŻ])|Państw(?:o|a|u|em))(?!\w)|(?<!\w)Szanown(?:a|y) Pani?(?!\w)",
    familiar=r"(?<!\w)(?:[Tt]y|[Cc]iebie|[Cc]ię|[Tt]obie|[Tt]obą|[Tt]w(?:ój|oja|oje|ojego|ojej|oim|oimi|oich|oją|ojemu|oi))(?!\w)"
    r"|(?<=[^\W\d_]) Ci(?!\w)",
)
