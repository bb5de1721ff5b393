"""Lint over files: merge fields of other systems, templates read as letters, what the files themselves define, several documents at once."""

from pathlib import Path

import pytest

from nurture.definitions.faults import Fault
from nurture.definitions.linting import links_in, lint_documents, read_templates, read_text_parts
from nurture.definitions.loading import load_text
from nurture.definitions.merging import check_text
from nurture.domain.lint import Known

HI = "Hello {{ first_name | default('you') }}, "


@pytest.mark.parametrize(("written", "level", "advice"), [
    ("{{ subscriber.first_name }}", "warning", "{{ first_name | default('friend') }}"),
    ("{{ contact.first_name | default('you') }}", "warning", "{{ first_name | default('you') }}"),
    ("{{ .Subscriber.FirstName }}", "error", "{{ first_name | default('friend') }}"),
    ("{{ customer.city }}", "warning", "{{ fields.city | default('friend') }}"),
    ('{{ customer.first_name | default: "you" }}', "error", "{{ first_name | default('you') }}"),
    ("{{ first_name|default:'there' }}", "error", "{{ first_name | default('there') }}"),
    ("*|FNAME|*", "warning", "{{ first_name | default('friend') }}"),
    ("*|UNSUB|*", "warning", "{{ unsubscribe_url }}"),
    ("%FIRSTNAME%", "warning", "{{ first_name | default('friend') }}"),
    ("%UNSUBSCRIBELINK%", "warning", "{{ unsubscribe_url }}"),
    ("{contactfield=firstname}", "warning", "{{ first_name | default('friend') }}"),
    ("{unsubscribe_url}", "warning", "{{ unsubscribe_url }}"),
    ("{{ UnsubscribeURL }}", "warning", "{{ unsubscribe_url }}"),
    ("{{ TrackView }}", "warning", "opens are counted"),
    ("https://example.com/a@TrackLink", "warning", "clicks are counted"),
])  # fmt: skip
def test_a_merge_field_of_another_system_is_told_once_with_the_right_spelling(written: str, level: str, advice: str):
    [remark] = check_text(f"Hello\nyou {written}, hello")
    assert (remark.rule, remark.level, remark.line, remark.column) == ("dialect", level, 1, 4)
    assert advice in remark.advice


@pytest.mark.parametrize("text", ["50% of people, 20% of roofs", "{unclear}", "a | b", "{{ fields.subscriber }}", "FNAME", "{{ received | first }}", "https://x.com/@me"])
def test_ordinary_text_is_no_dialect(text: str):
    assert check_text(text) == []


def faults(text: str, known: Known | None = None) -> list[Fault]:
    return lint_documents(load_text(text).documents, known or Known())


def template_folder(folder: Path, **files: str) -> Known:
    page = folder / "letters" / "tip"
    page.mkdir(parents=True)
    for name, text in files.items():
        (page / name.replace("_", ".")).write_text(text)
    return Known(templates=read_templates(folder), text_parts=read_text_parts(folder))


BY_TEMPLATE = "letter: tip\nkind: useful\nsubject: \"{{ first_name | default('Hello') }}, a tip\"\ncall_to_action: https://example.com/tip\ntemplate: letters/tip\n"


def test_a_template_is_linted_where_it_is_named(tmp_path: Path):
    known = template_folder(tmp_path, letter_html="<p>Dear customers,</p>\n<p>{{ contact.first_name }}</p>", letter_txt="a tip without its link")
    found = faults(BY_TEMPLATE, known)
    assert [(f.rule, f.line) for f in found] == [("mass-address", 5), ("text-part", 5), ("dialect", 5)]
    assert "line 2 of letters/tip" in found[2].message


def test_what_the_files_define_counts():
    short = f'sequence: school\nmix: 1:1\nletters:\n  - {{id: a, kind: sales, subject: "{HI}", body: "{HI} hello", call_to_action: reply}}\n'
    book = f'---\nletter: faq\nkind: useful\nsubject: "{HI}"\nbody: "{HI} hello"\ncall_to_action: reply\n'
    empty = Known(library=frozenset())
    assert [f.rule for f in faults(short, empty)] == ["dry-library"]
    assert [f.rule for f in faults(short + book, empty)] == []
    assert [f.rule for f in faults(short + book.replace("kind: useful", "kind: about"), empty)] == ["dry-library", "library-kind"]
    policy = "---\npolicy: default\nmix: none\nsender: {name: A, address: a@b.c}\npostal_address: x\n"
    assert [f.rule for f in faults(short.replace("mix: 1:1\n", "") + policy, empty)] == []


def test_two_sequences_are_read_together_and_told_at_the_one_to_change():
    letters = "\nletters:\n" + "".join(f'  - {{id: x{n}, kind: {k}, subject: "{HI}", body: "{HI} hello", call_to_action: reply}}\n' for n, k in
                                         enumerate(["useful"] * 5 + ["sales"]))  # fmt: skip
    text = f"sequence: one\naudience: {{tag: roof}}\nmix: thirds{letters}---\nsequence: two\naudience: {{tag: roof}}\nmix: 5:1{letters}"
    assert [(f.rule, f.line, f.column) for f in faults(text) if f.rule != "sales-parts"] == [("contradicting-promises", 3, 6)]


def test_the_links_of_a_letter_stand_at_their_lines():
    body = "  [a](https://example.com/a?x=1) ![i](https://example.com/i.png)\n  [b](https://example.com/{{ fields.b }}) [tel](tel:+493012345)\n  https://example.com/c\n"
    text = f"letter: x\nkind: useful\nsubject: s\ncall_to_action: https://example.com/a\nbody: |\n{body}"
    found = [(p.link, p.line) for p in links_in(load_text(text).documents, {})]
    assert found == [("https://example.com/a", 4), ("https://example.com/a?x=1", 6), ("https://example.com/c", 8)]
