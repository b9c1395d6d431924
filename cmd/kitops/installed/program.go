// Package installed knows the program that runs as a part of an installation. It
// finds its file, who brought it, the agent that it is for, and what may replace it.
package installed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/caarlos0/env/v10"

	"github.com/bittrance/kitops/cmd/kitops/build"
	"github.com/bittrance/kitops/cmd/kitops/release"
	"github.com/bittrance/kitops/cmd/kitops/service"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/upgrade"
	"github.com/bittrance/kitops/status"
)

// spool is where offers are left for kitops-upgrade.service, which root has set up.
const spool = "/var/spool/kitops"

// Program is the program that runs.
type Program struct {
	Build    build.Build
	Environ  []string
	Agent    string // what it calls itself at servers
	Releases string // where they are, but for --from
	Keys     string // that sign them; "": the pinned ones
}

// File is the file of this program, links followed.
func File() (string, error) {
	executable, err := os.Executable()
	if err == nil {
		executable, err = filepath.EvalSymlinks(strings.TrimSuffix(executable, " (deleted)")) // replaced meanwhile
	}
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	return upgrade.TargetOf(executable), nil
}

// Number is the version without a v.
func (p Program) Number() string { return strings.TrimPrefix(p.Build.Version(), "v") }

// Upgrade replaces the program, as what is filled in of u asks for.
func (p Program) Upgrade(ctx context.Context, u upgrade.Upgrade) error {
	var err error
	if u.Program, err = File(); err != nil {
		return err
	}
	if u.Keys, err = p.keys(); err != nil {
		return err
	}
	about := p.Build
	about.Program = u.Program
	if by, command := about.Owner(ctx); by != "" {
		u.Managed = &upgrade.ManagedError{By: by, Command: command}
	}
	u.Current, u.Platform = p.Number(), release.Platform(runtime.GOOS, runtime.GOARCH)
	u.Releases, u.Agent, u.Spool = p.Releases, p.Agent, spool
	config, stateFile := p.agent(u.Program)
	u.Trier = upgrade.Trier{Environ: p.Environ}
	if file, err := os.Open(config); config != "" && err == nil {
		file.Close()
		u.Trier.Settings = []string{"--config-file", config}
	} else if env.ToMap(p.Environ)["KITOPS_CONFIG_FILE"] != "" {
		u.Trier.Settings = []string{}
	}
	if stateFile != "" {
		u.Memory = upgrade.MemoryBeside(stateFile)
		if _, err := u.Memory.History(); errors.Is(err, fs.ErrPermission) { // the agent's, not this user's: it will find out by itself
			u.Memory = ""
		}
		u.Scratch = string(u.Memory)
	}
	return u.Run(ctx)
}

func (p Program) keys() ([]release.Key, error) {
	if p.Keys != "" {
		return release.ParseKeys(p.Keys)
	}
	return release.Pinned()
}

// agent are the files of the agent that the program is for: that of the
// variable, of the service, or of this folder; "" for what is not there.
func (p Program) agent(self string) (config, stateFile string) {
	own := env.ToMap(p.Environ)
	stateFile = settings.BesideOf(own["KITOPS_STATE"], own["KITOPS_STATE_FILE"], own["KITOPS_REPO_DIR"])
	serviceConfig, serviceState := service.Installed(self, p.Environ)
	switch {
	case stateFile != "" || own["KITOPS_STATE"] != "":
		return "", stateFile
	case serviceState != "":
		return serviceConfig, serviceState
	}
	fallback := settings.DefaultConfig().Poller.StateFile
	if _, err := os.Stat(fallback); err == nil {
		return "", fallback
	}
	return "", ""
}

// Write prints what this program is, and what is known of upgrades.
func (p Program) Write(ctx context.Context, out io.Writer) error {
	if err := p.Build.Write(ctx, out); err != nil {
		return err
	}
	self, err := File()
	if err != nil {
		return err
	}
	_, stateFile := p.agent(self)
	if stateFile == "" {
		return nil
	}
	if line := upgrade.MemoryBeside(stateFile).Describe(p.Number()); line != "" {
		_, err = fmt.Fprintln(out, status.Printable(line))
	}
	return err
}
