"""Words that break programs: as names, subjects and fields of people."""

NAUGHTY = (
    "", " ", "Robert'); DROP TABLE people;--", "<script>alert(1)</script>", '"quoted" \\back\\slash"', "O'Brien, Jr. (the 2nd) <x@y>",
    "Anna\r\nBcc: evil@example.com", "Anna\nX-Evil: 1", "Anna\rX-Evil: 1", "Anna\r\n\r\n<html>body", "tab\tbed", "null\x00byte", "bell\x07\x0b\x0c\x1c\x1d\x1e\x1f",
    "next\x85line", "line\u2028para\u2029sep", "Ærøskøbing", "Анна Каренина", "田中さんにあげて下さい", "مُنَاقَشَةُ", "\u202etest\u202e", "😍👩🏽‍💻🏳️‍🌈" * 12, "Z̮̞̠͙͔ͅḀ̗̞͈̻̗Ḷ͙͎̯̹̞͓G̻O̭̗̮" * 8,
    "=?utf-8?q?fake?=", "=?utf-8?b?////?= x", "{{ 7*7 }} {% x %}", "${jndi:ldap://x}", "%s%n%d", "a" * 2000, "wörd " * 400, "word " * 400, "é" * 700,
    "\ufeffbom", "\U000f0000l0\U000f0001", "\ud800lone", "a,b;c:d@e[f]g", "Re: =\r\n =?", ".", "..", "\r\n.\r\n", "From me", "-- ", "undefined", "1e309",
)  # fmt: skip
