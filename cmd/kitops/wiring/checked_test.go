package wiring

import (
	"log/slog"
	"testing"

	"github.com/spf13/pflag"

	"github.com/bittrance/kitops/cmd/kitops/settings"
)

// checked loads the settings and makes tasks of them, as check does.
func checked(t *testing.T, environ []string, args ...string) (settings.Settings, error) {
	t.Helper()
	all := settings.NewOptions()
	flags := pflag.NewFlagSet("kitops", pflag.ContinueOnError)
	all.Register(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	s, _, err := all.Load(environ)
	if err == nil {
		_, err = New(Process{}, "", s.Git.MaxSize, s.App.APIURL, slog.New(slog.DiscardHandler)).Make(s)
	}
	return s, err
}
