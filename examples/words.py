#!/usr/bin/env python3
"""Index the words of some pages: a program to try the tools on.

Its trace shows:

- make_page() makes 40 pages of about 240 kB. Each lives only while it is indexed.
- index_page() splits each page into a list of about 40,000 words: temporary lists
  of 0.3 MB each. Of equal words only the first is kept.
- Index.add() keeps one growing list of places per word: the memory alive at the end.
- Index.report() joins one large text, which is soon freed: together with the
  finished index, that is the high-water mark.
"""
import random
import sys

PAGES = 40
WORDS_PER_PAGE = 40_000
VOCABULARY = 3_000


class Index:
    def __init__(self):
        self.places = {}

    def add(self, word, page, position):
        self.places.setdefault(word, []).append(page * WORDS_PER_PAGE + position)

    def report(self):
        lines = []
        for word in sorted(self.places):
            places = self.places[word]
            lines.append(word + " " + " ".join(str(place) for place in places[:200]))
        return "\n".join(lines)


def make_vocabulary(chance):
    letters = "abcdefghijklmnopqrstuvwxyz"
    return ["".join(chance.choices(letters, k=5)) for _ in range(VOCABULARY)]


def make_page(chance, vocabulary):
    return " ".join(chance.choices(vocabulary, k=WORDS_PER_PAGE))


def index_page(index, number, page):
    for position, word in enumerate(page.split()):
        index.add(word, number, position)


def main():
    chance = random.Random(1)
    vocabulary = make_vocabulary(chance)
    index = Index()
    for number in range(PAGES):
        index_page(index, number, make_page(chance, vocabulary))
    text = index.report()
    print(f"{len(index.places)} words, a report of {len(text)} characters", file=sys.stderr)


if __name__ == "__main__":
    main()
