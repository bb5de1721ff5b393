"""What the published lists of template injections try, against letters: nothing is reached, no file is touched, no secret is printed.

The payloads are the well-known ways from a template to the machine (PayloadsAllTheThings, HackTricks, the advisories of Jinja2); each is
written around a command that would leave a file behind, or around a secret. Jinja without a sandbox runs them, so the list has teeth.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment

from nurture.domain.errors import NurtureError
from nurture.domain.readers import Reader
from nurture.render import rendering
from nurture.render.rendering import Forward, Rendered
from nurture.render.sandbox import BROKEN, HTML, TEXT, run
from tests.support.letters import a_reader, compiled, written

SECRET = "canary-of-the-environment"
_OS = ("cycler.__init__.__globals__.os", "joiner.__init__.__globals__.os", "namespace.__init__.__globals__.os", "lipsum.__globals__['os']", "lipsum.__globals__.os")
_SUBCLASSES = ("''.__class__.__mro__[1].__subclasses__()", "[].__class__.__base__.__subclasses__()", "{}.__class__.__bases__[0].__subclasses__()", "().__class__.__base__.__subclasses__()")
_BUILTINS = (
    "self.__init__.__globals__.__builtins__", "self._TemplateReference__context.cycler.__init__.__globals__.__builtins__", "cycler.__init__.__globals__.__builtins__",
    "lipsum.__globals__.__builtins__", "range.__class__.__base__.__subclasses__()[0].__init__.__globals__.__builtins__", "(first_name|attr('__class__')).__base__.__subclasses__.__globals__",
    "dict.__base__.__subclasses__()", "fields.__class__.__init__.__globals__.__builtins__", "received.append.__globals__.__builtins__", "today.__class__.__init__.__globals__",
    "caller.__globals__.__builtins__", "varargs.__class__.__base__.__subclasses__()", "url_for.__globals__.__builtins__", "get_flashed_messages.__globals__.__builtins__",
    "request.application.__globals__.__builtins__", "config.__class__.__init__.__globals__", "g.pop.__globals__.__builtins__", "data.__class__.__init__.__globals__.__builtins__",
)  # fmt: skip
_TOUCH = "touch CANARY"
PAYLOADS = (
    *(f"{{{{ {way}.popen('{_TOUCH}').read() }}}}" for way in _OS),
    *(f"{{{{ {way}.system('{_TOUCH}') }}}}" for way in _OS),
    *(f"{{{{ {way}.environ }}}}" for way in _OS),
    *(f"{{{{ {way}.open('CANARY', 'w') }}}}" for way in _BUILTINS),
    *(f"{{{{ {way}['__import__']('os').popen('{_TOUCH}').read() }}}}" for way in _BUILTINS),
    *(f"{{{{ {way} }}}}" for way in (*_OS, *_SUBCLASSES, *_BUILTINS)),
    *(
        f"{{% for c in {way} %}}{{% if c.__name__ == 'catch_warnings' %}}{{{{ c()._module.__builtins__['__import__']('os').popen('{_TOUCH}').read() }}}}{{% endif %}}{{% endfor %}}"
        for way in _SUBCLASSES
    ),
    *(
        f"{{% for c in {way} %}}{{% if 'Popen' == c.__name__ %}}{{{{ c('{_TOUCH}', shell=True, stdout=-1).communicate() }}}}{{% endif %}}{{% endfor %}}"
        for way in _SUBCLASSES
    ),
    # names in disguise: attr(), subscripts, joined, formatted, escaped, reversed
    f"{{{{ (lipsum|attr('__globals__'))['os'].popen('{_TOUCH}').read() }}}}", f"{{{{ lipsum['__glob' ~ 'als__']['o' ~ 's']['popen']('{_TOUCH}')['read']() }}}}",
    f"{{{{ cycler|attr('\\x5f\\x5finit\\x5f\\x5f')|attr('\\x5f\\x5fglobals\\x5f\\x5f')|attr('get')('os')|attr('popen')('{_TOUCH}')|attr('read')() }}}}",
    f"{{% set a = ['__glo', 'bals__']|join %}}{{{{ lipsum[a].os.popen('{_TOUCH}').read() }}}}", f"{{{{ lipsum['__slabolg__'[::-1]].os.popen('{_TOUCH}').read() }}}}",
    f"{{{{ lipsum['%s%s%s' | format('__', 'globals', '__')]['os'].popen('{_TOUCH}').read() }}}}", f"{{% set x = dict(__globals__=1)|list|first %}}{{{{ lipsum[x].os.popen('{_TOUCH}').read() }}}}",
    "{{ ['x'] | map('attr', '__class__') | list }}", "{{ [''] | map(attribute='__class__.__mro__') | list }}", "{{ fields | map('upper', '__class__') | list }}", "{{ [first_name] | groupby('__class__') | list }}",
    "{{ [first_name] | sort(attribute='__class__.__name__') }}", "{{ [first_name, 'a'] | unique(attribute='__class__') | list }}", "{{ [first_name] | sum(attribute='__class__') }}",
    "{{ [first_name] | selectattr('__class__') | list }}", "{{ [[]] | tojson(__import__('os')) }}",
    # formatting as a way to attributes: CVE-2016-10745, CVE-2019-10906, CVE-2024-56326
    "{{ '{0.__class__.__init__.__globals__}'.format(first_name) }}", "{{ '{x.__class__.__mro__}'.format_map({'x': first_name}) }}", "{% set f = '{0.__class__}'.format %}{{ f(first_name) }}",
    "{{ ('{0.__class__}' | string).format(today) }}", "{{ '%(x)s' % fields }}", "{{ ''.format.__self__.__class__ }}", "{% set m = fields.get %}{{ m.__self__.__class__ }}",
    "{{ ['{0.__class__}'] | map('format', first_name) | list }}", "{{ '{0.__class__}' | attr('format')(first_name) }}",
    # |attr against getattr: CVE-2025-27516
    "{{ '{0.__class__}' | attr('for' ~ 'mat') | attr('__call__')(first_name) }}", "{{ first_name | attr('__class__') | attr('__mro__') }}",
    # what Jinja itself leaves about
    "{{ self }}", "{{ self.__dict__ }}", "{{ self._TemplateReference__context }}", "{{ self._TemplateReference__context.environment }}", "{{ environment }}", "{{ context }}", "{{ context.environment.loader }}",
    "{% include '/etc/passwd' %}", "{% import 'os' as os %}", "{% from 'os' import system %}", "{% extends '/etc/passwd' %}", "{% block x %}{{ self.x.__globals__ }}{% endblock %}",
    "{% macro m() %}{{ caller }}{% endmacro %}{{ m.__init__.__globals__ }}", "{% macro m() %}{% endmacro %}{{ m._func.__globals__ }}", "{% macro m() %}{% endmacro %}{{ m._environment }}",
    "{% call(x) range.__init__() %}{% endcall %}", "{% for x in [1] %}{{ loop.__class__.__init__.__globals__ }}{% endfor %}", "{% for x in [1] %}{{ loop._undefined.__globals__ }}{% endfor %}",
    "{% set ns = namespace() %}{% set ns.__class__ = 1 %}{{ ns.__class__.__init__.__globals__ }}", "{{ namespace.__class__.__mro__ }}", "{{ missing.__class__ }}", "{{ missing._fail_with_undefined_error.__globals__ }}",
    "{{ undefined.__init__.__globals__.os }}", "{% debug %}", "{% autoescape false %}{{ range.__globals__ }}{% endautoescape %}", "{% with a = cycler.__init__ %}{{ a.__globals__ }}{% endwith %}",
    "{% filter attr('__class__') %}x{% endfilter %}", "{% trans %}{{ x.__class__ }}{% endtrans %}", "{% do fields.update(x=1) %}", "{% set x = fields.setdefault('a', range) %}",
    "{{ fields.__setitem__('a', 1) }}", "{{ received.__iadd__([1]) }}", "{{ received.extend([1]) }}", "{{ fields.clear() }}", "{{ data.pop('a') }}",
    "{{ today.__reduce__() }}", "{{ today.replace.__self__.__class__ }}", "{{ first_name.__add__.__self__.__class__ }}", "{{ 1 .__class__.__base__ }}", "{{ (1).__class__.__subclasses__() }}",
    "{{ true.__class__.__bases__ }}", "{{ none.__class__ }}", "{{ (range(3)).__class__ }}", "{{ [].__doc__ }}", "{{ first_name.isalpha.__self__.__class__.__name__ }}",
    "{{ config }}", "{{ config.items() }}", "{{ settings }}", "{{ settings.SECRET_KEY }}", "{{ request }}", "{{ request.environ }}", "{{ env('NURTURE_CANARY') }}", "{{ env['NURTURE_CANARY'] }}", "{{ os.environ }}",
    "{{ get_env(name='NURTURE_CANARY') }}", "${{7*7}}${os.environ}", "<%= ENV['NURTURE_CANARY'] %>", "#{ENV['NURTURE_CANARY']}", "*{T(java.lang.Runtime).getRuntime().exec('touch CANARY')}", "{php}echo `touch CANARY`;{/php}",
)  # fmt: skip
ALLOWED = (str, int, float, bool, type(None), date)


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that nothing may make; beside a secret in the environment."""
    monkeypatch.setenv("NURTURE_CANARY", SECRET)
    return tmp_path / "canary"


def _names() -> dict[str, Any]:
    return {"first_name": "Bob", "fields": {"a": 1}, "received": ["One"], "today": date(2026, 3, 2), "data": {"a": "b"}}


def _unharmed(shown: str, canary: Path, payload: str) -> None:
    assert not canary.exists(), payload
    assert SECRET not in shown, payload
    assert "root:" not in shown, payload
    for word in ("&lt;class", "<class", "<module", "&lt;module", "built-in", " object at 0x", "<function", "&lt;function", "__builtins__'"):
        assert word not in shown, (payload, shown[:200])


@pytest.mark.parametrize("environment", [HTML, TEXT], ids=["html", "text"])
def test_no_payload_reaches_anything(environment: Any, canary: Path) -> None:
    for payload in PAYLOADS:
        names = _names()
        try:
            shown = run(environment.from_string(payload.replace("CANARY", str(canary))), names)
        except BROKEN:
            shown = ""
        _unharmed(shown, canary, payload)
        assert names == _names(), payload


def test_no_letter_with_a_payload_reaches_anything(canary: Path) -> None:
    """The whole way, from the words of a marketer; and the same words in a person's name and fields are words."""
    for payload in PAYLOADS[::5]:
        words = payload.replace("CANARY", str(canary))
        letter = ""
        try:
            rendered: Rendered = written(compiled(f"Hello {words}", subject=f"x {words}"))
            letter = rendered.subject + rendered.html + rendered.text
        except NurtureError as error:
            letter = error.message.partition(": ")[2]
        _unharmed(letter, canary, payload)
    plain = compiled("Hello {{ first_name }} {{ fields.x }}", subject="x {{ first_name }}")
    for payload in PAYLOADS:
        words = payload.replace("CANARY", str(canary))
        rendered = written(plain, a_reader(first_name=words, fields={"x": words}))
        shown = rendered.subject + rendered.text
        assert " ".join(words.split()) in " ".join(shown.split()), payload
        assert not canary.exists(), payload
        assert SECRET not in shown, payload


def test_jinja_without_a_sandbox_runs_the_list(canary: Path) -> None:
    """What would happen without it: the list is not of straw."""
    wide = Environment(autoescape=False)
    hit = 0
    for payload in PAYLOADS:
        try:
            shown = wide.from_string(payload.replace("CANARY", str(canary))).render(_names())
        except Exception:  # noqa: BLE001 - many fail in other ways
            continue
        if canary.exists() or SECRET in shown or "<class" in shown or " object at 0x" in shown:
            hit += 1
            canary.unlink(missing_ok=True)
    assert hit > 40


def test_a_letter_sees_plain_data_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No row, no object of ours: whatever a way out of the sandbox would begin at is not there."""
    seen: list[Mapping[str, Any]] = []
    real, letter = rendering.run, compiled()

    def noted(template: Any, names: dict[str, Any]) -> str:
        seen.append(dict(names))
        return real(template, names)

    monkeypatch.setattr(rendering, "run", noted)
    reader: Reader = a_reader(fields={"a": 1, "deep": {"b": [1.5, None, True]}}, received=("One",))
    written(letter, reader, data={"a": {"b": ["c"]}}, forward=Forward("site", "Read this: {link}"))
    assert len(seen) == 4
    for name, value in seen[-1].items():
        _plain(name, value)
    assert {"first_name", "fields", "received", "today", "data", "forward_text", "subject"} <= set(seen[-1])


def _plain(name: str, value: Any) -> None:
    if type(value) in (dict, list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            _plain(f"{name}.{key}", inner)
    else:
        assert type(value) in ALLOWED, (name, type(value))
