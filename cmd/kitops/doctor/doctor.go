package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/wiring"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store/file"
	"github.com/bittrance/kitops/status"
)

// errDoctor says that something has to be mended; the lines have said what.
var errDoctor = errors.New("doctor found something to fix")

const (
	doctorLook = 30 * time.Second // for each repository
	lowSpace   = 1 << 30          // bytes: less is worth a warning
	noSpace    = 10 << 20         // bytes: less cannot hold a clone
)

// Doctor prints findings.
type Doctor struct {
	Out     io.Writer
	Process wiring.Process

	NotifyTrial    bool   // send a message to everybody who is to be notified
	RunnerReleases string // address of the page with the releases of GitHub's runner
	Unit           Unit   // that starts this program

	failed bool
}

// Run prints one line for each thing that a run needs.
func (d *Doctor) Run(ctx context.Context, all settings.Options) error {
	s, warnings, err := all.Load(d.Process.Environ)
	for _, warning := range warnings {
		d.say(app.Warn, warning, "")
	}
	if err != nil {
		return err
	}
	kept := filepath.Join(os.TempDir(), "kitops-doctor")
	if slices.ContainsFunc(s.Tasks, func(t settings.Task) bool { return t.Verify != nil }) { // only then something is kept
		if kept, err = os.MkdirTemp("", "kitops-doctor-"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(kept) }()
	}
	w := wiring.New(d.Process, kept, s.Git.MaxSize, s.App.APIURL, slog.New(slog.DiscardHandler))
	if _, err := w.Make(s); err != nil {
		return err
	}
	d.say(app.OK, fmt.Sprintf("configuration: %d task(s)", len(s.Tasks)), "")
	user, err := s.User()
	if err != nil {
		d.fail("action user", err, "start kitops as root, or leave --action-user away")
	} else if keys := s.ReadableKeys(user); len(keys) > 0 {
		d.say(app.Warn, "actions can read the GitHub App's private key ("+strings.Join(keys, ", ")+"), so whoever may push can take it", settings.KeyRemedy)
	}
	d.untrusted(ctx, s)
	d.bots(s)
	d.processes(s)
	d.limits(s)
	d.stop(s)
	d.signers(ctx, s, w)
	if s.Poller.State == "" {
		d.state(ctx, s.Poller.StateFile)
	} else {
		d.sharedState(ctx, s)
	}
	d.repoDir(ctx, s.Poller.RepoDir, user)
	d.kept(s)
	d.entrypoints(s)
	d.notifications(ctx, s)
	d.apps(ctx, s, w)
	d.suites(ctx, s, w)
	if s, err = d.repositories(ctx, s, w); err != nil {
		return err
	}
	d.tasks(ctx, s, w)
	d.required(ctx, s, w)
	d.runners(ctx, s, w)
	if d.failed {
		return errDoctor
	}
	return nil
}

func (d *Doctor) say(level app.Level, text, remedy string) {
	line := fmt.Sprintf("%-5s %s", level, status.Printable(text))
	if remedy != "" {
		line += ": " + status.Printable(remedy)
	}
	fmt.Fprintln(d.Out, line)
	d.failed = d.failed || level == app.Fail
}

func (d *Doctor) fail(what string, err error, remedy string) {
	d.say(app.Fail, what+": "+strings.ReplaceAll(err.Error(), "\n", "; "), remedy)
}

// processes tells by what the processes of a run would be found, were kitops
// started as doctor was.
func (d *Doctor) processes(s settings.Settings) {
	dir, err := actions.CgroupParent()
	if err == nil {
		d.say(app.OK, "processes of a run: each run has a cgroup of its own below "+dir, "")
		return
	}
	user, _ := s.User() // its error was said already
	unseen := (&actions.Processes{}).Unseen(user)
	for _, reason := range unseen {
		d.say(app.Warn, "processes of a run: "+reason, "so such a process outlives a timeout; let kitops make cgroups (Delegate=yes in its unit)")
	}
	if len(unseen) == 0 {
		d.say(app.OK, "processes of a run: found by their session, environment and parents; no cgroup for each run, since "+err.Error(), "")
	}
}

// state tries whether the memory can be read and replaced. An agent that is
// at work on it is no fault.
func (d *Doctor) state(ctx context.Context, path string) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		d.say(app.Fail, "state file "+path+": not a regular file", "name a file with --state-file")
		return
	}
	dir := filepath.Dir(path)
	if err := written(dir); err != nil {
		d.fail("state file "+path, err, spaceRemedy(err, "kitops must be able to write to "+dir))
		return
	}
	lock := path + ".lock"
	_, missing := os.Lstat(lock)
	held, err := file.AcquireLock(lock)
	var locked *file.LockedError
	switch {
	case errors.As(err, &locked):
		d.say(app.OK, fmt.Sprintf("state file %s: in use by a running kitops (%s)", path, locked.Owner), "")
		return
	case err != nil:
		d.fail("state file "+path, err, "kitops must be able to write to "+dir)
		return
	}
	defer func() {
		_ = held.Release()
		if missing != nil {
			_ = os.Remove(lock)
		}
	}()
	file, err := file.Open(path)
	if err == nil {
		_, err = wiring.NewPoller(ctx, &wiring.State{Tasks: file, Place: path})
	}
	if err != nil {
		d.fail("state file "+path, err, "fix it, or move it away to start with an empty memory")
		return
	}
	d.say(app.OK, "state file "+path+": readable and replaceable", "")
}

// repoDir tries whether there is room for clones.
func (d *Doctor) repoDir(ctx context.Context, path string, user *actions.User) {
	existing, temporary := path, path == ""
	if temporary {
		path, existing = os.TempDir(), os.TempDir()
	}
	for { // what is missing will be made
		if _, err := os.Stat(existing); err == nil || existing == filepath.Dir(existing) {
			break
		}
		existing = filepath.Dir(existing)
	}
	if err := written(existing); err != nil {
		d.fail("directory for clones "+path, err, spaceRemedy(err, "kitops must be able to write there, see --repo-dir"))
		return
	}
	if err := executed(ctx, existing, d.Process.Environ, user); err != nil {
		d.fail("directory for clones "+path+": no program can be executed there", err, "name a directory with --repo-dir that is not mounted noexec, and that the action's user reaches")
		return
	}
	above := existing
	if existing == path && !temporary { // which kitops opens itself
		above = filepath.Dir(filepath.Clean(path))
	}
	if err := entered(ctx, above, d.Process.Environ, user); err != nil {
		d.fail("directory for clones "+path+": the user of the actions does not get through "+above, err, "chmod o+x the folders above, or name a directory elsewhere with --repo-dir")
		return
	}
	space, err := git.SpaceOf(existing)
	text := fmt.Sprintf("directory for clones %s: %d MB free", path, space.Free>>20)
	switch {
	case err != nil:
		d.say(app.Warn, "directory for clones "+path+": free space unknown: "+err.Error(), "")
	case space.Free < noSpace:
		d.say(app.Fail, text, "make room, or name another disk with --repo-dir")
	case space.Free < lowSpace:
		d.say(app.Warn, text, "large repositories may not fit")
	default:
		d.say(app.OK, text, "")
	}
}

// kept warns of workdirs that are to be used again and will be gone.
func (d *Doctor) kept(s settings.Settings) {
	for _, t := range s.Tasks {
		if t.Checkout.Reuse && s.Poller.RepoDir == "" {
			d.say(app.Warn, "task "+t.Name+": its working directories are kept (checkout: reuse) for as long as kitops runs, and no longer", "name a lasting directory with --repo-dir")
		}
	}
}

// entrypoints looks for the programs of the actions as a run would.
func (d *Doctor) entrypoints(s settings.Settings) {
	for _, t := range s.Tasks {
		for _, a := range t.AllActions() {
			if problem, remedy := entrypoint(a, d.Process.Environ); problem != "" {
				d.say(app.Fail, fmt.Sprintf("task %s: action %s: %s", t.Name, a.Name, problem), remedy)
			}
		}
	}
}

// apps tries the credentials of each App once.
func (d *Doctor) apps(ctx context.Context, s settings.Settings, w *wiring.Wiring) {
	seen := map[*app.App]bool{}
	for _, t := range s.Tasks {
		a, _ := w.Selecting(s, t) // make has shown its errors
		if r := w.Repository(t.Name); r != nil {
			a = r.App
		}
		if a == nil || seen[a] {
			continue
		}
		seen[a] = true
		prefix := "GitHub App " + t.GitHub.AppID + ": "
		d.checks(prefix, a.Diagnose(ctx))
		if s.Webhook.DeliveriesInterval > 0 || s.Webhook.Listen != "" || s.Webhook.Relay.Given() {
			d.checks(prefix, a.DiagnoseHook(ctx))
		}
	}
}

func (d *Doctor) checks(prefix string, checks []app.Check) {
	for _, c := range checks {
		d.say(c.Level, prefix+c.Text, c.Remedy)
	}
}

// tasks looks at each repository as a run would.
func (d *Doctor) tasks(ctx context.Context, s settings.Settings, w *wiring.Wiring) {
	for _, t := range s.Tasks {
		prefix := "task " + t.Name + ": "
		if r := w.Repository(t.Name); r == nil || d.reaches(ctx, prefix, r, wiring.WithoutPulls(t.Refs)) && d.pulls(ctx, prefix, r, t) {
			d.look(ctx, prefix, t, w)
		}
	}
}
