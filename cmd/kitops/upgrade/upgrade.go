package upgrade

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/bittrance/kitops/cmd/kitops/release"
)

// Upgrade is the command. Its errors are [*NewerError], [*ManagedError], or
// why the program stays the one that it is.
type Upgrade struct {
	Check    bool   // only tell whether there is a newer one
	To, From string // "": the newest, from Releases

	Current  string // the version of this program
	Program  string // its file, links followed
	Managed  error  // who else replaces it; nil: nobody
	Platform string
	Keys     []release.Key
	Releases string // address of the page with the releases
	Agent    string // what kitops calls itself at servers
	Memory   Memory
	Scratch  string // folder for downloads; "": that of temporary files
	Trier    Trier  // tries the new program
	Spool    string // where offers are left for root's helper
	Out      io.Writer
}

// NewerError says, to --check, that there is a newer release.
type NewerError struct{ Version string }

func (e *NewerError) Error() string { return "kitops " + e.Version + " is released" }

// ManagedError says who replaces the program, and how.
type ManagedError struct{ By, Command string }

func (e *ManagedError) Error() string {
	return fmt.Sprintf("this kitops was installed by %s, which would not know of another: %s", e.By, e.Command)
}

// Run does what was asked for.
func (u *Upgrade) Run(ctx context.Context) error {
	u.To = strings.TrimPrefix(u.To, "v")
	if u.Managed != nil && !u.Check {
		return u.Managed
	}
	if len(u.Keys) == 0 {
		return release.ErrNoKeys // before anything is downloaded
	}
	ctx, cancel := context.WithTimeout(ctx, downloadLimit)
	defer cancel()
	from, err := u.source(ctx)
	if err != nil {
		return fmt.Errorf("find the release: %w", err)
	}
	r, text, signature, err := u.verified(ctx, from)
	if err != nil {
		return err
	}
	wanted, err := u.judge(r.Version)
	if err != nil || !wanted {
		return err
	}
	if u.Check {
		fmt.Fprintf(u.Out, "kitops %s is released, this is %s.\n", r.Version, u.Current)
		return &NewerError{r.Version}
	}
	name, sum, err := r.Archive(u.Platform)
	if err != nil {
		return err
	}
	swap := &Swap{Target: u.Program}
	program, err := swap.begin()
	offered := err != nil && refused(err)
	if offered {
		if err = u.mayOffer(err); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	if !offered {
		defer func() { discard(program) }()
	}
	archive, err := u.download(ctx, from, name)
	if err != nil {
		return fmt.Errorf("download: %w", err)
	}
	defer discard(archive)
	if offered {
		return u.offer(text, signature, name, sum, archive)
	}
	if err := release.Unpack(archive, sum, program); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := swap.seal(program); err != nil {
		return err
	}
	if err := u.Trier.Try(ctx, program.Name(), r.Version); err != nil {
		return fmt.Errorf("kitops %s does not work here, nothing is changed: %w", r.Version, err)
	}
	return u.install(swap, program.Name(), r.Version)
}

// install writes down what is about to happen, then swaps.
func (u *Upgrade) install(swap *Swap, path, version string) error {
	swap.at("record")
	if err := u.Memory.write(recordFile, Record{From: u.Current, To: version}); err != nil {
		return err
	}
	if err := swap.finish(path); err != nil {
		if _, there := os.Lstat(path); there == nil { // the old one is in its place still
			err = errors.Join(err, u.Memory.forget())
		}
		return err
	}
	fmt.Fprintf(u.Out, "kitops %s is installed as %s, %s is kept beside it.\nAn agent that runs restarts itself when no action runs.\n",
		version, u.Program, filepath.Base(swap.Old()))
	return nil
}

// judge tells whether a version is to be installed; the error says why not.
func (u *Upgrade) judge(version string) (wanted bool, err error) {
	history, err := u.Memory.History()
	if err != nil {
		return false, err
	}
	if u.To != "" {
		return u.judgeWanted(version)
	}
	if release.Newer(history.Floor, version) {
		return false, fmt.Errorf("kitops %s is older than %s, which ran here: say --to %s for a downgrade", version, history.Floor, version)
	}
	if !release.Newer(version, u.Current) {
		fmt.Fprintf(u.Out, "kitops %s is current.\n", u.Current)
		return false, nil
	}
	if history.RolledBack != "" && history.To == version && !u.Check {
		return false, fmt.Errorf("kitops %s was rolled back at %s (%s): say --to %s to try it again",
			version, history.At.Format("2006-01-02 15:04 MST"), history.RolledBack, version)
	}
	return true, nil
}

func (u *Upgrade) judgeWanted(version string) (wanted bool, err error) {
	switch {
	case version != u.To:
		return false, fmt.Errorf("the release is %s, not %s", version, u.To)
	case !release.Newer(version, u.Current) && !release.Newer(u.Current, version):
		fmt.Fprintf(u.Out, "kitops %s is current.\n", u.Current)
		return false, nil
	case release.Newer(u.Current, version):
		fmt.Fprintf(u.Out, "This is a downgrade from %s.\n", u.Current)
	}
	return true, nil
}

// mayOffer tells whether an offer can be left for root, who may write where
// this process may not; refusal says that it may not.
func (u *Upgrade) mayOffer(refusal error) error {
	info, err := os.Stat(u.Spool)
	if u.Spool != "" && err == nil && info.IsDir() {
		return nil
	}
	return fmt.Errorf("%w: run it as somebody who may, or have kitops-upgrade.path do it (docs/upgrade.md)", refusal)
}
