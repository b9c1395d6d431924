package doctor

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/release"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/upgrade"
	"github.com/bittrance/kitops/cmd/kitops/wiring"
	"github.com/bittrance/kitops/poller/files"
)

// runners asks GitHub for what each scale set needs, and registers nothing.
func (d *Doctor) runners(ctx context.Context, s settings.Settings, w *wiring.Wiring) {
	for _, set := range s.Runners {
		prefix := "runners " + set.Name + ": "
		if set.User == settings.SameUser {
			d.say(app.Fail, prefix+"jobs run as kitops' own user, who can read the App's key", "give user: another one, and start kitops as root")
		}
		if err := w.TryRunners(ctx, set); err != nil {
			d.fail(prefix+"GitHub's service for runners", err, "see docs/build-servers.md")
		} else {
			d.say(app.OK, fmt.Sprintf("%sGitHub lets the App register runners at %s", prefix, set.URL), "")
		}
		if doubt, remedy := w.DoubtRunners(ctx, set); doubt != "" {
			d.say(app.Warn, prefix+doubt, remedy)
		}
		if set.Workdir == "" {
			continue
		}
		if info, err := os.Stat(set.Workdir); err != nil || !info.IsDir() {
			d.say(app.Fail, prefix+"there is no directory "+set.Workdir, "install GitHub's runner there: see docs/build-servers.md")
		} else {
			d.say(app.OK, prefix+"the runner is installed in "+set.Workdir, "")
			d.runnerVersion(ctx, prefix, set)
		}
	}
}

// runnerVersion compares the runner that is installed with the latest, where its own files tell its version: it is not run, doctor
// may be root. An Enterprise Server takes older ones.
func (d *Doctor) runnerVersion(ctx context.Context, prefix string, set settings.RunnerSet) {
	version := installedRunner(set.Workdir)
	at, err := url.Parse(set.URL)
	if version == "" || err != nil || !app.IsCloud(at.Host) {
		return
	}
	asking, cancel := context.WithTimeout(ctx, doctorLook)
	defer cancel()
	latest, err := upgrade.Latest(asking, d.RunnerReleases, d.Process.Agent)
	switch {
	case err != nil:
		d.say(app.Warn, prefix+"it is not known whether the runner's version "+version+" is the latest: "+err.Error(), "")
	case release.Newer(latest, version):
		d.say(app.Warn, fmt.Sprintf("%sthe runner's version is %s, the latest is %s, and GitHub refuses those that are more than 30 days behind", prefix, version, latest),
			"install the latest in "+set.Workdir)
	default:
		d.say(app.OK, prefix+"the runner's version "+version+" is the latest", "")
	}
}

// installedRunner is the version of GitHub's runner in a directory, "" where it cannot be told.
func installedRunner(dir string) string {
	text, err := files.ReadRegular(filepath.Join(dir, "bin", "Runner.Listener.deps.json"), 4<<20)
	if err != nil {
		return ""
	}
	found := regexp.MustCompile(`"Runner\.Listener/(\d+\.\d+\.\d+)"`).FindSubmatch(text)
	if found == nil {
		return ""
	}
	return string(found[1])
}
