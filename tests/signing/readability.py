"""How hard a text is to read: the grade of Flesch and Kincaid for English, and the scale of INFLESZ for Spanish.

Kincaid et al. 1975: 0.39 words/sentence + 11.8 syllables/word - 15.59. Szigriszt 1993, Barrio-Cantalejo 2008:
206.835 - 62.3 syllables/word - words/sentence; 55 and more is 'normal', as the press of the day is, 65 'quite easy'.
"""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W\d_]+(?:'[a-z]+)?")
_END = re.compile(r"[.!?:]+(?=\s|$)|\n+")
_STRONG, _WEAK = set("aeoáéóíú"), set("iuü")


def grade(text: str) -> float:
    """The grade of school from which an English text is read."""
    words, sentences = _WORD.findall(text), _sentences(text)
    return 0.39 * len(words) / sentences + 11.8 * sum(map(english_syllables, words)) / len(words) - 15.59


def inflesz(text: str) -> float:
    """How easy a Spanish text is: higher is easier."""
    words, sentences = _WORD.findall(text), _sentences(text)
    return 206.835 - 62.3 * sum(map(spanish_syllables, words)) / len(words) - len(words) / sentences


def _sentences(text: str) -> int:
    return sum(1 for part in _END.split(text) if _WORD.search(part))


def english_syllables(word: str) -> int:
    """The syllables of an English word: its groups of vowels, less a silent e."""
    word = re.sub(r"'.*", "", word.lower())
    groups = len(re.findall(r"[aeiouy]+", word))
    if re.search(r"[^aeiouyl]e$|[aeiouy]le$|[^aeiouytd]ed$|[^aeiouysxzhgc]es$", word) and groups > 1:
        groups -= 1
    groups += len(re.findall(r"ia[^l]|io(?!n)|[aeiou]ing|ua[lt]|ious$|[^aeiou]ea$", word))
    return max(groups, 1)


def spanish_syllables(word: str) -> int:
    """The syllables of a Spanish word: its vowels, less those that a diphthong takes up."""
    word = unicodedata.normalize("NFC", word.lower())
    word = re.sub(r"qu(?=[eiéí])|gu(?=[eiéí])", "g", word)
    word = re.sub(r"y(?=$|[^aeiouáéíóú])", "i", word)
    found = 0
    before = ""
    for letter in word:
        vowel = letter in _STRONG or letter in _WEAK
        joined = vowel and before and (letter in _WEAK or before in _WEAK)
        found += vowel and not joined
        before = letter if vowel else ""
    return max(found, 1)
