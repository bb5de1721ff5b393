"""Where invented people live and what they are called: zones of the whole world, the awkward ones first, and names in several languages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """`people`: how many in a thousand live here once every zone has somebody."""

    zone: str
    country: str
    language: str
    people: int


PLACES: tuple[Place, ...] = (
    Place("Europe/Berlin", "DE", "de", 190),
    Place("Australia/Lord_Howe", "AU", "en", 4),
    Place("Asia/Kathmandu", "NP", "en", 8),
    Place("Pacific/Chatham", "NZ", "en", 4),
    Place("Pacific/Kiritimati", "KI", "en", 4),
    Place("Pacific/Pago_Pago", "AS", "en", 4),
    Place("America/St_Johns", "CA", "en", 8),
    Place("Europe/London", "GB", "en", 90),
    Place("America/New_York", "US", "en", 95),
    Place("Europe/Moscow", "RU", "ru", 130),
    Place("Asia/Kolkata", "IN", "en", 30),
    Place("Pacific/Auckland", "NZ", "en", 20),
    Place("Europe/Warsaw", "PL", "pl", 90),
    Place("America/Los_Angeles", "US", "en", 55),
    Place("America/Sao_Paulo", "BR", "pt", 35),
    Place("Asia/Tokyo", "JP", "ja", 25),
    Place("Africa/Casablanca", "MA", "fr", 8),
    Place("America/Santiago", "CL", "es", 12),
    Place("Asia/Tehran", "IR", "en", 4),
    Place("Australia/Adelaide", "AU", "en", 12),
    Place("Europe/Paris", "FR", "fr", 40),
    Place("Europe/Madrid", "ES", "es", 35),
    Place("Asia/Yekaterinburg", "RU", "ru", 25),
    Place("America/Chicago", "US", "en", 30),
    Place("Asia/Almaty", "KZ", "ru", 12),
    Place("Africa/Cairo", "EG", "en", 8),
    Place("America/Havana", "CU", "es", 4),
    Place("Asia/Gaza", "PS", "en", 4),
    Place("Atlantic/Azores", "PT", "pt", 6),
    Place("Europe/Kyiv", "UA", "ru", 8),
)


@dataclass(frozen=True, slots=True)
class Names:
    """Each entry is what the person writes and, after a bar where it differs, how it stands in an address."""

    women: tuple[str, ...]
    men: tuple[str, ...]
    families: tuple[str, ...]
    patronymics: tuple[str, ...] = ()


NAMES: dict[str, Names] = {
    "de": Names(
        ("Anna", "Jana", "Käthe|kaethe", "Sabine", "Lena", "Mareike"),
        ("Jonas", "Jürgen|juergen", "Paul", "Matthias", "Björn|bjoern", "Felix"),
        ("Schmidt", "Müller|mueller", "Krüger|krueger", "Weiß|weiss", "Vogel", "Hoffmann", "Lange", "Brandt"),
    ),
    "en": Names(
        ("Emma", "Olivia", "Grace", "Aroha", "Priya", "Leilani"),
        ("Jack", "Noah", "Liam", "Samuel", "Arjun", "Tane"),
        ("Smith", "O'Neill|oneill", "Walker", "Patel", "Brown", "Taylor", "Clarke", "Hughes"),
    ),
    "ru": Names(
        ("Анна|anna", "Мария|maria", "Ольга|olga", "Татьяна|tatiana", "Елена|elena"),
        ("Иван|ivan", "Пётр|petr", "Сергей|sergey", "Алексей|alexey", "Дмитрий|dmitry"),
        ("Коваленко|kovalenko", "Черных|chernykh", "Шевченко|shevchenko", "Гончаренко|goncharenko", "Седых|sedykh"),
        ("Иванов", "Петров", "Сергеев", "Александров", "Михайлов"),
    ),
    "pl": Names(
        ("Zofia", "Małgorzata|malgorzata", "Katarzyna", "Agnieszka", "Łucja|lucja"),
        ("Jan", "Paweł|pawel", "Krzysztof", "Michał|michal", "Stanisław|stanislaw"),
        ("Nowak", "Wójcik|wojcik", "Kaczmarek", "Zając|zajac", "Dąbek|dabek", "Mazur"),
    ),
    "fr": Names(
        ("Camille", "Chloé|chloe", "Inès|ines", "Manon", "Fatima"),
        ("Louis", "Hugo", "Rémi|remi", "Youssef", "Théo|theo"),
        ("Martin", "Lefèvre|lefevre", "Moreau", "Benali", "Girard"),
    ),
    "es": Names(
        ("Lucía|lucia", "Carmen", "Sofía|sofia", "Elena", "Inés|ines"),
        ("Javier", "Andrés|andres", "Mateo", "Ramón|ramon", "Diego"),
        ("García|garcia", "Muñoz|munoz", "Fernández|fernandez", "Rojas", "Vega"),
    ),
    "pt": Names(
        ("Beatriz", "Inês|ines", "Joana", "Luísa|luisa", "Marta"),
        ("João|joao", "Tiago", "Rafael", "Gonçalo|goncalo", "Pedro"),
        ("Silva", "Conceição|conceicao", "Costa", "Araújo|araujo", "Rocha"),
    ),
    "ja": Names(
        ("陽子|yoko", "美咲|misaki", "さくら|sakura", "由美|yumi"),
        ("健太|kenta", "大輔|daisuke", "蓮|ren", "翔|sho"),
        ("佐藤|sato", "鈴木|suzuki", "高橋|takahashi", "田中|tanaka"),
    ),
}


def written(entry: str) -> str:
    """The name as the person writes it."""
    return entry.partition("|")[0]


def plain(entry: str) -> str:
    """The name as it stands in an address: small Latin letters."""
    return (entry.partition("|")[2] or entry).lower()
