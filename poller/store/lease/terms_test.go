package lease

import (
	"strings"
	"testing"
	"time"
)

func TestTerms(t *testing.T) {
	terms, err := NewTerms(TTL, 8*time.Second)
	if err != nil || terms.Margin() != 15*time.Second || terms.Outage() != 25*time.Second {
		t.Errorf("a margin of %s, an outage of %s: %v", terms.Margin(), terms.Outage(), err)
	}
	_, err = NewTerms(44*time.Second, 8*time.Second)
	if err == nil {
		t.Fatal("a lease shorter than three margins was taken")
	}
	for _, word := range []string{"44s", "45s", "15s", "8s", "5s", "2s"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%s does not say %s", err, word)
		}
	}
	if _, err := NewTerms(90*time.Second, 23*time.Second); err != nil {
		t.Error(err)
	}
	if _, err := NewTerms(TTL, 20*time.Second); err == nil {
		t.Error("a longer grace needs a longer lease")
	}
	if terms, err := ShortTerms(6 * time.Second); err != nil || terms.Margin() != 3*time.Second {
		t.Errorf("for tests: a margin of %s: %v", terms.Margin(), err)
	}
	if _, err := ShortTerms(5 * time.Second); err == nil {
		t.Error("nothing would be left between renewals")
	}
}
