package notify

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

// TestLongMessagesAreCut as each service wants it, between characters, and the link stays: services refuse or drop what is
// longer.
func TestLongMessagesAreCut(t *testing.T) {
	t.Parallel()
	const link = "https://kitops.example.com/runs/1"
	address := file(t, "https://hooks.example.com/x")
	for kind, test := range map[string]struct {
		target Target
		most   int
		field  string // with the text; "" for the body
		linked bool   // at the end of the text
	}{
		"slack":    {Target{URLFile: address}, slackLimit, "text", true},
		"discord":  {Target{URLFile: address}, discordLimit, "content", true},
		"telegram": {Target{Chat: "1", TokenFile: file(t, token)}, telegramLimit, "text", true},
		"ntfy":     {Target{URL: "https://ntfy.example.com/x"}, ntfyLimit, "", false},
		"gotify":   {Target{URL: "https://gotify.example.com", TokenFile: file(t, token)}, longest, "message", true},
		"matrix":   {Target{Server: "https://matrix.example.com", Room: "!r:x", TokenFile: file(t, token)}, longest, "body", true},
		"teams":    {Target{URLFile: address}, 28_000, "", false}, // of the whole card
	} {
		for name, text := range map[string]string{
			"lines": strings.Repeat("a line of it: é *\n", 5000), "one line": strings.Repeat("é", 50_000), "marks": strings.Repeat("*<", 30_000),
		} {
			target := test.target
			target.Kind = kind
			r, err := target.request(t.Context(), message{id: "1", text: text, link: link})
			if err != nil {
				t.Fatal(kind, err)
			}
			data, err := io.ReadAll(r.Body)
			got := string(data)
			if err == nil && test.field != "" {
				var body map[string]any
				err = json.Unmarshal(data, &body)
				got, _ = body[test.field].(string)
			}
			if err != nil || utf8.RuneCountInString(got) > test.most || len(got) < test.most/8 || !utf8.ValidString(got) || !strings.Contains(got, "…") || test.linked && !strings.HasSuffix(got, "\n"+link) {
				t.Errorf("%s, %s: %d characters, %v: %.40q … %q", kind, name, utf8.RuneCountInString(got), err, got, got[max(0, len(got)-60):])
			}
		}
	}
}

// silent is a service that takes a message and says nothing.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// TestAServiceThatSaysNothing holds up its own message only, and for a bounded time.
func TestAServiceThatSaysNothing(t *testing.T) {
	t.Parallel()
	target := Target{Kind: "webhook", URLFile: file(t, "https://hooks.example.com/"+token)}
	synctest.Test(t, func(t *testing.T) {
		s, _ := sender(t, target)
		s.Client = &http.Client{Transport: silent{}}
		r := failed("shop", "exit status 3")
		r.To = target.To()
		begun := time.Now()
		err := s.Report(t.Context(), r)
		if err == nil || time.Since(begun) != patience || !strings.Contains(err.Error(), "no answer in 10s") || strings.Contains(err.Error(), token) {
			t.Error(err, time.Since(begun))
		}
	})
}
