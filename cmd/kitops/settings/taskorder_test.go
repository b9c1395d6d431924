package settings

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/cmd/kitops/settings/settingstest"
	"github.com/bittrance/kitops/poller"
)

func TestRules(t *testing.T) {
	for keys, want := range map[string]poller.Rules{
		"on_new: run": {},
		"retry: off":  {Retry: &poller.Retry{}},
		"retry: {times: 3, pause: 30s}\n    on_failure: rollback":    {Retry: &poller.Retry{Times: 3, Pause: 30 * time.Second}, RollBack: true},
		"retry: {times: 3}\n    on_failure: [rollback, {run: make}]": {Retry: &poller.Retry{Times: 3}, RollBack: true},
		"parallel: 3\n    on_push: cancel":                           {Parallel: 3, CancelOnPush: true},
		"on_push: finish":                                            {FinishPulls: true},
		"grace: 5m":                                                  {Grace: 5 * time.Minute},
		"approve: each":                                              {Approve: true},
		"group: prod-db":                                             {Group: "prod-db"},
		`windows: ["Mon-Fri 08:00-17:00 Europe/Stockholm", "Sat 10:00-12:00 UTC"]`: {Windows: windows(t, "Mon-Fri 08:00-17:00 Europe/Stockholm", "Sat 10:00-12:00 UTC")},
	} {
		tasks, mistakes := parse(t, settingstest.File("", keys, ""))
		if mistakes != "" || !reflect.DeepEqual(tasks[0].Rules, want) {
			t.Errorf("%s: %+v %s", keys, tasks, mistakes)
			continue
		}
		if err := judged(t, settingstest.File("", keys, "")); err != nil {
			t.Errorf("%s: the schema refuses it: %v", keys, err)
		}
	}
}

func windows(t *testing.T, texts ...string) (all poller.Windows) {
	t.Helper()
	for _, text := range texts {
		w, err := poller.ParseWindow(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	return all
}

func TestRuleMistakes(t *testing.T) {
	for keys, want := range map[string]string{
		"retry: on":                      "6:12: retry must be off or a mapping such as {times: 3, pause: 30s}",
		"retry: {pause: 3s}":             "retry has no times",
		"retry: {times: 0}":              `times must be a whole number from 1 to 1000, not "0"`,
		"retry: {times: 2, pause: 2h}":   "pause is at most 1h",
		"on_failure: rollback":           "6:17: on_failure: rollback comes after the last try",
		"on_failure: back":               `on_failure is a list of actions, or rollback, not "back"`,
		"parallel: 0":                    `parallel must be a whole number from 1 to 1000, not "0"`,
		"parallel: 2\n    group: db":     "parallel and group exclude each other",
		"windows: [always]":              `6:15: windows: "always" is no window`,
		"windows: []":                    "windows is empty",
		"grace: 2h":                      "6:12: grace is at most 1h",
		"on_push: stop":                  `on_push must be finish or cancel, not "stop"`,
		"on_failure: []":                 "on_failure is empty",
		"retry: {times: 2, pauses: 30s}": `unknown key "pauses"`,
	} {
		_, mistakes := parse(t, settingstest.File("", keys, ""))
		if !strings.Contains(mistakes, want) {
			t.Errorf("%s:\n%s\nwant %s", keys, mistakes, want)
		}
	}
}
