package steps

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/authspec/authspec/internal/suggest"
)

// Undefined says why no sentence with the keyword (Given, When or Then) is
// text, and what was probably meant.
func Undefined(keyword, text string) (message, advice string) {
	if s := sentenceMatching(text); s != nil {
		return fmt.Sprintf("this sentence belongs under %s, not under %s", s.Keyword, keyword),
			fmt.Sprintf("Begin the line with %s, or with And below a %s.", s.Keyword, s.Keyword)
	}
	advice = "authspec steps lists the sentences that exist."
	near, ok := Mend(text)
	if !ok {
		near = nearestSentence(text)
	}
	if near != "" {
		advice = "Did you mean: " + near + "? " + advice
	}
	return "no sentence of the vocabulary matches this line", advice
}

// Mend corrects the spelling of text word by word and reports whether it is a
// sentence of the vocabulary then; one that is right stays as it is.
func Mend(text string) (string, bool) {
	if sentenceMatching(text) != nil {
		return text, true
	}
	mended := mendWords(text)
	bare := strings.TrimRight(mended, " .,;:!")
	for _, candidate := range []string{mended, bare, bare + ":"} {
		if sentenceMatching(candidate) != nil {
			return candidate, true
		}
	}
	return "", false
}

// sentenceMatching returns a sentence that text is, under whatever keyword.
func sentenceMatching(text string) *Sentence {
	if found := allMatching(text); len(found) > 0 {
		return found[0]
	}
	return nil
}

// allMatching returns all sentences that text is, under whatever keyword.
func allMatching(text string) []*Sentence {
	var found []*Sentence
	for i := range sentences {
		if sentences[i].Pattern.MatchString(text) {
			found = append(found, &sentences[i])
		}
	}
	return found
}

// words are the words that sentences are made of, sorted. Values and the
// names of providers are none.
var words = sync.OnceValue(func() []string {
	set := map[string]bool{"I": true}
	for i := range sentences {
		text := sentences[i].Form + " " + sentences[i].Example
		for _, w := range strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(" |[]:,", c) }) {
			if w != strings.ToLower(w) || strings.ContainsAny(w, `"0123456789`) {
				continue
			}
			set[strings.NewReplacer("(", "", ")", "").Replace(w)] = true
			one, _, _ := strings.Cut(w, "(")
			set[one] = true
		}
	}
	var list []string
	for w := range set {
		list = append(list, w)
	}
	slices.Sort(list)
	return list
})

func mendWords(text string) string {
	fields := strings.Split(text, " ")
	quoted := false
	for i, f := range fields {
		if inside := quoted; strings.Count(f, `"`)%2 == 1 {
			quoted = !inside
		} else if !inside && !strings.Contains(f, `"`) {
			fields[i] = mendWord(f)
		}
	}
	return strings.Join(fields, " ")
}

func mendWord(word string) string {
	bare := strings.TrimRight(word, ".,;:!")
	end := word[len(bare):]
	best, bestDistance := "", 2
	switch n := len(bare); {
	case n >= 7:
		bestDistance = 3
	case n < 3:
		bestDistance = 1
	}
	for _, w := range words() {
		if w == bare {
			return word
		}
		if d := suggest.Distance(strings.ToLower(bare), strings.ToLower(w)); d < bestDistance {
			best, bestDistance = w, d
		}
	}
	if best == "" {
		return word
	}
	return best + end
}

// nearestSentence compares words, not letters: sentences are long.
func nearestSentence(text string) string {
	best, bestScore := "", 0.45
	have := wordSet(text)
	for i := range sentences {
		want := wordSet(sentences[i].Example)
		common := 0
		for w := range want {
			if have[w] {
				common++
			}
		}
		if score := 2 * float64(common) / float64(len(have)+len(want)); score > bestScore {
			best, bestScore = sentences[i].Example, score
		}
	}
	return best
}

func wordSet(text string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(strings.ToLower(text)) {
		set[strings.Trim(w, `":,.`)] = true
	}
	return set
}
