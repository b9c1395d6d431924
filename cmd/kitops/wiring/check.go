package wiring

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/status"
)

// Check reads what was given, finds every mistake in it, and writes what counts.
// It touches nothing. Warnings go to another writer.
func Check(all settings.Options, p Process, out, warnings io.Writer) error {
	s, found, err := all.Load(p.Environ)
	for _, warning := range found {
		fmt.Fprintln(warnings, "kitops: warning: "+status.Printable(warning))
	}
	if err != nil {
		return err
	}
	if err := New(p, "", s.Git.MaxSize, s.App.APIURL, slog.New(slog.DiscardHandler)).Try(s); err != nil {
		return err
	}
	return all.WriteSettings(out, s)
}
