//go:build e2e && unix

package page_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

const (
	// tabPatience is what one test may take in a browser on a busy machine.
	tabPatience = 3 * time.Minute
	// axeVersion is the release of axe-core whose rules the pages are held to, and axeSum that of its axe.min.js.
	axeVersion = "4.14.1"
	axeSum     = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
)

// tab is one of a headless Chromium. make e2e needs that, and npm; nothing else does.
type tab struct {
	t   *testing.T
	ctx context.Context
}

func newTab(t *testing.T) *tab {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("no chromium here: apt-get install chromium")
	}
	ctx, cancel := context.WithTimeout(t.Context(), tabPatience)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.WindowSize(1200, 800), chromedp.WSURLReadTimeout(time.Minute),
	)...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithErrorf(t.Logf))
	t.Cleanup(cancel)
	return &tab{t, ctx}
}

// another is a tab of the same browser.
func (b *tab) another() *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	return &tab{b.t, ctx}
}

func (b *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatalf("%s: %v; the page says: %s", what, err, b.text())
	}
}

// text is what the page says, for who looks for a mistake.
func (b *tab) text() string {
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
	if err != nil {
		return err.Error()
	}
	return text
}

// says waits until the page has a text.
func (b *tab) says(text string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	for {
		_, err := chromedp.Run(ctx, chromedp.Poll[bool](fmt.Sprintf("document.body && document.body.innerText.includes(%q)", text)))
		switch {
		case err == nil:
			return
		case ctx.Err() != nil || !strings.Contains(err.Error(), "context with specified id") && !strings.Contains(err.Error(), "navigated or closed"): // else another page has taken its place
			b.t.Fatalf("the page never says %q: %v; it says: %s", text, err, b.text())
		}
	}
}

// leave has the page believe that another tab is in front of it: a headless Chromium shows all of them.
func (b *tab) leave() {
	b.t.Helper()
	const hide = `Object.defineProperty(document, "hidden", {value: true, configurable: true}); document.dispatchEvent(new Event("visibilitychange"));`
	if _, err := chromedp.Run(b.ctx, chromedp.Evaluate[any](hide)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) open(address string) {
	b.t.Helper()
	b.do("open "+address, chromedp.Navigate(address))
}

// press presses the button of that name, in the form that has it.
func (b *tab) press(name string) {
	b.t.Helper()
	b.do("press "+name, chromedp.Click(fmt.Sprintf("//button[normalize-space(.)=%q]", name)))
}

// fill writes into a field of the form that has a button.
func (b *tab) fill(button, field, value string) {
	b.t.Helper()
	b.do("fill "+field, chromedp.SetValue(fmt.Sprintf("//form[.//button[normalize-space(.)=%q]]//input[@name=%q]", button, field), value))
}

// prefer sets the colours that the user likes.
func (b *tab) prefer(scheme string) {
	b.t.Helper()
	b.do("prefer "+scheme, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
}

// examine takes pictures of a page, light, dark and as wide as a phone, and has axe look for what keeps people out.
// go test -artifacts shows where the pictures are.
func (b *tab) examine(name, axe string) {
	b.t.Helper()
	for _, look := range []string{"light", "dark", "phone"} {
		width, height, scheme := int64(1200), int64(844), look
		if look == "phone" {
			width, height, scheme = 390, 2000, "light" // all of the page in sight, since browsers draw no text that is not
		}
		b.prefer(scheme)
		b.do("a window of that size", chromedp.EmulateViewport(width, height), chromedp.Reload())
		picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
		if err != nil {
			b.t.Fatalf("picture of %s: %v", name, err)
		}
		if err := os.WriteFile(filepath.Join(b.t.ArtifactDir(), name+"-"+look+".png"), picture, 0o600); err != nil {
			b.t.Fatal(err)
		}
		wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
		if err != nil || wide {
			b.t.Errorf("%s, %s: the page is wider than its window (%v)", name, look, err)
		}
		b.judge(name+", "+look, axe)
	}
	b.prefer("light")
	b.do("the usual window", chromedp.ResetViewport())
}

// judge has axe-core look at the page. What it calls serious or critical is an error.
func (b *tab) judge(what, axe string) {
	b.t.Helper()
	const run = `axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.map(v =>
		v.impact + ": " + v.id + ": " + v.help + ": " + v.nodes.map(n => n.target.join(" ")).slice(0, 5).join(", ")))`
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](axe+";\n"+run, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("axe on %s: %v", what, err)
	}
	for _, violation := range found {
		if strings.HasPrefix(violation, "serious") || strings.HasPrefix(violation, "critical") {
			b.t.Errorf("%s: %s", what, violation)
		} else {
			b.t.Logf("%s: %s", what, violation)
		}
	}
}

// axeCore is the script of axe-core, by npm.
func axeCore(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.CommandContext(t.Context(), "npm", "install", "--prefix", dir, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "axe-core@"+axeVersion).CombinedOutput()
	if err != nil {
		t.Fatalf("npm install axe-core: %v: %s", err, out)
	}
	script, err := os.ReadFile(filepath.Join(dir, "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(script); hex.EncodeToString(sum[:]) != axeSum {
		t.Fatalf("axe-core %s is another one: sha256 %x", axeVersion, sum)
	}
	return string(script)
}

// follow follows the link, or presses the button, of that name.
func (b *tab) follow(name string) {
	b.t.Helper()
	b.do("follow "+name, chromedp.Click(fmt.Sprintf("//*[self::a or self::button][normalize-space(.)=%q]", name)))
}
