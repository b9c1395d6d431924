package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/bittrance/kitops/app/apptest"
)

// checkFile is the task file of the third act. Nothing polls within it: the App's delivery log tells what happens.
const checkFile = `tasks:
  - name: check
    git: {url: %s, branch: main}
    interval: 10m
    github: {app_id: %s, private_key_file: app.pem, report: check, check_log: tail}
    actions:
      - name: test
        run: |
          grep -n Hello index.html
          test -e %s || { echo "::error file=index.html,line=1::the database is not there"; exit 1; }
`

// checked is the third act: a check run with the end of its log, and its Re-run button, which kitops hears of without an
// address that anybody reaches.
type checked struct {
	*hosted
	database string // what the commit's test needs
}

// newChecked has the App of the second act write check runs, in a folder of its own.
func newChecked(h *hosted) (*checked, error) {
	dir := filepath.Join(filepath.Dir(h.dir), "checked")
	c := &checked{
		hosted:   &hosted{story: &story{screen: h.screen, dir: dir}, github: h.github, shop: h.shop, app: h.app},
		database: filepath.Join(dir, "database"),
	}
	h.app.Installation("acme").SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write", "checks": "write"})
	h.app.SetHook("http://127.0.0.1:1/webhook", "push", "check_run", "check_suite") // where nobody listens
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return c, errors.Join(
		os.WriteFile(filepath.Join(dir, "app.pem"), h.app.PrivateKey(), 0o600),
		os.WriteFile(filepath.Join(dir, "tasks.yaml"), fmt.Appendf(nil, checkFile, h.shop.CloneURL(), h.app.ClientID, c.database), 0o600),
	)
}

func (c *checked) play(ctx context.Context, binary string) error {
	c.title("Check runs: a red one says why, and can be run again on GitHub, although nothing reaches kitops from outside")
	anna := c.github.AddUser("anna")
	anna.SetRole(c.shop, "write")
	p := c.push("greet with a test", "Hello, checks!")
	text, err := os.ReadFile(filepath.Join(c.dir, "tasks.yaml"))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		c.quote(strings.TrimRight(line, "\n"))
	}
	c.kitops, err = start(ctx, c.screen, binary, c.dir, "--config-file", "tasks.yaml", "--repo-dir", "repos", "--github-api-url", c.github.APIURL, "--deliveries-interval", interval)
	if err != nil {
		return err
	}
	defer c.kitops.stop()
	if err := c.follow(ctx, "check", p, "failure"); err != nil {
		return err
	}
	red, err := c.shown(ctx, p.sha, 1, "failure")
	if err != nil {
		return err
	}
	c.title("Somebody brings the database, and presses Re-run on GitHub")
	if err := os.WriteFile(c.database, nil, 0o600); err != nil {
		return err
	}
	c.say("anna", "presses Re-run")
	c.app.Deliver(ctx, c.shop.Rerequest(red, anna))
	if err := c.follow(ctx, "check", p, "success"); err != nil {
		return err
	}
	_, err = c.shown(ctx, p.sha, 2, "success")
	return err
}

// shown waits for the check run of a commit, the first or a later one, and shows what people see of it.
func (c *checked) shown(ctx context.Context, sha string, which int, conclusion string) (run apptest.CheckRun, err error) {
	if err := c.await(ctx, "a check run that ends with "+conclusion, func() bool {
		all := c.shop.CheckRuns(sha)
		if len(all) >= which {
			run = all[which-1]
		}
		return run.Conclusion == conclusion
	}); err != nil {
		return run, err
	}
	c.say("github", "has on %s the check run %s: %s", sha[:7], run.Name, run.Conclusion)
	c.quote(run.Output.Title)
	for line := range strings.Lines(run.Output.Text) {
		c.quote("  " + strings.TrimRight(line, "\n"))
	}
	for _, a := range run.Annotations {
		c.quote(fmt.Sprintf("%s:%d: %s: %s", a.Path, a.StartLine, a.Level, a.Message))
	}
	return run, nil
}
