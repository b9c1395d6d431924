package page

import (
	"html/template"
	"strings"
	"time"

	"github.com/bittrance/kitops/status"
)

// functions are what the templates call.
func functions() template.FuncMap {
	return template.FuncMap{
		"short":     short,
		"sha":       sha7,
		"printable": status.Printable,
		"time":      moment,
		"stamp":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"took":      took,
		"dict":      dict,
	}
}

// short is a ref without what goes without saying.
func short(ref string) string {
	for _, prefix := range []string{"refs/heads/", "refs/"} {
		if name, is := strings.CutPrefix(ref, prefix); is {
			return status.Printable(name)
		}
	}
	return status.Printable(ref)
}

func sha7(sha string) string { return sha[:min(7, len(sha))] }

// moment is a time by the agent's clock; the browser is told it in full.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// dict makes one value of several for a template: names and values by turns.
func dict(pairs ...any) map[string]any {
	all := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		all[pairs[i].(string)] = pairs[i+1]
	}
	return all
}
