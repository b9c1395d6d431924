package document_test

import (
	"math/rand/v2"
	"regexp"
	"testing"

	"github.com/bittrance/kitops/poller/store/document"
)

// TestQuotes: what needs none has none, by the rule as an expression.
func TestQuotes(t *testing.T) {
	plain := regexp.MustCompile(`^[A-Za-z/][\w./]*([-:@+=~]+[\w./]+)*( [\w./]+([-:@+=~]+[\w./]+)*)*$`)
	const alphabet = "aZ/0_.-:@ \t#é"
	seen := map[bool]int{}
	for range 50_000 {
		text := make([]rune, rand.N(7))
		for i := range text {
			text[i] = []rune(alphabet)[rand.N(len([]rune(alphabet)))]
		}
		s := string(text)
		if want, got := plain.MatchString(s), document.Quote(s) == s; got != want {
			t.Fatalf("%q without quotes: %v, want %v", s, got, want)
		}
		seen[plain.MatchString(s)]++
	}
	if seen[true] < 100 || seen[false] < 100 {
		t.Errorf("of both kinds there were %v", seen)
	}
}
