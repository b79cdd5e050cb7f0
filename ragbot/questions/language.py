"""ragbot's own sentences in each language, and small talk.

These sentences are in German, French, Spanish, Chinese or Japanese if the question is, else in
English. Quotes are in the note's language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ragbot.text.folding import fold

Talk = Literal["", "greeting", "thanks", "farewell", "help", "count"]

_TALK: dict[Talk, str] = {
    "greeting": "hallo guten tag|guten tag|guten morgen|guten abend|hallo|bonjour|salut|bonsoir|"
    "hola|buenos dias|buenas tardes|你好|您好|こんにちは|こんばんは",
    "thanks": "danke|danke schon|vielen dank|danke sehr|merci|merci beaucoup|gracias|"
    "muchas gracias|谢谢|多谢|ありがとう|ありがとうございます",
    "farewell": "tschuss|auf wiedersehen|au revoir|adios|hasta luego|再见|さようなら",
    "count": "wie viele notizen gibt es|wie viele notizen habe ich|combien de notes y a t il|"
    "combien de notes ai je|cuantas notas hay|cuantas notas tengo|有多少笔记|一共有多少笔记|"
    "ノートはいくつありますか|メモはいくつありますか",
    "help": "hilfe|was kannst du|aide|aidez moi|que sais tu faire|ayuda|que puedes hacer|帮助|"
    "你能做什么|ヘルプ|何ができますか",
}
SMALL_TALK = {fold(said): talk for talk, words in _TALK.items() for said in words.split("|")}
"""Small talk in languages other than English, folded, by kind."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """ragbot's own sentences in one language.

    `silent` says that the notes do not answer, and `unanswered` that they do not answer a part.
    `nearest` and `more` introduce notes and passages; `rest` counts what a list leaves out.
    """

    silent: str
    unanswered: str
    nearest: str
    more: str
    rest: str
    ghost: str
    greeting: str
    thanks: str
    farewell: str
    help: str
    count: str
    example: str
    starter: str


PHRASES: dict[str, Phrases] = {
    "en": Phrases(
        silent="The notes don't say.",
        unanswered="The notes don't say: {part}",
        nearest="Nearest to the question: {names}.",
        more="More from the notes",
        rest="And {count} more.",
        ghost="There is no note called {name} yet; it is mentioned in {names}.",
        greeting="Hello! Ask me anything about these {count} notes.",
        thanks="You're welcome. Ask on whenever you like.",
        farewell="Goodbye!",
        help="I answer questions from these {count} notes, and from nothing else. Every sentence "
        "quotes a note, with its place, so you can check it; when the notes don't answer, I say "
        "so. Ask what something is, why, how, how many or who; compare two things; ask how two "
        "notes are connected, or what a note extends or contradicts.",
        count="There are {count} notes.",
        example="For example: {question}",
        starter="What do the notes say about {title}?",
    ),
    "de": Phrases(
        silent="Die Notizen sagen dazu nichts.",
        unanswered="Die Notizen sagen nichts zu: {part}",
        nearest="Am nächsten kommen: {names}.",
        more="Mehr aus den Notizen",
        rest="Und {count} weitere.",
        ghost="Eine Notiz namens {name} gibt es noch nicht; erwähnt wird sie in {names}.",
        greeting="Hallo! Frag mich etwas zu diesen {count} Notizen.",
        thanks="Gern geschehen. Frag einfach weiter.",
        farewell="Auf Wiedersehen!",
        help="Ich beantworte Fragen aus diesen {count} Notizen und aus nichts sonst. Jeder Satz "
        "zitiert eine Notiz mit ihrer Stelle; wenn die Notizen nichts dazu sagen, sage ich das.",
        count="Es gibt {count} Notizen.",
        example="Zum Beispiel: {question}",
        starter="Was sagen die Notizen über {title}?",
    ),
    "fr": Phrases(
        silent="Les notes n'en disent rien.",
        unanswered="Les notes ne disent rien de : {part}",
        nearest="Les plus proches : {names}.",
        more="Autres passages des notes",
        rest="Et {count} autres.",
        ghost="Il n'y a pas encore de note {name} ; elle est mentionnée dans {names}.",
        greeting="Bonjour ! Posez-moi une question sur ces {count} notes.",
        thanks="De rien. N'hésitez pas à continuer.",
        farewell="Au revoir !",
        help="Je réponds à partir de ces {count} notes, et de rien d'autre. Chaque phrase cite une "
        "note et son emplacement ; quand les notes n'en disent rien, je le dis.",
        count="Il y a {count} notes.",
        example="Par exemple : {question}",
        starter="Que disent les notes sur {title} ?",
    ),
    "es": Phrases(
        silent="Las notas no lo dicen.",
        unanswered="Las notas no dicen nada de: {part}",
        nearest="Lo más cercano: {names}.",
        more="Más de las notas",
        rest="Y {count} más.",
        ghost="Todavía no hay una nota llamada {name}; se menciona en {names}.",
        greeting="¡Hola! Pregúntame sobre estas {count} notas.",
        thanks="De nada. Sigue preguntando cuando quieras.",
        farewell="¡Hasta luego!",
        help="Respondo a partir de estas {count} notas y de nada más. Cada frase cita una nota y "
        "su lugar; cuando las notas no lo dicen, lo digo.",
        count="Hay {count} notas.",
        example="Por ejemplo: {question}",
        starter="¿Qué dicen las notas sobre {title}?",
    ),
    "zh": Phrases(
        silent="笔记里没有提到。",
        unanswered="笔记里没有提到：{part}",
        nearest="最接近的是：{names}。",
        more="笔记中的其他内容",
        rest="还有{count}条。",
        ghost="还没有名为{name}的笔记；{names}提到了它。",
        greeting="你好！可以问我关于这{count}篇笔记的任何问题。",
        thanks="不客气，随时可以继续提问。",
        farewell="再见！",
        help="我只根据这{count}篇笔记回答。每句话都引用笔记并标明出处；笔记里没有的，我会直说。",
        count="一共有{count}篇笔记。",
        example="例如：{question}",
        starter="关于{title}，笔记里说了什么？",
    ),
    "ja": Phrases(
        silent="ノートには書かれていません。",
        unanswered="ノートに書かれていないこと：{part}",
        nearest="最も近いのは：{names}。",
        more="ノートのその他の箇所",
        rest="ほかに{count}件。",
        ghost="{name}というノートはまだありません。{names}で触れられています。",
        greeting="こんにちは。この{count}件のノートについて何でも聞いてください。",
        thanks="どういたしまして。いつでも続けてどうぞ。",
        farewell="さようなら。",
        help="この{count}件のノートだけをもとに答えます。どの文もノートの該当箇所を引用し、"
        "書かれていないときはそう伝えます。",
        count="ノートは{count}件あります。",
        example="例：{question}",
        starter="{title}についてノートには何と書かれていますか？",
    ),
}


def phrases(language: str) -> Phrases:
    """Return the sentences in a language, by its ISO 639 code; English if there are none."""
    return PHRASES.get(language, PHRASES["en"])
