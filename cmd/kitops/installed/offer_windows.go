package installed

import (
	"context"
	"io"

	"github.com/bittrance/kitops/cmd/kitops/settings"
)

// InstallOffer is for systemd.
func (Program) InstallOffer(context.Context, io.Writer) error {
	return settings.Mistake("--spooled is for kitops-upgrade.service, which Windows has not")
}
