package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestNotificationKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"url": "https://hooks.example.com/secret-path\n", "token": "secret-token\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file := func(top, own string) string {
		return "notify: " + top + "\ntasks:\n  - name: shop\n    git: {url: /srv/shop.git}\n    actions: [{run: make}]\n    notify: " + own + "\n"
	}
	const slack = "[{to: slack, url_file: url}]"
	tasks, _, mistakes := parseTaskFile("tasks.yaml", dir, []byte(file(slack, "[{to: telegram, chat: -100, token_file: token, on: [start, behind], behind_after: 2h, after: 3}]")), DefaultConfig())
	if len(mistakes) > 0 || len(tasks[0].Notify) != 2 || tasks[0].Notify[0].Target.Chat != "-100" || tasks[0].Notify[0].After != 3 || len(tasks[0].Notify[1].On) != 4 || tasks[0].Notify[0].Behind != 2*time.Hour {
		t.Fatalf("%+v %v", tasks, mistakes)
	}
	for want, own := range map[string]string{
		`6:14: notify: slack needs url_file`: "[{to: slack}]",
		`6:19: to must be slack or teams`:    "[{to: irc}]",
		`6:14: notify has no to`:             "[{url_file: url}]",
		`on: "broken" is none of start, success, failure, error, recovery, gave_up, behind`: "[{to: slack, url_file: url, on: [broken]}]",
		`after must be a number of tries from 1, not "0"`:                                   "[{to: slack, url_file: url, after: 0}]",
		`behind_after goes with behind in on`:                                               "[{to: slack, url_file: url, behind_after: 1h}]",
		`unknown key "urlfile" in notify; did you mean "url_file"?`:                         "[{to: slack, url_file: url, urlfile: url}]",
		`notify: template: template: template:1:2: executing "template" at <.No>`:           "[{to: slack, url_file: url, template: '{{.No}}'}]",
	} {
		_, _, mistakes := parseTaskFile("tasks.yaml", dir, []byte(file(slack, own)), DefaultConfig())
		if len(mistakes) != 1 || !strings.Contains(mistakes[0].Error(), want) || strings.Contains(mistakes[0].Error(), "secret-") {
			t.Errorf("%s: %v", own, mistakes)
		}
	}
	if _, _, mistakes := parseTaskFile("tasks.yaml", dir, []byte(file("[{to: slack}]", slack)), DefaultConfig()); len(mistakes) != 1 {
		t.Errorf("a mistake at the top is told %d times: %v", len(mistakes), mistakes)
	}
}
