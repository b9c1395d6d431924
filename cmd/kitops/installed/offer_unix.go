//go:build unix

package installed

import (
	"context"
	"io"
	"os"
	"runtime"

	"github.com/caarlos0/env/v10"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/cmd/kitops/release"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/upgrade"
)

// InstallOffer is what kitops-upgrade.service runs. All it is told comes from
// its unit.
func (p Program) InstallOffer(ctx context.Context, out io.Writer) error {
	variables := env.ToMap(p.Environ)
	private, name := variables["STATE_DIRECTORY"], variables["KITOPS_ACTION_USER"]
	if os.Geteuid() != 0 || private == "" || name == "" {
		return settings.Mistake("--spooled is for kitops-upgrade.service (docs/upgrade.md)")
	}
	user, err := actions.LookupUser(name)
	if err != nil {
		return settings.Mistake("%w", err)
	}
	if user.UID == 0 {
		return settings.Mistake("KITOPS_ACTION_USER=%s: a new program is not tried as root", name)
	}
	h := upgrade.Helper{
		Spool: spool, Private: private, Current: p.Number(), Platform: release.Platform(runtime.GOOS, runtime.GOARCH), Out: out,
		Trier: upgrade.Trier{As: upgrade.AsUser(user.UID, user.GID)},
	}
	if file := variables["KITOPS_STATE_FILE"]; file != "" {
		h.Memory = upgrade.MemoryBeside(file)
	}
	if h.Program, err = File(); err != nil {
		return err
	}
	if h.Keys, err = p.keys(); err != nil {
		return err
	}
	return h.Run(ctx)
}
