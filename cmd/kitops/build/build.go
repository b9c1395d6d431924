// Package build tells where this program comes from.
package build

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/caarlos0/env/v10"
)

// module is what go install is given.
const module = "github.com/bittrance/kitops/cmd/kitops"

// Build is what is known of a program, by the linker, by Go, and by where it runs.
type Build struct {
	Linked  string           // the linker's word for the version; "" for go install
	Info    *debug.BuildInfo // nil: not known
	Program string           // absolute path of the program; "" when not known
	Environ []string
	Root    fs.FS // the root of the file system
}

// Running is the program that runs. Linked is the linker's word for its version.
func Running(linked string, environ []string, root fs.FS) Build {
	info, _ := debug.ReadBuildInfo()
	executable, _ := os.Executable()
	return Build{Linked: linked, Info: info, Program: executable, Environ: environ, Root: root}
}

// Version is the linker's word, or the module's.
func (b Build) Version() string {
	if b.Linked == "" && b.Info != nil {
		return b.Info.Main.Version
	}
	return b.Linked
}

// Line names the build and what it is for.
func (b Build) Line() string {
	return fmt.Sprintf("%s (%s %s/%s)", b.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// commit is what it was built from. An image and a module have no Git to tell.
func (b Build) commit() string {
	stamps := map[string]string{}
	if b.Info != nil {
		for _, s := range b.Info.Settings {
			stamps[s.Key] = s.Value
		}
	}
	if stamps["vcs.revision"] == "" {
		return "not known: it was built without Git"
	}
	text := stamps["vcs.revision"]
	if when := stamps["vcs.time"]; when != "" {
		text += " of " + when
	}
	if stamps["vcs.modified"] == "true" {
		text += ", with changes that were not committed"
	}
	return text
}

// install is how the program came here, and how a newer one does.
func (b Build) install(ctx context.Context) (by, update string) {
	by, command := b.evident()
	if by == "" && packaged(b.Program) {
		by, command = b.byDatabase(ctx)
	}
	if by != "" {
		return "by " + by, command
	}
	return "by hand", "kitops upgrade"
}

// contained tells whether Docker, Podman, Kubernetes or systemd-nspawn made this machine.
func (b Build) contained() bool {
	variables := env.ToMap(b.Environ)
	if variables["KUBERNETES_SERVICE_HOST"] != "" || variables["container"] != "" {
		return true
	}
	for _, mark := range []string{".dockerenv", "run/.containerenv"} {
		if _, err := fs.Stat(b.Root, mark); err == nil {
			return true
		}
	}
	return false
}

// Write prints all of it, the line first.
func (b Build) Write(ctx context.Context, w io.Writer) error {
	by, update := b.install(ctx)
	_, err := fmt.Fprintf(w, "kitops %s\n\ncommit     %s\nprogram    %s\ninstalled  %s\nto update  %s\n",
		b.Line(), b.commit(), cmp.Or(b.Program, "not known"), by, update)
	return err
}
