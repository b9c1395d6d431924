package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/cmd/kitops/installed"
	"github.com/bittrance/kitops/cmd/kitops/upgrade"
)

// Set by the linker.
var (
	releases = "https://github.com/bittrance/kitops/releases" //nolint:gochecknoglobals // for tests: their stand-in
	keys     = ""                                             //nolint:gochecknoglobals // for tests, and for releases of others: instead of the pinned ones
)

// upgradeCommand replaces the program by a newer release.
func (p program) upgradeCommand() *cobra.Command {
	u := upgrade.Upgrade{Out: p.stdout}
	spooled := false
	cmd := &cobra.Command{
		Use: "upgrade [flags]", Short: "Replace this program by a newer release", Args: noArgs,
		Long: `kitops upgrade downloads the newest release, verifies who signed it, tries the
new program and puts it in place of this one, which stays beside it. An agent
that runs goes on as the new program when no action runs; if that is not good
within a minute, the old one is back.`,
		Example: "  kitops upgrade --check\n  sudo kitops upgrade\n  kitops upgrade --from /mnt/kitops-0.2.0",
		RunE: interruptible(func(ctx context.Context) error {
			if spooled {
				return p.installed().InstallOffer(ctx, p.stdout)
			}
			return p.installed().Upgrade(ctx, u)
		}),
	}
	flags := cmd.Flags()
	flags.BoolVar(&u.Check, "check", false, "only tell: exit code 0 if this is current, 10 if there is a newer one")
	flags.StringVar(&u.To, "to", "", "install this `VERSION`, also an older one or one that was rolled back")
	flags.StringVar(&u.From, "from", "", "a folder with the files of a release, or its `URL` (default: GitHub)")
	flags.BoolVar(&spooled, "spooled", false, "install what was offered; for kitops-upgrade.service")
	flags.Lookup("spooled").Hidden = true
	return cmd
}

// installed is this program with what may replace it.
func (p program) installed() installed.Program {
	return installed.Program{Build: p.build, Environ: p.environ, Agent: p.process().Agent, Releases: releases, Keys: keys}
}
