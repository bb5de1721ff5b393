"""Words that name nothing: articles, pronouns, auxiliaries and the like. They are left out where the words of answers are counted.

Short on purpose: what stands here can never be reported as a problem, so in doubt a word is left out of this list.
"""

from collections.abc import Mapping
from types import MappingProxyType

_ENGLISH = """
a about after again all also always am an and any are as at be because been before being but by can cannot could did do does doing done
don't down each even ever every few for from get gets getting got had has have having he her here him his how i i'd i'm i've if in into is
isn't it it's its itself just know let like lot lots many may me more most much must my myself never no not now of off often on once one
only or other our out over own please quite rather really same she should so some something still such than thank thanks that that's the
their them then there these they thing things this those though through to too under until up us very was wasn't we well were what when
where which while who whom whose why will with without would yes yet you your hello dear
"""
_GERMAN = """
aber alle allem allen aller alles als also am an andere anderen auch auf aus bei beim bin bis bitte da dabei dadurch dafür damit danke
dann das dass dein deine dem den denn der des dich die dies diese diesem diesen dieser dieses dir doch du durch ein eine einem einen einer
eines einfach er es etwas euch euer für gar gibt habe haben hallo hat hatte hätte hier ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im
immer in ins ist ja jede jedem jeden jeder jedes jetzt kann kein keine keinem keinen keiner können könnte man manchmal mehr mein meine
meinem meinen meiner mich mir mit muss müssen nach nicht nichts noch nun nur ob oder oft ohne schon sehr sein seine seit selbst sich sie
sind so soll sollte sondern sonst und uns unser unsere unter viel viele vom von vor war waren was weil weiß wenn wer werde werden wie
wieder wir wird wo wurde würde zu zum zur über
"""
_POLISH = """
a aby ale ani bardzo bez bo by był była było być ci ciebie co coś cześć czy dla do dziękuję go i ich ile im inne ja jak jaka jakie jako je
jego jej jest jestem jeszcze jeśli jeżeli już każdy kiedy kto która które który ma mają mam mamy mi mnie moja moje może można mój mną my
na nad nam nas nasz nasze nawet nic nie niej nigdy nim o od on ona one oni ono po pod poza proszę przed przez przy są się siebie sobie
swoje ta tak taka takie także tam te tego tej ten też to trzeba tu twoja twoje twój ty tych tylko tym u w was wasz we wiele więc wszystko
z za zawsze ze że żeby
"""
_RUSSIAN = """
а без более бы был была были было быть в вам вас ваш ваша ваше ваши весь вместо во вот все всегда всего всех вы где да даже для до другие
другой его ее если есть еще же за здравствуйте и из или им иногда их к как какая какие какой когда кто ли либо лишь мне много мной может
можно мой моя мое мои мы на над надо нам нас наш наша наше не него нее нет нечего ни никогда них ничего но ну нужно о об однако он она они
оно от очень по под пожалуйста пока после потому почему почти при про просто раз с сам сама самый сейчас себе себя со спасибо так также
такая такие такой там те тем то тогда того тоже той только том тот тут ты у уж уже хотя чего чем через что чтобы это этого этой этом этот
эту эти я
"""

STOP_WORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {code: frozenset(words.split()) for code, words in (("en", _ENGLISH), ("de", _GERMAN), ("pl", _POLISH), ("ru", _RUSSIAN))}
)
