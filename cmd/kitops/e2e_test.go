//go:build e2e && unix

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// browser is a headless Chromium with one tab in sight. make e2e needs it; nothing else does.
type browser struct {
	t   *testing.T
	ctx context.Context // of the tab
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), githubPatience)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.WindowSize(900, 760), chromedp.WSURLReadTimeout(patience),
	)...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithErrorf(t.Logf))
	t.Cleanup(cancel)
	return &browser{t, ctx}
}

func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("no chromium here: apt-get install chromium")
	return ""
}

func (b *browser) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// shoot keeps pictures of the page, light and dark; go test -artifacts shows where.
func (b *browser) shoot(name string) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		b.do("prefer "+scheme, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
			})
			return err
		}))
		picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
		if err != nil {
			b.t.Fatalf("picture %s: %v", name, err)
		}
		if err := os.WriteFile(filepath.Join(b.t.ArtifactDir(), name+"-"+scheme+".png"), picture, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
}

// shows wants the heading to hold the words, and waits for that.
func (b *browser) shows(words string) {
	b.t.Helper()
	b.do("await "+words, chromedp.WaitVisible(`//h1[contains(., "`+words+`")]`))
}

func TestE2ESetUpInABrowser(t *testing.T) {
	n, b := newNewcomer(t), newBrowser(t)
	shown := ""
	command := n.setUp(func(address string) {
		b.do("open kitops' page", chromedp.Navigate(address))
		b.shows("Register a GitHub App")
		b.shoot("1-register")
		b.do("go to GitHub", chromedp.Click(chromedp.CSS("#register")))
		b.shows("Create GitHub App for acme")
		b.do("make the App", chromedp.Click(chromedp.CSS("button[type=submit]")))
		b.shows("kitops-acme is registered")
		b.shoot("2-install")
		b.install()
		b.shows("kitops-acme reaches 1 repository") // the page finds out by itself
		b.shoot("3-done")
		var err error
		if shown, err = chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("#command"))); err != nil {
			t.Fatal(err)
		}
	})
	if strings.TrimSpace(shown) != command {
		t.Errorf("the page says %q, the terminal %q", shown, command)
	}
	n.goesGreen(command)
}

// install goes through the tab that the page opens.
func (b *browser) install() {
	b.t.Helper()
	opened := chromedp.WaitNewTarget(b.ctx, func(info *target.Info) bool { return strings.Contains(info.URL, "/installations/new") })
	b.do("go to the installation", chromedp.Click(chromedp.CSS("#install")))
	select {
	case id := <-opened:
		ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithTargetID(id))
		defer cancel() // closes the tab
		tab := &browser{b.t, ctx}
		tab.shows("Install kitops-acme")
		tab.do("choose", chromedp.SetValue(chromedp.CSS("select[name=account]"), "acme"), chromedp.Click(chromedp.CSS("button[type=submit]")))
		tab.shows("was installed on acme")
	case <-b.ctx.Done():
		b.t.Fatal("no new tab was opened")
	}
}

// Each way to fail ends with a page that says the same as the terminal.
func TestE2EProblems(t *testing.T) {
	b := newBrowser(t)
	for name, c := range map[string]struct {
		walk    func(address string)
		heading string
		remedy  string
	}{
		"webhook": {func(string) { b.giveUp("webhook") }, "GitHub refused the address of the webhook", "--webhook-url"},
		"denied":  {func(string) { b.giveUp("denied") }, "You may not register Apps for acme", "--org"},
		"state": {func(address string) {
			b.do("come back with another state", chromedp.Navigate(address+"registered?code=x&state=y"))
		}, "does not belong to this setup", "kitops setup again"},
	} {
		t.Run(name, func(t *testing.T) {
			setup := newNewcomer(t).start("setup", "kitops", "setup", "--org", "acme")
			address := setup.says(`(?m)^  (http://127\.0\.0\.1:\d+/\S+/)$`)
			b.do("open kitops' page", chromedp.Navigate(address))
			c.walk(address)
			b.shows(c.heading)
			b.shoot("problem-" + name)
			setup.ends(exitFailure)
			setup.says(`(?m)^kitops: (.*` + c.heading + `.*` + c.remedy + `.*)$`)
		})
	}
}

// giveUp tells kitops what GitHub refused.
func (b *browser) giveUp(why string) {
	b.t.Helper()
	b.do("unfold", chromedp.Click(chromedp.CSS("summary")), chromedp.WaitVisible(chromedp.CSS("button[value="+why+"]")))
	b.shoot("1-register-no")
	b.do("say why", chromedp.Click(chromedp.CSS("button[value="+why+"]")))
}
